"""What layers have to do with padded sequences."""

import numpy as np


def broadcast(mask, array):
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


def check_mask(case):
    """Check that real steps do not see padded ones.

    Parameters
    ----------
    case : object
        The layer in a network, as `check_layer` makes it, with a mask.
    """
    real = np.broadcast_to(broadcast(case.mask, case.x), case.x.shape)
    other = np.where(real, case.x, case.x[::-1] + 1)
    replica = case.network.replica(len(case.x))
    replica.forward(case.x, mask=case.mask)
    mask = replica.layer.compute_mask(case.x, case.mask)
    for run in (case.infer, lambda **batch: case.train(**batch)[0]):
        outputs = [run(x=x, mask=case.mask) for x in (case.x, other)]
        if mask is not None:
            outputs = [np.where(broadcast(mask, out), out, 0) for out in outputs]
        case.require_close(*outputs, "outputs of real steps must not depend on padded ones")
    replicas = [case.train(x=x, mask=case.mask)[1] for x in (case.x, other)]
    sentence = "the gradient of {name} must not depend on padded steps"
    case.require_same_gradients(*replicas, sentence)


def check_sequences_alone(case):
    """Check that a padded batch gives what each of its sequences gives alone.

    Parameters
    ----------
    case : object
        The layer in a network, as `check_layer` makes it, with a mask.
    """
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


def check_pieces(case):
    """Check that a causal layer sees no later step and can read sequences in pieces.

    Parameters
    ----------
    case : object
        The layer in a network, as `check_layer` makes it, with or without a mask.
    """
    x, mask = case.x, case.mask
    if x.ndim < 2 or not case.network.is_causal:
        return
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
