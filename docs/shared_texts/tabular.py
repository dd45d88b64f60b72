"""The descriptions that the docstrings of the estimators for tables share."""

TEXTS = {
    "X": """
    X : {data frame, array-like} of shape (n_samples, n_features)
        Rows, with columns of any kind.
    """,
    "columns": """
    categorical_features : array-like or "from_dtype", default="from_dtype"
        Which columns are categories: their names, positions or a mask, as
        `sklearn.ensemble.HistGradientBoostingClassifier` takes them. "from_dtype" finds out by
        the types of the columns.
    """,
    "network": """
    hidden_layer_sizes : int or array-like of int, default=(128, 128, 128)
        Widths of the hidden layers; an int is one layer.
    """,
    "dropout": """
    dropout : float, default=0.15
        Rate of the dropout after each hidden layer, in [0, 1); it falls to 0 in the second half
        of the training.
    frequency_scale : float, array-like of float or "auto", default="auto"
        Standard deviation of the frequencies of the periodic embeddings at the start, 0 to 1e6;
        of several values each member in turn takes the next. Larger ones tell closer numbers
        apart; 0 leaves the numbers as they are. "auto" is (0.3, 1, 3) for classification and
        (0.1, 0.3, 1, 3, 10) for regression. With more than 24 numeric columns for classification
        and 100 for regression it is (0, 0.1, 0, 0.3, 0, 1, 0, 3), and with more than 100 for
        classification 0.
    """,
    "steps": """
    batch_size : int or "auto", default="auto"
        Rows of a step; "auto" is 64 for up to 1024 rows, 128 for up to 8192, and more for larger
        tables, at most 1024.
    """,
    "training": """
    weight_decay : float, default=0.02
        Share of a weight that is lost in a step, per unit of the learning rate, at least 0; it
        falls to 0 in the second half of the training.
    max_iter : int, default=64
        Number of epochs of each member at most. The schedules are made for as many; a member stops
        after twice the epochs that its best one took and a tenth of all, or 6 if that is more.
    max_time : float, default=None
        Seconds after which `fit` stops with the ensemble it has; the members share it evenly.
    cv : int, splitter or iterable, default=8
        The folds, each of which one member does not see: their number, a scikit-learn splitter,
        or pairs of rows to train on and rows to hold out. An int makes random folds, at most one
        for each row, stratified by class where there are classes. Identical rows are held out
        together, unless the same features occur with another target as well, or the table has few
        distinct rows, which occur more than four times in the mean.
    n_members : int, default=None
        Number of members; None is one for each fold. More go through the folds again; those of
        an int `cv` are then drawn anew.
    """,
    "end": """
    warm_start : bool, default=False
        Whether `fit` keeps the members that there are and trains those that `n_members` asks for
        in addition, on the same rows.
    n_jobs : int, default=None
        Number of members that train at a time, by joblib; None is 1 unless in a
        `joblib.parallel_config` context. As many predict at a time, in threads, where there are
        many rows. The results do not depend on it.
    random_state : int, RandomState instance or None, default=None
        Source of the folds, the initial weights, the order of rows and the noise. An int gives
        the same bits each time.
    verbose : bool or int, default=False
        Whether to print a line a member.
    """,
    "attributes": """
    members_ : list of sknet.NeuralClassifier or sknet.NeuralRegressor
        The fitted networks, for encoded rows.
    member_weights_ : ndarray of shape (n_members,)
        Weights of the members in the mean; they fall with the square of the out-of-fold loss.
        They are equal if these losses do not differ significantly, if `cv` is a splitter, and
        if `groups` are given.
    encoder_ : sknet.preprocessing.TableEncoder
        What encodes rows, learned from the training rows without their targets.
    feature_importances_ : ndarray of shape (`n_features_in_`,)
        Growth of the loss when a feature is permuted, in rows that members have not seen; the
        sum is 1. Computed when it is first asked for.
    n_iter_ : int
        Number of epochs of the member that was trained for most.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X had string names.
    """,
    "fit": """
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows. A row of weight 2 is the same as a row twice, unless the table has
        few distinct rows or the same features with other targets. Only the ratios of weights
        count, but whole numbers of a mean up to 10 also count as rows in how categories are
        encoded.
    groups : array-like of shape (n_samples,), default=None
        Groups of rows, which are held out together; for `cv` that splits by groups, and for an
        int.
    """,
}
