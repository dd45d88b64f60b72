"""The descriptions that the estimators' docstrings share."""

TEXTS = {
    "architecture": """
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Widths of the plain hidden layers; an int is one layer.
    activation : str or sknet.activations.Activation, default="relu"
        Activation of the hidden layers: identity, logistic (also called sigmoid), tanh, relu,
        leaky_relu, relu6, elu, selu, gelu, silu, hard_swish, mish, softplus, softsign,
        hard_sigmoid, softmax, or an object.
    """,
    "layers": """
    layers : list, default=None
        Layers instead of the plain hidden ones: `sknet.layers` objects, pairs
        ("name", layer), or ints n, short for ``Dense(n, activation)``. The output layer is
        added by the estimator. Nested parameters are reached by position or name, as in
        ``layers__0__units``.
    """,
    "coders": """
    encoder : list, default=None
        Layers instead of the plain hidden ones of the encoder: `sknet.layers` objects, pairs
        ("name", layer), or ints n, short for ``Dense(n, activation)``; reached as in
        ``encoder__0__units``. The linear layer of `n_components` is added after them, after a
        Flatten where they end with several axes. None takes the hidden layer sizes. For sequences
        of any length there is no Flatten: the code is one vector a sequence or one a step, as the
        layers end.
    decoder : list, default=None
        Layers from the code on, in the same form. A linear layer of n_features is added, after a
        Flatten where they end with several axes; but not if they end with the shape of a sample
        of several axes, as ``Conv2DTranspose(1, 3, padding="same")`` may for images, or with a
        Dense of n_features units without activation. None takes the hidden layer sizes in
        reverse, also where the encoder is given. For sequences of any length it reads a code at
        each step, that of the whole sequence if there is one, and ends with one vector a step.
    tied_weights : bool, default=False
        Whether the decoder uses the kernels of the encoder, transposed; the biases are its own.
        For plain hidden layers, and codes that are not variational.
    """,
    "codes": """
    noise : float, default=0.0
        Noise on the inputs in training, at least 0, whose target is X as it is: the network
        learns to remove it.
    noise_type : {"gaussian", "masking"}, default="gaussian"
        What `noise` is: the standard deviation of normal noise in units of X, or the part of the
        cells, below 1, that are set to 0.
    sparsity : float, default=0.0
        Strength of a penalty on the code that leaves few of its components active, at least 0.
    sparsity_type : {"l1", "kl"}, default="l1"
        The penalty: the sum of the absolute values of the code, or the divergence of the mean
        activation of each component from `sparsity_target`; the code then has the activation
        logistic.
    sparsity_target : float, default=0.05
        Mean activation that "kl" wants of each component, in (0, 1).
    contraction : float, default=0.0
        Strength of a penalty on the squared Jacobian of the code by the inputs, at least 0. It
        is exact, and known for an encoder of one layer only: `hidden_layer_sizes` must be ().
        The code is then that layer, with `activation`, one of identity, logistic, tanh, relu
        and softplus.
    variational : bool, default=False
        Whether the code of a row is a normal distribution, which training keeps close to the
        standard normal one, so that `sample` can draw new rows. `transform` gives its mean.
        The loss is squared_error, for features with normal noise of variance 1 about the
        reconstruction, or log_loss, for the probabilities of ones. Scale X, or set beta, to
        suit: features in [0, 1] have much less noise than 1.
    beta : float, default=1.0
        Factor of the divergence from the standard normal distribution, at least 0. For squared
        errors it has the effect of noise of variance beta.
    handle_missing : {"error", "ignore"}, default="error"
        What to do about NaN in X: refuse it, or train on the observed cells alone. Then a missing
        cell of the input is 0, so X should be scaled such that this is a middling value, and
        the loss leaves it out; `reconstruct` guesses it, `impute` fills it in.
    loss : str or sknet.losses.Loss, default="squared_error"
        Loss of the reconstruction: squared_error, absolute_error, huber, log_loss, or an object.
        Of a row it is the sum over the features, squares by half.
        The log loss is for X in [0, 1]: reconstructions are then probabilities.
    """,
    "training": """
    input_shape : tuple of int, default=None
        Shape of one sample, such as ``(28, 28, 1)``: the rows of a 2-D X are reshaped to it,
        and an X of shape ``(n_samples, *input_shape)`` is taken as it is.
    dropout : float, default=0.0
        Rate of the dropout after each plain hidden layer, in [0, 1).
    normalization : {"batch", "layer"}, default=None
        Normalization in each plain hidden layer, before the activation.
    """,
    "solver": """
    solver : str or sknet.optimizers.Optimizer, default="adam"
        Optimizer: adam, adamw, nadam, radam, amsgrad, rmsprop, adagrad, sgd, sgdw, lion, muon,
        lamb, lbfgs, or an object, which is where momentum, beta_1, weight_decay, max_fun and the
        like are set.
    alpha : float, default=1e-4
        L2 penalty on the kernels, at least 0: alpha / 2 times the sum of their squares,
        divided by the weight of the rows, is added to the loss.
    batch_size : int, default="auto"
        Rows of one step; "auto" is min(200, n_samples). L-BFGS takes all rows.
    learning_rate : str, sknet.schedules.Schedule or callable, default="constant"
        Shape of the rate over the training, for every solver but lbfgs: constant, invscaling,
        adaptive, cosine, cosine_restarts, flat_cosine, log_cosine, one_cycle, cyclic, polynomial,
        exponential, step, piecewise_constant, inverse_time, an object, or a function of the
        progress in [0, 1] that returns the factor of the rate.
    learning_rate_init : float, default=1e-3
        The rate that the schedule scales, above 0.
    max_iter : int, default=200
        Number of epochs at most; of iterations for lbfgs.
    max_time : float, default=None
        Seconds after which training stops with the model it has.
    tol : float, default=1e-4
        Smallest change of the loss (or of the validation score) that counts as progress;
        for lbfgs, largest element of the gradient at which to stop.
    n_iter_no_change : int, default=10
        Training stops after more than this many epochs in a row without progress. Without early
        stopping, schedules of cosine waves, cycles and powers run to their end.
    early_stopping : bool, default=False
        Whether to judge progress on a validation set, stop when it ends, and keep the weights
        of the best epoch. Without `X_val`, a part of the training set is held out.
    validation_fraction : float, default=0.1
        Part of the rows to hold out, in (0, 1); in proportion to the classes.
    scoring : str or callable, default="loss"
        What validation scores: the negative loss, a scikit-learn scorer, or a metric
        ``f(y, prediction)``. A metric whose name ends in _error, _loss or _deviance is negated;
        of others greater is better.
    """,
    "solver_of_windows": """
    solver : str or sknet.optimizers.Optimizer, default="adam"
        Optimizer: adam, adamw, nadam, radam, amsgrad, rmsprop, adagrad, sgd, sgdw, lion, muon,
        lamb, lbfgs, or an object.
    alpha : float, default=1e-4
        L2 penalty on the kernels, at least 0: alpha / 2 times the sum of their squares,
        divided by the number of windows of a step, is added to the loss.
    batch_size : int, default="auto"
        Windows of one step; "auto" is min(32, number of windows).
    learning_rate : str, sknet.schedules.Schedule or callable, default="cosine"
        Shape of the rate over the training: constant, invscaling, adaptive, cosine,
        cosine_restarts, flat_cosine, log_cosine, one_cycle, cyclic, polynomial, exponential,
        step, piecewise_constant, inverse_time, an object, or a function of the progress in
        [0, 1] that returns the factor of the rate.
    learning_rate_init : float, default=1e-3
        The rate that the schedule scales, above 0.
    max_iter : int, default=20
        Number of epochs at most; an epoch sees each token about once.
    max_time : float, default=None
        Seconds after which training stops with the model it has.
    tol : float, default=1e-4
        Smallest change of the loss (or of the validation score) that counts as progress.
    n_iter_no_change : int, default=10
        Training stops after more than this many epochs in a row without progress. Without early
        stopping, schedules of cosine waves, cycles and powers run to their end.
    early_stopping : bool, default=False
        Whether to judge progress on a validation set, stop when it ends, and keep the weights
        of the best epoch. Without `X_val`, a part of the texts is held out, or the end of a
        single one.
    validation_fraction : float, default=0.1
        Part of the texts to hold out, in (0, 1).
    """,
    "solver_of_pairs": """
    solver : str or sknet.optimizers.Optimizer, default="adam"
        Optimizer: adam, adamw, nadam, rmsprop, sgd, lion, lbfgs, or an object.
    alpha : float, default=1e-4
        L2 penalty on the kernels, at least 0: alpha / 2 times the sum of their squares,
        divided by the number of pairs of a step, is added to the loss.
    batch_size : int, default="auto"
        Pairs of one step; "auto" is min(64, n_samples).
    learning_rate : str, sknet.schedules.Schedule or callable, default="one_cycle"
        Shape of the rate over the training: constant, invscaling, adaptive, cosine,
        flat_cosine, log_cosine, one_cycle, exponential, step, an object, or a function of the
        progress in [0, 1] that returns the factor of the rate.
    learning_rate_init : float, default=1e-3
        The rate that the schedule scales, above 0.
    max_iter : int, default=20
        Number of epochs at most.
    max_time : float, default=None
        Seconds after which training stops with the model it has.
    tol : float, default=1e-4
        Smallest change of the loss (or of the validation score) that counts as progress.
    n_iter_no_change : int, default=10
        Training stops after more than this many epochs in a row without progress. Without early
        stopping, schedules made of cosine waves run to their end.
    early_stopping : bool, default=False
        Whether to judge progress on a validation set, stop when it ends, and keep the weights
        of the best epoch. Without `X_val`, a part of the pairs is held out.
    validation_fraction : float, default=0.1
        Part of the pairs to hold out, in (0, 1).
    """,
    "end": """
    clip_norm : float, default=None
        Norm to which a longer gradient is shortened.
    clip_value : float, default=None
        Largest absolute value of an element of the gradient; larger ones are clipped, before
        `clip_norm`.
    accumulation_steps : int, default=1
        Number of batches whose gradients make one step, at least 1: a step sees as many rows as
        with a batch_size so many times as large, in the memory of one batch.
    averaging : float, default=None
        Decay of an exponential average of the weights, in (0, 1), which then predicts.
    shuffle : bool, default=True
        Whether the rows are taken in a new order each epoch.
    warm_start : bool, default=False
        Whether `fit` resumes the last fit, with all of the optimizer's state.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the order of rows, the hold-out and the noise. An int
        gives the same bits each time.
    verbose : bool or int, default=False
        1 or True prints a line an epoch. 2 draws a bar, and in a notebook the curve of the loss.
    dtype : {"float32", "float64"}, default=None
        Precision of the computation and of the predictions; None follows X: float32 stays,
        all else is float64.
    """,
    "attributes": """
    network_ : Network
        The network; ``network_.summary()`` prints a table of its layers.
    history_ : dict of list
        One entry an epoch: loss, learning_rate, seconds, and with a validation set
        validation_loss and validation_score.
    n_iter_ : int
        Number of epochs trained, over all calls that continued the training.
    best_iter_ : int
        Number of the epoch whose weights are kept: the best with early stopping, or the last.
    n_outputs_ : int
        Width of the output layer.
    n_features_in_ : int
        Number of features: of samples with several axes, that of the values of one sample; not
        there for sequences of any length, whose steps alone are of one size.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X had string names.
    loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As in scikit-learn's MLP, read from `history_`.
    coefs_, intercepts_, n_layers_, out_activation_, t_
        As in scikit-learn's MLP, read from `network_`.
    """,
    "fit": """
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, or of all places in the form of y. Only their ratios count for the
        loss; a weight of 0 leaves a row or place out.
    """,
    "blocks": """
    blocks : sequence or iterable of blocks
        Each block is (X, y) or (X, y, sample_weight), as `fit` takes them. Blocks are read in
        every epoch, and once before the first: a generator will not do. If they can be reached
        by position, as in a list, they are taken in a new order each epoch, where `shuffle` is
        True; others come in the order of their iterator. The rows of a block are shuffled. A
        step has rows of one block.
    """,
    "blocks_of_X": """
    blocks : sequence or iterable of blocks
        Each block is X, or a tuple (X, y, sample_weight) of which y is ignored. Blocks are
        read in every epoch, and once before the first: a generator will not do. If they can be
        reached by position, as in a list, they are taken in a new order each epoch, where
        `shuffle` is True; others come in the order of their iterator. The rows of a block are
        shuffled. A step has rows of one block.
    """,
    "validation": """
    X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
        Validation set: scored after each epoch, and used by early stopping.
    y_val : array-like in the form of y, default=None
        Its targets.
    sample_weight_val : array-like of shape (n_validation,), default=None
        Its weights.
    """,
}
