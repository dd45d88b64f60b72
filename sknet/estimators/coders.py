"""The layers of an autoencoder, from its parameters."""

from sklearn.base import clone

from ..base import copied
from ..layers import (
    ActivityPenalty,
    ContractiveDense,
    Dense,
    Flatten,
    GaussianCode,
    GaussianNoise,
    MaskingNoise,
    Sequential,
    TiedSequential,
    TransposedDense,
)
from ..layers.composite import named_layers
from .architecture import hidden_sizes, plain_layers
from .codec import (
    Decoder,
    Encoder,
    RepeatCode,
    SequenceCodec,
    ZeroMissing,
    ends_in_reconstruction,
    flattened,
    transposed,
    tried,
)


class Coders:
    """Makes the encoder, the decoder and the output layer."""

    def _hidden_layers(self):
        encoder = Encoder([*self._encoder_layers(), *self._code_layers()])
        between = self._repetition(encoder) if self._has_any_length() else []
        decoder = Decoder(self._decoder_layers())
        return [*self._input_layers(), ("encoder", encoder), *between, ("decoder", decoder)]

    def _repetition(self, encoder):
        """Return what makes steps of the codes of whole sequences."""
        shape = tried([("encoder", encoder)], self._input_shape).output_shape_
        if len(shape) > 2:
            raise ValueError(
                f"The encoder ends with codes of shape {shape}; sequences need one vector, or one "
                "a step. Put TimeDistributed([Flatten()]) at the end of encoder."
            )
        if shape[0] is None:
            return []
        if self.decoder is None:
            raise ValueError(
                "decoder=None has no layer that could tell the steps of a sequence apart, all of "
                "which it decodes from one code; write layers that read sequences, such as "
                "decoder=[GRU(32, return_sequences=True)], or an encoder that returns sequences."
            )
        return [("repeat", RepeatCode())]

    def _input_layers(self):
        """Return what stands before the encoder."""
        layers = []
        if self.handle_missing == "ignore":
            layers.append(("missing", ZeroMissing()))
        if self.noise > 0:
            kind = GaussianNoise if self.noise_type == "gaussian" else MaskingNoise
            layers.append(("noise", kind(self.noise)))
        return layers

    def _encoder_layers(self):
        if self.encoder is None:
            return [*self._flattening(), *self._plain_layers()]
        layers = self._written_layers("encoder")
        if self._has_any_length():
            return layers
        return flattened(layers) if layers else self._flattening()

    def _flattening(self):
        return [] if self._has_any_length() else super()._flattening()

    def _code_layers(self):
        """Return the layer whose output is the code, and what penalises it."""
        if self.variational:
            return [("code", GaussianCode(self.n_components, beta=self.beta))]
        by_mean = self.sparsity > 0 and self.sparsity_type == "kl"
        activation = "logistic" if by_mean else None
        code = Dense(self.n_components, activation)
        if self.contraction > 0:
            activation = activation or clone(self.activation, safe=False)
            code = ContractiveDense(self.n_components, activation, penalty=self.contraction)
        if self.sparsity == 0:
            return [("code", code)]
        penalty = {"kl" if by_mean else "l1": self.sparsity, "target": self.sparsity_target}
        return [("code", code), ("penalty", ActivityPenalty(**penalty))]

    def _decoder_layers(self):
        if self.decoder is None:
            layers = self._plain_layers(-1)
            return transposed(layers) if self.tied_weights else layers
        layers = self._written_layers("decoder")
        return layers if self._has_any_length() else flattened(layers)

    def _plain_layers(self, direction=1):
        sizes = hidden_sizes(self.hidden_layer_sizes)[::direction]
        return plain_layers(sizes, self.activation, self.normalization, self.dropout)

    def _written_layers(self, name):
        layers = copied(list(getattr(self, name)), name)
        return named_layers(layers, self.activation, name)

    def _output_layer(self, hidden, width):
        if self._has_any_length():
            return self._output_of_steps(hidden, width)
        one_a_feature = width == self._target.n_outputs
        written = self.decoder is not None
        if written and one_a_feature and ends_in_reconstruction(hidden, self._input_shape):
            return Flatten()
        if not self.tied_weights:
            return super()._output_layer(hidden, width)
        if not one_a_feature:
            raise ValueError(
                f"tied_weights=True gives one output a feature, and {type(self._loss).__name__} "
                f"needs {width} for {self._target.n_outputs} features; choose another loss."
            )
        return TransposedDense()

    def _output_of_steps(self, hidden, width):
        shape = tried(hidden, self._input_shape).output_shape_
        if self.decoder and shape == self._input_shape:
            return Sequential([])
        if len(shape) != 2 or shape[0] is not None:
            raise ValueError(
                f"The decoder ends with outputs of shape {shape}; sequences need one vector a "
                f"step, or the shape {self._input_shape}. Set return_sequences=True in recurrent "
                "layers, or put TimeDistributed([Flatten()]) at the end."
            )
        return Dense(width)

    def _joined(self, layers):
        if self._has_any_length():
            return SequenceCodec(layers)
        return TiedSequential(layers) if self.tied_weights else super()._joined(layers)
