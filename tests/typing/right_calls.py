"""Calls that pyright and mypy accept."""

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknet
from sknet import (
    AutoencoderTransformer,
    FeatureExtractor,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralOutlierDetector,
    NeuralRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknet.activations import FunctionActivation, LeakyReLU
from sknet.initializers import HeNormal
from sknet.inspection import TrainingDisplay, diagnose
from sknet.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Branch,
    ColumnBranches,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    MaxPool2D,
    MultiHeadAttention,
    Parallel,
    Residual,
    Sequential,
    TransformerBlock,
)
from sknet.layers.items import LayerItem
from sknet.losses import FocalLoss, Huber, LogLoss, Quantile
from sknet.network import Network
from sknet.optimizers import LBFGS, SGD, Adam, AdamW
from sknet.preprocessing import (
    SquashingScaler,
    TableEncoder,
    TokenizerTransformer,
    pad_sequences,
    sliding_windows,
)
from sknet.schedules import Cosine, OneCycle, Step

X: NDArray[np.float64] = np.zeros((8, 4))
y: NDArray[np.int64] = np.zeros(8, dtype=np.int64)

# The names that parameters take.
NeuralClassifier()
NeuralClassifier(64)
NeuralClassifier((64, 32), "gelu")
NeuralClassifier(hidden_layer_sizes=[64, 32], activation="silu", solver="adamw", batch_size=64)
NeuralClassifier(hidden_layer_sizes=np.array([64, 32]), batch_size="auto", alpha=0)
NeuralClassifier(n_iter_no_change=np.inf, max_iter=5, max_time=60, tol=0, verbose=1)
NeuralClassifier(normalization="batch", dropout=0.1, clip_norm=1.0, averaging=0.99)
NeuralClassifier(loss="focal", learning_rate="one_cycle", class_weight="balanced")
NeuralClassifier(class_weight={"a": 1.0, "b": 2.0}, scoring="roc_auc")
NeuralClassifier(dtype="float32", random_state=0)
NeuralClassifier(dtype=np.float32, random_state=np.random.RandomState(0))
NeuralRegressor(loss="quantile", scoring="r2", standardize_target=False)
NeuralRegressor(loss={"price": "squared_error", "sold": LogLoss()})
AutoencoderTransformer(2, (32,), noise=0.1, noise_type="masking", handle_missing="ignore")
AutoencoderTransformer(encoder=[32], decoder=[("hidden", Dense(32)), 16], variational=True)
NeuralOutlierDetector(contamination=0.1, sparsity_type="kl")
NeuralOutlierDetector(contamination="auto")
NeuralLanguageModel("word", context_length=32, layers=[GRU(8, return_sequences=True)])
NeuralLanguageModel(TokenizerTransformer(level="char"), dtype="float32")
TabularClassifier(categorical_features=["city"], cv=4, n_jobs=-1, learning_rate_init="auto")
TabularRegressor(frequency_scale=0.1, activation="mish", n_members=3)
FeatureExtractor(NeuralClassifier(), layer="hidden")

# Objects in the place of names.
NeuralClassifier(
    solver=Adam(beta_1=0.8), learning_rate=Cosine(warmup=0.1), loss=FocalLoss(gamma=2.0)
)
NeuralClassifier(solver=LBFGS(max_fun=100), activation=LeakyReLU(0.1))
NeuralClassifier(learning_rate=lambda progress: 1.0 - progress, solver=SGD(momentum=0.9))
NeuralClassifier(scoring=lambda truth, prediction: 1.0)
NeuralRegressor(loss=Huber(delta=2.0), solver=AdamW(weight_decay=0.1), learning_rate=OneCycle())
NeuralRegressor(loss=Quantile([0.1, 0.9]), learning_rate=Step(drop=0.5, every=10))
FunctionActivation(np.tanh, lambda x, out: 1 - out**2)

# Layers.
images: list[LayerItem] = [
    Conv2D(8, 3, padding="same", activation="relu"),
    ("pool", MaxPool2D(2)),
    Flatten(),
    ("dense", Dense(16, kernel_initializer=HeNormal(), bias_initializer="zeros")),
    Dropout(0.5),
]
NeuralClassifier(layers=images, input_shape=(28, 28, 1))
NeuralClassifier(layers=[Conv2D(8, (3, 5), strides=(1, 2)), Flatten(), 32])
NeuralClassifier(layers=[64, ("code", 8), Residual([64, Dense(8)])], input_shape=(None, 3))
NeuralClassifier(layers=(Bidirectional(LSTM(8), merge_mode="sum"), Dense(4, trainable=False)))
NeuralClassifier(layers=[Embedding(8, input_dim=100), TransformerBlock(2, causal=True), GRU(4)])
NeuralClassifier(layers=[Sequential([8, MultiHeadAttention(2, key_dim=4)])])
NeuralClassifier(layers=[ColumnBranches([Branch([0, 1], [8]), ("text", Branch("text", [4]))])])
NeuralClassifier(layers=[Parallel([[8, 4], ("wide", [16])], merge="add")])

# Methods, and what they return.
model = NeuralClassifier().fit(X, y, sample_weight=np.ones(8), X_val=X, y_val=y)
model.partial_fit(X, y, classes=[0, 1]).fit(X.tolist(), y.tolist())


class RowGroups:
    def __len__(self) -> int:
        return 1

    def __getitem__(self, position: int) -> tuple[object, object]:
        return X, y


model.fit_blocks(RowGroups(), classes=[0, 1], X_val=X, y_val=y).fit_blocks([(X, y)])
accuracy: float = model.score(X, y)
network: Network = model.network_
losses: list[float] = model.history_["loss"]
epochs: int = model.n_iter_
weights: dict[str, NDArray[np.float64]] = model.get_weights()
code: NDArray[np.float64] = AutoencoderTransformer().fit(X).transform(X)
tables: TabularClassifier = TabularClassifier().fit(X, y, groups=y)
scaled = SquashingScaler(max_absolute_value=3).fit_transform(X)
rows = TableEncoder(max_one_hot=8).fit_transform(X)
padded: NDArray[np.float64] = pad_sequences([[1, 2], [3]], 4, value=-1)
windows, target = sliding_windows(X, 3, horizon=1)
display: TrainingDisplay = TrainingDisplay.from_estimator(model)
diagnose(model, X, y).to_dict()
sknet.save(model, "model.sknet")

# With scikit-learn.
pipeline = make_pipeline(StandardScaler(), NeuralClassifier(max_iter=5))
search = GridSearchCV(pipeline, {"neuralclassifier__alpha": [0.1, 1.0]}, cv=3)
search.fit(X, y)
NeuralRegressor().set_params(alpha=1.0, solver="sgd")
