"""Layers that break one rule each are told so by `check_layer`."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import EfficiencyWarning

import sknet.testing
from sknet.layers import GRU, Activation, Dense, Layer, Sequential
from sknet.losses import SquaredError
from sknet.optimizers import SGD
from sknet.testing import check_layer, check_loss, check_optimizer


class Scale(Layer):
    """A correct layer: every feature times a weight."""

    _parameter_constraints = {"factor": "no_validation"}

    def __init__(self, factor=1.0):
        self.factor = factor

    def build(self, input_shape):
        self.add_weight("scale", input_shape[-1:], "ones")
        return input_shape

    def forward(self, x, training=False, mask=None):
        if training:
            self._x = x
        out = np.multiply(x, self.scale_, out=self._work("out", x.shape))
        out *= float(self.factor)
        return out

    def backward(self, grad_output, input_grad=True):
        grad_output *= float(self.factor)
        product = np.multiply(grad_output, self._x, out=self._work("product", self._x.shape))
        np.add.reduce(product, axis=tuple(range(product.ndim - 1)), out=self.scale_grad_)
        return np.multiply(grad_output, self.scale_, out=grad_output) if input_grad else None


def test_a_layer_that_keeps_all_rules_passes():
    check_layer(Scale(), (4,))
    check_layer(Scale(0.5), (3, 4), sequence=True)


def test_a_layer_is_not_changed_by_its_check():
    layer = Scale(2.0)
    check_layer(layer, (4,))
    assert vars(layer) == {"factor": 2.0}


WRONG, SLOW = [], []


def wrong(sentence, shape=(4,), **options):
    """Register a layer with the sentence that its check has to give."""

    def register(layer_class):
        WRONG.append(pytest.param(layer_class, sentence, shape, options, id=layer_class.__name__))
        return layer_class

    return register


def slow(shape=(4,)):
    """Register a layer that keeps the contract and allocates memory in each call."""

    def register(layer_class):
        SLOW.append(pytest.param(layer_class, shape, id=layer_class.__name__))
        return layer_class

    return register


@wrong("the gradient of the input has to agree with central differences")
class WrongInputGradient(Scale):
    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        return grad if grad is None else np.multiply(grad, 1.0001, out=grad)


@wrong("the gradient of scale has to agree with central differences")
class WrongWeightGradient(Scale):
    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        self.scale_grad_[1] *= 1.0001
        return grad


@wrong("the gradient of scale has to agree with central differences")
class GradientOfOneElementMissing(Scale):
    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        self.scale_grad_[-1] = 0
        return grad


@wrong("the gradient of scale has to agree with central differences")
class SwapsTwoGradients(Scale):
    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        self.scale_grad_[:2] = self.scale_grad_[1::-1].copy()
        return grad


@wrong("the gradient of the input has to agree with central differences", shape=(200,))
class WrongGradientOfOneOfAThousandInputs(Scale):
    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        if input_grad:
            grad[3, 77] += 1e-4
        return grad


@wrong("backward has to assign the gradient of scale, not add to what is there")
class AccumulatesGradients(Scale):
    def backward(self, grad_output, input_grad=True):
        before = self.scale_grad_.copy()
        grad = super().backward(grad_output, input_grad)
        self.scale_grad_ += before
        return grad


@wrong("backward has to assign the gradient of bias, not add to what is there")
class ForgetsAGradient(Scale):
    def build(self, input_shape):
        self.add_weight("bias", input_shape[-1:], "zeros")
        return super().build(input_shape)


@wrong("backward has to write the gradient of scale into the array that is there")
class ReplacesTheArrayOfAGradient(Scale):
    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        self.scale_grad_ = self.scale_grad_.copy()
        return grad


@wrong("backward has to assign the gradient of scale, not add to what is there")
class AssignsOnlyWithInputGradient(Scale):
    def backward(self, grad_output, input_grad=True):
        return super().backward(grad_output, True) if input_grad else None


@wrong("the gradient of scale must not depend on input_grad")
class OtherGradientWithoutInputGradient(Scale):
    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        if not input_grad:
            self.scale_grad_ *= 2
        return grad


@wrong("backward has to return an array of real numbers of shape (5, 4), the gradient of its")
class ReturnsNoInputGradient(Scale):
    def backward(self, grad_output, input_grad=True):
        super().backward(grad_output, input_grad)


@wrong("forward must not write to its input")
class WritesToItsInput(Scale):
    def forward(self, x, training=False, mask=None):
        x *= 1.5
        return super().forward(x, training, mask)


@wrong("backward must not write to the input of forward")
class WritesToItsInputInBackward(Scale):
    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        self._x *= 2
        return grad


@wrong("backward must not write to the outputs that forward returned")
class WritesToItsOutputs(Scale):
    def backward(self, grad_output, input_grad=True):
        self._work("out", self._x.shape)[:] = 0
        return super().backward(grad_output, input_grad)


@slow()
class PlainNumPy(Layer):
    def build(self, input_shape):
        self.add_weight("kernel", (input_shape[-1], 2))
        return (*input_shape[:-1], 2)

    def forward(self, x, training=False, mask=None):
        self._x, self._out = x, np.tanh(x @ self.kernel_)
        return self._out

    def backward(self, grad_output, input_grad=True):
        grad = grad_output * (1 - self._out**2)
        self.kernel_grad_[:] = self._x.T @ grad
        return grad @ self.kernel_.T if input_grad else None


@slow()
class AllocatesInForward(Scale):
    def forward(self, x, training=False, mask=None):
        if training:
            self._x = x
        return x * self.scale_ * self.factor


@slow()
class AllocatesInBackward(Scale):
    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        return grad if grad is None else grad.copy()


@slow(shape=(40,))
class AllocatesOneNumberARow(Scale):
    def forward(self, x, training=False, mask=None):
        self._norms = np.zeros(len(x))
        return super().forward(x, training, mask)


@wrong("forward has to return an array of real numbers of shape (5, 4, 1), as build said, got")
class WrongOutputShape(Scale):
    def build(self, input_shape):
        super().build(input_shape)
        return (*input_shape, 1)


@wrong("outputs have to be finite")
class InfiniteOutputs(Scale):
    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        out[0] = np.inf
        return out


@wrong("forward has to return an array of real numbers of shape (2, 4), as build said, got")
class ReturnsItsWholeMemory(Scale):
    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        return self._work("out", (self._work.n_rows, *out.shape[1:]))


@wrong("at inference a short batch has to give the first rows of the full one")
class MixesRowsAtInference(Scale):
    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        if not training:
            out -= out.mean(axis=0)
        return out


@wrong("float32 has to be near float64")
class ImpreciseInFloat32(Scale):
    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        if x.dtype == np.float32:
            out[:] = out.astype(np.float16)
        return out


@wrong("training outputs have to be the same for the same rng")
class NoiseOfItsOwn(Scale):
    is_stochastic = True
    _own = np.random.default_rng(0)

    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        if training:
            out += self._own.normal(size=out.shape)
        return out


@wrong("is_stochastic has to be True of a layer that draws random numbers")
class NoiseThatIsNotDeclared(Scale):
    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        if training:
            out += self._rng.standard_normal(out=self._work("noise", out.shape), dtype=out.dtype)
        return out


@wrong("training outputs have to be the same for the same rng")
class CountsCalls(Scale):
    calls = [0]

    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        if training:
            self.calls[0] += 1
            out += self.calls[0]
        return out


@wrong("a clone has to give the same outputs")
class StateOutsideOfTheParameters(Scale):
    built = [0]

    def build(self, input_shape):
        self.built[0] += 1
        self._shift = float(self.built[0])
        return super().build(input_shape)

    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        out += self._shift
        return out


@wrong("an unpickled network has to give the same outputs: declare arrays with add_weight")
class AnArrayThatIsNotDeclared(Scale):
    def build(self, input_shape):
        self._seen = np.zeros(1)
        return super().build(input_shape)

    def forward(self, x, training=False, mask=None):
        if training:
            self._seen[0] = 3.0
        out = super().forward(x, training, mask)
        if not training:
            out += self._seen
        return out


@wrong("build, forward and backward must not change the parameters of __init__")
class ChangesAParameter(Scale):
    def build(self, input_shape):
        self.factor = float(self.factor) + 1
        return super().build(input_shape)


@wrong("replicas must not share scratch memory: make it in allocate, not in build")
class SharesScratch(Scale):
    def build(self, input_shape):
        self._memory = np.empty((1 << 17, *input_shape))
        return super().build(input_shape)

    def forward(self, x, training=False, mask=None):
        if training or x.dtype == np.float32:
            return super().forward(x, training, mask)
        return np.multiply(x, self.scale_, out=self._memory[: len(x)])


@wrong("replicas must not share what the gradient of scale is computed from")
class SharesWhatItKeeps(Scale):
    kept = {}

    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        if training:
            self.kept["x"] = x
        return out

    def backward(self, grad_output, input_grad=True):
        self._x = self.kept["x"]
        return super().backward(grad_output, input_grad)


@wrong("outputs of real steps must not depend on padded ones", shape=(3, 4), sequence=True)
class IgnoresTheMask(Scale):
    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        out[:, 0] += x[:, -1]
        return out

    def backward(self, grad_output, input_grad=True):
        first = self._work("first", grad_output[:, 0].shape)
        np.copyto(first, grad_output[:, 0])
        grad = super().backward(grad_output, input_grad)
        if input_grad:
            grad[:, -1] += first
        return grad


@wrong(
    "a padded batch has to give what each of its sequences gives alone",
    shape=(3, 4),
    sequence=True,
)
class DependsOnThePaddedLength(Scale):
    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        out += x.shape[1]
        return out


class CountsFromTheFirstPlace(Scale):
    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        out += np.arange(x.shape[1])[:, None]
        return out


@wrong(
    "padding in front and gaps have to give what padding at the end gives",
    shape=(3, 4),
    sequence=True,
)
class TakesPlacesForPositions(CountsFromTheFirstPlace):
    pass


@wrong("the gradient of padded steps has to be zero", shape=(3, 4), sequence=True)
class LeaksInFront(Scale):
    def forward(self, x, training=False, mask=None):
        self._mask = mask
        return super().forward(x, training, mask)

    def backward(self, grad_output, input_grad=True):
        grad = super().backward(grad_output, input_grad)
        if input_grad and self._mask is not None and not self._mask[:, 0].all():
            grad[~self._mask] = 1.0
        return grad


@wrong(
    "compute_mask has to give a sequence as many steps wherever its padding stands",
    shape=(3, 4),
    sequence=True,
)
class MasksTheFirstPlace(Scale):
    def compute_mask(self, x, mask):
        return mask if mask is None or mask[:, 0].all() else mask & (np.arange(x.shape[1]) > 0)


@wrong("the gradient of the input has to agree with central differences")
class ForgetsTheGradientOfWhatItAdds(Scale):
    adds_loss = True

    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        sums = np.add.reduce(out, axis=1, out=self._work("sums", (len(out),)))
        if self.row_weights is not None:
            sums *= self.row_weights
        self.added_loss = float(np.add.reduce(sums)) / len(x)
        return out


@wrong("added_loss has to be in proportion to row_weights, None being weights of 1")
class IgnoresRowWeights(Scale):
    adds_loss = True

    def forward(self, x, training=False, mask=None):
        out = super().forward(x, training, mask)
        self.added_loss = float(np.add.reduce(out, axis=None)) / len(x)
        return out


@wrong("replicate has to replicate the layers inside, too")
class SharesItsLayers(Sequential):
    replicate = Layer.replicate

    def __init__(self, layers=(2,), trainable=True):
        super().__init__(layers, trainable=trainable)


@pytest.mark.parametrize(("layer_class", "sentence", "shape", "options"), WRONG)
def test_a_layer_that_breaks_a_rule_is_told_so(layer_class, sentence, shape, options):
    with pytest.raises(AssertionError) as caught:
        check_layer(layer_class(), shape, **options)
    message = str(caught.value)
    named = (f"{layer_class()!r}: ", f"Layer {layer_class.__name__}: ")
    assert message.startswith(tuple(name + sentence for name in named))
    assert message.endswith(".")


@pytest.mark.parametrize(("layer_class", "shape"), SLOW)
def test_a_layer_that_is_right_and_slow_passes_with_a_hint(layer_class, shape):
    with pytest.warns(EfficiencyWarning, match="is right and could be faster: .* self._work"):
        check_layer(layer_class(), shape)


class WrongAndSlow(PlainNumPy):
    def backward(self, grad_output, input_grad=True):
        return super().backward(grad_output * 2, input_grad)


def test_what_is_wrong_is_told_before_what_is_slow():
    with pytest.raises(AssertionError, match="the gradient of"):
        check_layer(WrongAndSlow(), (4,))


class RefusesPaddingInFront(CountsFromTheFirstPlace):
    def forward(self, x, training=False, mask=None):
        if mask is not None and (mask[:, 1:] > mask[:, :-1]).any():
            self._refuse("padding at the ends", "a step behind padding", "Move the steps.")
        return super().forward(x, training, mask)


class TakesNoPaddingInFront(RefusesPaddingInFront):
    def _refuse(self, *reason):
        raise ValueError("operands could not be broadcast together")


def test_a_layer_may_refuse_padding_in_front_in_a_sentence_of_its_own():
    check_layer(RefusesPaddingInFront(), (3, 4), sequence=True)
    with pytest.raises(ValueError, match="could not be broadcast"):
        check_layer(TakesNoPaddingInFront(), (3, 4), sequence=True)


def test_a_wrong_layer_is_found_inside_a_composite():
    with pytest.raises(AssertionError, match="the gradient of scale has to agree"):
        check_layer(Sequential([Dense(4, activation="tanh"), WrongWeightGradient(), 2]), (3,))


def test_a_layer_whose_arguments_are_not_kept_is_told_so():
    class Doubles(Scale):
        def __init__(self, factor=1.0):
            self.factor = np.array([factor])

    with pytest.raises(AssertionError, match="Doubles: __init__ has to store its arguments"):
        check_layer(Doubles(), (4,))


class SlopeAtZero(Activation):
    """relu with a slope of its own choice at 0."""

    def __init__(self, slope=0.0, activation="relu"):
        super().__init__(activation)
        self.slope = slope

    _parameter_constraints = {**Activation._parameter_constraints, "slope": "no_validation"}

    def backward(self, grad_output, input_grad=True):
        at_zero = np.equal(self._out, 0, out=self._work("at_zero", self._out.shape, bool))
        at_zero &= np.equal(self._x, 0, out=self._work("zero", self._out.shape, bool))
        share = np.multiply(grad_output, self.slope, out=self._work("share", self._out.shape))
        grad = super().backward(grad_output, True)
        np.copyto(grad, share, where=at_zero)
        return grad if input_grad else None

    def forward(self, x, training=False, mask=None):
        self._x = x
        return super().forward(x, training, mask)


def test_at_a_kink_any_slope_between_those_of_its_sides_will_do():
    x = np.ones((2, 3))
    x[0, 1] = 0.0
    for slope in (0.0, 0.3, 1.0):
        check_layer(SlopeAtZero(slope), (3,), batch_size=2, x=x)
    with pytest.raises(AssertionError, match=r"the input has to agree .* at \(0, 1\)"):
        check_layer(SlopeAtZero(1.1), (3,), batch_size=2, x=x)


class Lookup(Layer):
    """A weight for each of three codes."""

    def build(self, input_shape):
        self.add_weight("table", (3,), "normal")
        return input_shape

    def forward(self, x, training=False, mask=None):
        codes = self._work("codes", x.shape, np.intp)
        np.copyto(codes, x, casting="unsafe")
        self._codes = codes
        return self.table_.take(codes, out=self._work("out", x.shape), mode="clip")

    def backward(self, grad_output, input_grad=True):
        here = self._work("here", self._codes.shape, bool)
        for code in range(3):
            np.equal(self._codes, code, out=here)
            self.table_grad_[code] = np.add.reduce(grad_output, axis=None, where=here)


def test_inputs_can_be_given_and_need_no_gradient():
    codes = np.arange(10).reshape(5, 2) % 3
    check_layer(Lookup(), (2,), x=codes, input_grad=False)
    with pytest.raises(AssertionError, match="backward has to return an array"):
        check_layer(Lookup(), (2,), x=codes)


def test_what_is_no_layer_is_refused():
    with pytest.raises(TypeError, match=r"check_layer expects a layer object such as Dense\(8\)"):
        check_layer(Dense, (3,))
    with pytest.raises(ValueError, match="expects an input_shape of ints, got"):
        check_layer(Dense(2), (None, 3))


@pytest.mark.parametrize("shape", [(5, 4), (7, 4)])
def test_buffers_of_numpy_that_grow_with_small_batches_are_no_scratch(shape):
    check_layer(GRU(2), shape)


def test_an_input_shape_that_does_not_suit_the_layer_raises_its_own_error():
    with pytest.raises(ValueError, match="expects inputs of at least one axis"):
        check_layer(Dense(3), ())


def test_the_three_checks_are_public():
    assert sknet.testing.__all__ == ["check_layer", "check_loss", "check_optimizer"]
    check_layer(Dense(2), (3,))
    check_loss(SquaredError())
    check_optimizer(SGD())


def test_the_code_of_the_page_on_adding_a_layer_runs(tmp_path, monkeypatch, capsys):
    page = Path(__file__).parents[1] / "docs" / "adding_a_layer.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    # A module, not exec: check_layer pickles the classes of the page.
    (tmp_path / "page_on_adding_a_layer.py").write_text("\n".join(blocks), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        importlib.import_module("page_on_adding_a_layer")
    finally:
        sys.modules.pop("page_on_adding_a_layer", None)
    lines = capsys.readouterr().out.splitlines()
    *right, forgetful, wasteful = lines
    assert right and set(right) == {"True"}
    assert forgetful.startswith("Forgetful(units=3): the gradient of gate has to agree")
    assert "scratch memory from self._work" in wasteful
