"""What layers have to do with padded sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..typing import Array


def broadcast(mask: Array, array: Array) -> Array:
    """View a mask of steps with as many axes as an array has.

    Parameters
    ----------
    mask : ndarray of shape (N, T) of bool
        The mask.
    array : ndarray of shape (N, T, ...)
        The array.

    Returns
    -------
    mask : ndarray of shape (N, T, 1, ...) of bool
        A view.
    """
    return mask.reshape(mask.shape + (1,) * (array.ndim - mask.ndim))


def masks_elsewhere(case: Any) -> list[Array]:
    """Return masks of the same lengths with padding in front, and with gaps.

    Parameters
    ----------
    case : object
        The layer in a network, as `check_layer` makes it, with a mask of padding at the ends.

    Returns
    -------
    masks : list of ndarray of shape (N, T) of bool
        Those that the layer takes: it may refuse them with a sentence that begins with "Layer".
    """
    found = []
    for mask in (case.mask[:, ::-1], case.noise().permuted(case.mask, axis=1)):
        try:
            case.infer(mask=mask)
        except ValueError as error:
            if isinstance(error, AssertionError) or not str(error).startswith("Layer "):
                raise
            continue
        found.append(mask)
    return found


def check_steps(case: Any) -> None:
    """Check what every layer of sequences, and every causal one, has to keep to.

    Parameters
    ----------
    case : object
        The layer in a network, as `check_layer` makes it, with its masks if it takes any.
    """
    for mask in (case.mask, *case.elsewhere):
        if case.x.ndim > 1 and case.network.is_causal:
            _check_pieces(case, mask)
    if case.mask is None:
        return
    for mask in (case.mask, *case.elsewhere):
        _check_mask(case, mask)
    _check_sequences_alone(case)
    for mask in case.elsewhere:
        _check_places(case, mask)


def _check_mask(case, mask):
    """Check that real steps do not see padded ones."""
    real = np.broadcast_to(broadcast(mask, case.x), case.x.shape)
    other = np.where(real, case.x, case.x[::-1] + 1)
    replica = case.network.replica(len(case.x))
    replica.forward(case.x, mask=mask)
    out_mask = replica.layer.compute_mask(case.x, mask)
    for run in (case.infer, lambda **batch: case.train(**batch)[0]):
        outputs = [run(x=x, mask=mask) for x in (case.x, other)]
        if out_mask is not None:
            outputs = [np.where(broadcast(out_mask, out), out, 0) for out in outputs]
        case.require_close(*outputs, "outputs of real steps must not depend on padded ones")
    replicas = [case.train(x=x, mask=mask)[1] for x in (case.x, other)]
    sentence = "the gradient of {name} must not depend on padded steps"
    case.require_same_gradients(*replicas, sentence)


def _check_sequences_alone(case):
    """Check that a padded batch gives what each of its sequences gives alone."""
    network = case.build(case.copy(), shape=(None, *case.x.shape[2:]))
    network.params[:] = case.network.params
    replica = case.network.replica(len(case.x))
    together = replica.forward(case.x, mask=case.mask)
    mask = replica.layer.compute_mask(case.x, case.mask)
    for row, n_steps in enumerate(case.mask.sum(axis=1)):
        single = network.replica(1)
        x = case.x[row : row + 1, :n_steps]
        alone, own_mask = single.forward(x)[0], single.layer.compute_mask(x, None)
        case.require_close(
            together[row] if mask is None else together[row][mask[row]],
            alone if own_mask is None else alone[own_mask[0]],
            "a padded batch has to give what each of its sequences gives alone",
        )


def _check_places(case, mask):
    """Check that it does not matter where the real steps of a sequence are."""
    x = case.x[::-1] + 1
    x[mask] = case.x[case.mask]
    inferred, trained, grad_x, replica = zip(
        _run_real_steps(case, x, mask), _run_real_steps(case, case.x, case.mask), strict=True
    )
    case.require(
        inferred[0].shape == inferred[1].shape,
        "compute_mask has to give a sequence as many steps wherever its padding stands",
    )
    sentence = "padding in front and gaps have to give what padding at the end gives"
    case.require_close(*inferred, sentence)
    if case.network.layer.is_stochastic:  # its noise may be another one elsewhere
        return
    case.require_close(*trained, sentence + " in training")
    case.require_same_gradients(*replica, sentence + " in the gradient of {name}")
    if grad_x[1] is not None:
        case.require_close(*grad_x, sentence + " in the gradient of the input")


def _run_real_steps(case, x, mask):
    """Return outputs at inference and in training and gradients of x, at real steps; a replica."""
    found = {}

    def backward(replica, grad):
        found["mask"] = out_mask = replica.layer.compute_mask(x, mask)
        if out_mask is not None:  # the same directions for the same steps
            grad[...] = 0.0
            steps = [d[:n] for d, n in zip(case.direction, out_mask.sum(axis=1), strict=True)]
            grad[out_mask] = np.concatenate(steps)
        found["grad_x"] = replica.layer.backward(grad, input_grad=True)

    trained, replica = case.train(x=x, mask=mask, backward=backward)
    outputs, grad_x = [case.infer(x=x, mask=mask), trained], found["grad_x"]
    if found["mask"] is not None:
        outputs = [out[found["mask"]] for out in outputs]
    if grad_x is not None:
        padded = grad_x[~mask]
        sentence = "the gradient of padded steps has to be zero"
        case.require_close(padded, np.zeros_like(padded), sentence)
        grad_x = grad_x[mask]
    return (*outputs, grad_x, replica)


def _check_pieces(case, mask):
    """Check that a causal layer sees no later step and can read sequences in pieces."""
    x = case.x
    other = np.concatenate([x[:, :-1], x[::-1, -1:]], axis=1)
    for run in (case.infer, lambda **batch: case.train(**batch)[0]):
        outputs = [run(x=values)[:, :-1] for values in (x, other)]
        case.require_close(*outputs, "outputs of a causal layer must not depend on later steps")
    replica = case.network.replica(len(x))
    whole = replica.forward(x, mask=mask)
    reader, memory, outputs = case.network.replica(len(x)).layer, {}, []
    for piece in (slice(0, 1), slice(1, 3), slice(3, None)):
        if x[:, piece].shape[1]:
            real = None if mask is None else mask[:, piece]
            outputs.append(np.array(reader.advance(x[:, piece], memory, real)))
    pieces, real = np.concatenate(outputs, axis=1), replica.layer.compute_mask(x, mask)
    if real is not None:
        pieces, whole = pieces[real], whole[real]
    case.require_close(pieces, whole, "sequences read in pieces have to give what they give whole")
