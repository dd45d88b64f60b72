"""Augmentation against scipy.ndimage, with the parameters that were drawn."""

import numpy as np
import pytest
from scipy import ndimage, stats

from sknet import NeuralClassifier
from sknet.layers import (
    Dense,
    Flatten,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from sknet.network import Network
from sknet.testing import check_layer

LAYERS = [
    RandomFlip(),
    RandomFlip("vertical"),
    RandomFlip("horizontal_and_vertical"),
    RandomTranslation(),
    RandomTranslation(0.3, 0.5, "nearest"),
    RandomTranslation(0.5, 0.0, fill_value=2.0),
    RandomRotation(0.2),
    RandomRotation(0.5, "nearest"),
    RandomRotation(0.05, fill_value=-1.5),
    RandomRotation(0.4, "reflect"),
    RandomTranslation(1.0, 0.6, "reflect"),
    RandomTranslation(0.9, 0.4, "reflect", fractional=True),
    RandomTranslation(0.3, 0.4, fractional=True, fill_value=1.5),
    RandomZoom(0.3),
    RandomZoom(0.9, 0.4, "reflect"),
    RandomBrightness(0.5),
    RandomContrast(0.7),
    RandomErasing(0.8, area=(0.1, 0.5), fill_value=0.3),
]


def ready(layer, shape, dtype=np.float64, seed=0):
    """Return a network of one layer, ready to run on a batch."""
    network = Network(layer, shape[1:], dtype)
    return network.replica(shape[0], np.random.default_rng(seed), np.zeros(0, dtype))


def train(layer, x, seed=0):
    """Return the training output and the layer that made it."""
    replica = ready(layer, x.shape, x.dtype, seed)
    return replica.forward(x, training=True).copy(), replica.layer


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def shifted(image, shift, fill_mode, fill_value):
    mode = "constant" if fill_mode == "constant" else "nearest"
    return ndimage.shift(image, (*shift, 0), order=0, mode=mode, cval=fill_value)


def rotated(image, angle, fill_mode, fill_value):
    """Rotate counterclockwise about the centre; rows go down."""
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre = (np.array(image.shape[:2]) - 1) / 2
    mode = "grid-constant" if fill_mode == "constant" else "nearest"
    channels = [
        ndimage.affine_transform(
            image[..., c], matrix, centre - matrix @ centre, order=1, mode=mode, cval=fill_value
        )
        for c in range(image.shape[-1])
    ]
    return np.stack(channels, axis=-1)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("shape", [(4, 5, 2), (3, 1, 1)], ids=str)
def test_augmentation_keeps_the_contract(layer, shape):
    check_layer(layer, shape)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_nothing_happens_at_inference(layer):
    x = draw(6, 8, 8, 2)
    replica = ready(layer, x.shape)
    assert replica.layer.forward(x) is x
    assert not np.array_equal(replica.forward(x, training=True), x)
    assert layer.is_stochastic


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_every_batch_is_changed_anew_and_every_image_by_itself(layer):
    x = np.repeat(draw(1, 9, 9, 1), 40, axis=0)
    replica = ready(layer, x.shape)
    first = replica.forward(x, training=True).copy()
    assert not np.array_equal(first, replica.forward(x, training=True))
    assert len({image.tobytes() for image in first}) > 1
    np.testing.assert_array_equal(train(layer, x)[0], first)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_gradients_are_those_of_the_transposed_change(layer):
    x, grad = draw(5, 6, 7, 2), draw(5, 6, 7, 2, seed=1)
    replica = ready(layer, x.shape)
    constant = np.vdot(replica.forward(np.zeros_like(x), training=True), grad)
    changed = np.vdot(ready(layer, x.shape).forward(x, training=True), grad)
    back = replica.layer.backward(grad.copy())
    np.testing.assert_allclose(np.vdot(back, x), changed - constant, rtol=1e-10)
    assert replica.layer.backward(grad, input_grad=False) is None


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_half_of_the_images_are_flipped(mode):
    x = draw(2000, 2, 3, 2)
    out, _ = train(RandomFlip(mode), x)
    flips = {
        "no": x,
        "horizontal": np.flip(x, axis=2),
        "vertical": np.flip(x, axis=1),
        "both": np.flip(x, axis=(1, 2)),
    }
    found = {name: (out == image).all(axis=(1, 2, 3)).sum() for name, image in flips.items()}
    allowed = ["no", "horizontal", "vertical", "both"] if "and" in mode else ["no", mode]
    assert sum(found.values()) == sum(found[name] for name in allowed) == 2000
    low, high = stats.binom.interval(1 - 1e-9, 2000, 1 / len(allowed))
    assert all(low <= found[name] <= high for name in allowed)


@pytest.mark.parametrize("fill_mode", ["constant", "nearest"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_are_shifted_as_by_scipy(fill_mode, dtype):
    x = draw(300, 10, 9, 2).astype(dtype)
    out, _ = train(RandomTranslation(0.2, 0.34, fill_mode, fill_value=0.5), x)
    seen = []
    for image, result in zip(x, out, strict=True):
        # Round 0.2 x 10 and 0.34 x 9 to whole pixels.
        matches = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-3, 4)
            if np.abs(result - shifted(image, (dy, dx), fill_mode, 0.5)).max() < 1e-6
        ]
        assert len(matches) == 1
        seen += matches
    for shifts, margin in zip(np.array(seen).T, (2, 3), strict=True):
        counts = np.bincount(shifts + margin, minlength=2 * margin + 1)
        assert stats.chisquare(counts).pvalue > 1e-6


def test_images_can_be_shifted_out_of_sight():
    x = 1 + np.abs(draw(400, 3, 2, 1))
    out, _ = train(RandomTranslation(1.0, 0.0), x)
    assert (out == 0).all(axis=(1, 2, 3)).any()
    nearest, _ = train(RandomTranslation(1.0, 0.0, "nearest"), x)
    assert (nearest == x[:, :1]).all(axis=(1, 2, 3)).any()


def drawn_angles(n_images, factor, seed=0):
    """Reproduce the uniform angles that the layer draws."""
    uniform = np.random.default_rng(seed).random(n_images)
    return 2 * np.pi * factor * (2 * uniform - 1)


@pytest.mark.parametrize("fill_mode", ["constant", "nearest"])
@pytest.mark.parametrize("size", [(8, 8), (7, 12), (1, 5), (2, 2)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-9)])
def test_images_are_rotated_as_by_scipy(fill_mode, size, dtype, tolerance):
    x = draw(30, *size, 2).astype(dtype)
    out, _ = train(RandomRotation(0.5, fill_mode, fill_value=0.7), x)
    assert out.dtype == dtype
    for image, result, angle in zip(x, out, drawn_angles(30, 0.5), strict=True):
        expected = rotated(image.astype(float), angle, fill_mode, 0.7)
        np.testing.assert_allclose(result, expected, atol=tolerance)


