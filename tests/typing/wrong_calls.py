"""Calls that pyright and mypy refuse: each line with the comment `wrong`.

scikit-learn is not annotated: mypy takes its classes, and those derived from them, to have any
attribute.
"""

import numpy as np

from sknet import (
    AutoencoderTransformer,
    NeuralClassifier,
    NeuralLanguageModel,
    NeuralOutlierDetector,
    NeuralRegressor,
    TabularClassifier,
)
from sknet.activations import LeakyReLU
from sknet.inspection import TrainingDisplay
from sknet.layers import GRU, Bidirectional, Conv2D, Dense, Dropout, MaxPool2D, Residual
from sknet.losses import Huber, LogLoss
from sknet.optimizers import SGD, Adam
from sknet.preprocessing import TableEncoder, TokenizerTransformer, pad_sequences
from sknet.schedules import Cosine

X, y = np.zeros((8, 4)), np.zeros(8)

NeuralClassifier(solver="adamW")  # wrong
NeuralClassifier(activation="rellu")  # wrong
NeuralClassifier(batch_size="64")  # wrong
NeuralClassifier(batch_size=0.5)  # wrong
NeuralClassifier(loss="squared_error")  # wrong
NeuralClassifier(learning_rate=1e-3)  # wrong
NeuralClassifier(learning_rate="linear")  # wrong
NeuralClassifier(hidden_layer_sizes="100")  # wrong
NeuralClassifier(hidden_layer_sizes=(64, 0.5))  # wrong
NeuralClassifier(normalization="group")  # wrong
NeuralClassifier(layers=Dense(8))  # wrong
NeuralClassifier(layers=[Dense])  # wrong
NeuralClassifier(layers=["relu"])  # wrong
NeuralClassifier(layers=[("hidden", "relu")])  # wrong
NeuralClassifier(dtype="float16")  # wrong
NeuralClassifier(early_stopping="yes")  # wrong
NeuralClassifier(class_weight="balance")  # wrong
NeuralClassifier(random_state="0")  # wrong
NeuralClassifier(momentum=0.9)  # wrong
NeuralClassifier((100,), "relu", "adam")  # wrong
NeuralClassifier(solver=Adam)  # wrong
NeuralClassifier(solver=Huber())  # wrong
NeuralClassifier(max_iter=1.5)  # wrong
NeuralRegressor(loss="log_loss")  # wrong
NeuralRegressor(standardize_target="yes")  # wrong
AutoencoderTransformer(noise_type="normal")  # wrong
AutoencoderTransformer(encoder=32)  # wrong
NeuralOutlierDetector(contamination="high")  # wrong
NeuralLanguageModel("letters")  # wrong
TabularClassifier(100)  # wrong
TabularClassifier(n_members=2.5)  # wrong
Dense("64")  # wrong
Dense(64, activation="rellu")  # wrong
Dense(64, kernel_initializer="glorot")  # wrong
Dense()  # wrong
Conv2D(8, 3, padding="full")  # wrong
MaxPool2D(pool_size="2")  # wrong
Dropout("0.5")  # wrong
GRU(8, return_sequence=True)  # wrong
Bidirectional(GRU(8), merge_mode="add")  # wrong
Bidirectional("gru")  # wrong
Residual([Dense(8), "relu"])  # wrong
LeakyReLU("0.1")  # wrong
Huber(delta="1")  # wrong
LogLoss(label_smoothing="0.1")  # wrong
SGD(nesterov="no")  # wrong
Adam(learning_rate=0.1)  # wrong
Cosine(warmup="0.1")  # wrong
TokenizerTransformer(level="letter")  # wrong
TableEncoder(max_one_hot="8")  # wrong
pad_sequences([[1, 2]], "4")  # wrong
NeuralClassifier().fit(X)  # wrong
NeuralClassifier().fit(X, y, sample_weights=y)  # wrong
NeuralClassifier().fit(X, y, y, X)  # wrong
NeuralClassifier().partial_fit(X, y, class_names=[0, 1])  # wrong
NeuralClassifier().fit_blocks(3)  # wrong
NeuralClassifier().predict()  # wrong
NeuralClassifier().fit(X, y).predict_probability(X)  # wrong, says pyright
NeuralRegressor().fit(X, y, classes=[0, 1])  # wrong
TabularClassifier().fit(X, y, group=y)  # wrong
TrainingDisplay.from_estimator()  # wrong