def test_positive_angles_turn_counterclockwise():
    class QuarterTurns:
        def random(self, out):
            out[:] = 0.75  # of the way from -factor to factor: half of the factor
            return out

    x = draw(2, 5, 5, 1)
    replica = ready(RandomRotation(0.5), x.shape)
    replica.layer.allocate(2, np.float64, QuarterTurns())
    np.testing.assert_allclose(replica.forward(x, True), np.rot90(x, axes=(1, 2)), atol=1e-12)


def test_factors_of_zero_do_nothing():
    x = draw(4, 6, 6, 1)
    for layer in (RandomRotation(0.0), RandomTranslation(0.0, 0.0)):
        out, built = train(layer, x)
        np.testing.assert_array_equal(out, x)
        np.testing.assert_array_equal(built.backward(x.copy()), x)
        assert not layer.is_stochastic


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (
            RandomFlip(),
            (64,),
            "(RandomFlip) expects inputs of shape (height, width, channels), go",
        ),
        (RandomFlip("up"), (4, 4, 1), "The 'mode' parameter of RandomFlip must be"),
        (RandomRotation(0.1), (None, 4, 1), "(RandomRotation) expects images of one size, got (N"),
        (RandomRotation(-0.1), (4, 4, 1), "The 'factor' parameter of RandomRotation must be"),
        (RandomTranslation(1.5), (4, 4, 1), "The 'height_factor' parameter of RandomTranslation"),
        (RandomTranslation(fill_mode="wrap"), (4, 4, 1), "The 'fill_mode' parameter of Random"),
    ],
    ids=str,
)
def test_wrong_images_and_parameters_are_refused_in_one_sentence(layer, shape, sentence):
    with pytest.raises(ValueError) as caught:
        Network(layer, shape, path="layers__0")
    assert str(caught.value).startswith("Layer 'layers__0' (")
    assert sentence in str(caught.value)


def test_an_estimator_trains_on_augmented_images_and_predicts_without_noise():
    X = draw(60, 36)
    y = (X[:, :18].sum(axis=1) > X[:, 18:].sum(axis=1)).astype(int)
    layers = [RandomTranslation(), RandomRotation(0.02), RandomFlip(), Flatten(), Dense(8)]
    model = NeuralClassifier(
        layers=layers, input_shape=(6, 6, 1), max_iter=5, tol=0, random_state=0
    ).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))


def sampled(image, rows, columns, fill_mode, fill_value=0.0):
    """Interpolate the channels of an image at places, SciPy's way."""
    mode = {"constant": "grid-constant"}.get(fill_mode, fill_mode)
    options = {"order": 1, "mode": mode, "cval": fill_value}
    grid = np.meshgrid(rows, columns, indexing="ij")
    channels = np.moveaxis(image, -1, 0)
    return np.stack([ndimage.map_coordinates(c, grid, **options) for c in channels], axis=-1)


def uniforms(n_images, n_draws):
    """Reproduce the uniform numbers that a layer draws for each image."""
    return np.random.default_rng(0).random((n_images, n_draws))


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect"])
def test_fractional_shifts_are_those_of_scipy(fill_mode):
    x = draw(30, 7, 5, 2)
    layer = RandomTranslation(0.6, 1.0, fill_mode, fill_value=0.4, fractional=True)
    out, _ = train(layer, x)
    for image, result, (down, across) in zip(x, out, 2 * uniforms(30, 2) - 1, strict=True):
        rows, columns = np.arange(7) + 0.6 * 7 * down, np.arange(5) + 5 * across
        expected = sampled(image, rows, columns, fill_mode, 0.4)
        np.testing.assert_allclose(result, expected, atol=1e-9)


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect"])
@pytest.mark.parametrize("width_factor", [None, 0.3])
def test_zooms_are_those_of_scipy(fill_mode, width_factor):
    x = draw(30, 7, 6, 2)
    out, _ = train(RandomZoom(0.9, width_factor, fill_mode, fill_value=0.4), x)
    for image, result, (first, second) in zip(x, out, 2 * uniforms(30, 2) - 1, strict=True):
        across = 0.9 * first if width_factor is None else 0.3 * second
        rows = 3 + (1 + 0.9 * first) * (np.arange(7) - 3)
        columns = 2.5 + (1 + across) * (np.arange(6) - 2.5)
        expected = sampled(image, rows, columns, fill_mode, 0.4)
        np.testing.assert_allclose(result, expected, atol=1e-9)


def test_whole_shifts_see_the_mirror_image():
    x = draw(40, 4, 3, 1)
    out, layer = train(RandomTranslation(1.0, 1.0, "reflect"), x)
    for image, result, (top, left) in zip(x, out, layer._starts, strict=True):
        mirrored = np.pad(image, [(4, 4), (3, 3), (0, 0)], mode="symmetric")
        np.testing.assert_array_equal(result, mirrored[top : top + 4, left : left + 3])


def test_crops_are_windows_and_central_at_inference():
    x = draw(200, 6, 5, 2)
    replica = ready(RandomCrop(4, 3), x.shape)
    np.testing.assert_array_equal(replica.forward(x), x[:, 1:5, 1:4])
    out = replica.forward(x, training=True).copy()
    starts = np.floor(uniforms(200, 2) * 3).astype(int)
    assert len(np.unique(starts, axis=0)) == 9
    for image, result, (top, left) in zip(x, out, starts, strict=True):
        np.testing.assert_array_equal(result, image[top : top + 4, left : left + 3])
    grad = replica.layer.backward(np.ones_like(out))
    assert grad.shape == x.shape and grad.sum() == out.size
    check_layer(RandomCrop(2), (4, 3, 2))
    check_layer(RandomCrop(3), (3, 3, 2))


def test_brightness_and_contrast_are_drawn_within_their_factors():
    x = draw(50, 4, 5, 2)
    out, _ = train(RandomBrightness(0.3), x)
    shifts = 0.3 * (2 * uniforms(50, 1) - 1)
    np.testing.assert_allclose(out, x + shifts[:, :, None, None], atol=1e-12)
    out, _ = train(RandomContrast(0.4), x)
    factors = 0.6 + 0.8 * uniforms(50, 1)[:, :, None, None]
    mean = x.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(out, mean + factors * (x - mean), atol=1e-12)


def test_erased_rectangles_have_the_areas_and_ratios_that_were_asked_for():
    x = draw(1500, 30, 20, 1)
    layer = RandomErasing(0.6, area=(0.1, 0.2), aspect_ratio=(0.5, 1.5), fill_value=7.0)
    out, _ = train(layer, x)
    erased = (out == 7.0)[..., 0]
    np.testing.assert_array_equal(out[~erased], x[~erased])
    low, high = stats.binom.interval(1 - 1e-9, 1500, 0.6)
    chosen = erased.any(axis=(1, 2))
    assert low <= chosen.sum() <= high
    tall = erased.any(axis=2).sum(axis=1)[chosen]
    wide = erased.any(axis=1).sum(axis=1)[chosen]
    np.testing.assert_array_equal(tall * wide, erased[chosen].sum(axis=(1, 2)))
    assert 0.08 < (tall * wide).min() / 600 < 0.11 and 0.19 < (tall * wide).max() / 600 < 0.22
    assert 0.42 < (tall / wide).min() < 0.6 and 1.35 < (tall / wide).max() < 1.8
    tops = erased[chosen].any(axis=2).argmax(axis=1)
    assert tops.min() == 0 and (tops + tall).max() == 30


def test_wrong_windows_and_rectangles_have_a_sentence():
    cases = [
        (RandomCrop(5, 3), "expects images of at least 5 x 3, got 4 x 4. Choose a smaller window"),
        (RandomErasing(area=(0.5, 0.1)), "area must be two numbers above 0 and at most 1, the sm"),
        (RandomErasing(aspect_ratio=(0.0, 1.0)), "aspect_ratio must be two numbers above 0, the "),
        (RandomZoom(1.0), "The 'height_factor' parameter of RandomZoom must be"),
        (RandomContrast(2.0), "The 'factor' parameter of RandomContrast must be"),
    ]
    for layer, sentence in cases:
        with pytest.raises(ValueError) as caught:
            Network(layer, (4, 4, 1), path="layers__0")
        assert sentence in str(caught.value)
