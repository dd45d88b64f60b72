"""Steps of recurrent layers, which take the sums of their gates; those of sigmoids come halved.

`work` has room for as many arrays of a gate's shape as a step needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...typing import Array


def _to_sigmoid(values):
    values += 1.0
    values *= 0.5


def lstm_step(slots: Any, cell: Any, squashed: Any, after: Any, training: bool, work: Any) -> None:
    """Replace cell by f c + i g and put o tanh(c) into after, of the slots (free, g, i, f, o).

    While training the slopes of i, f and c then fill the first three slots, f stays, and the slope
    of o is the last; squashed gets that of the state by the cell.
    """
    _, g, i, f, o = slots
    i_g, f_c, *_ = work
    terms = work[:2]
    gates = slots[1:]
    np.tanh(gates, out=gates)
    _to_sigmoid(slots[2:])
    np.multiply(i, g, out=i_g)
    np.multiply(f, cell, out=f_c)
    np.add(i_g, f_c, out=cell)
    np.tanh(cell, out=squashed)
    np.multiply(o, squashed, out=after)
    if training:
        scratch = work[2:4]
        # d c / d a_i = g i (1 - i) = i g - i i g and d c / d a_f = f c - f f c
        np.multiply(slots[2:4], terms, out=scratch)
        # d c / d a_c = i (1 - g g) = i - i g g, which is put where i was
        g *= i_g
        np.subtract(i, g, out=i)
        np.subtract(terms, scratch, out=slots[:2])
        # d h / d c = o (1 - tanh(c) tanh(c)) = o - h tanh(c)
        squashed *= after
        np.subtract(o, squashed, out=squashed)
        # d h / d a_o = h (1 - o)
        np.multiply(o, after, out=scratch[0])
        np.subtract(after, scratch[0], out=o)


def lstm_step_back(
    grad: Array, slots: Any, squashed: Any, grad_cell: Any, grad_gates: Any, work: Any
) -> None:
    """Put the gradients of i, f, c and o side by side into grad_gates, (rows, 4 U).

    grad_cell, that of the cell, becomes that of the cell before.
    """
    slope_i, slope_f, slope_g, f, slope_o = slots
    to_i, to_f, to_g, to_o = _by_gate(grad_gates)
    np.multiply(slope_o, grad, out=to_o)
    of_cell, *_ = work
    np.multiply(squashed, grad, out=of_cell)
    grad_cell += of_cell
    np.multiply(slope_i, grad_cell, out=to_i)
    np.multiply(slope_f, grad_cell, out=to_f)
    np.multiply(slope_g, grad_cell, out=to_g)
    grad_cell *= f


def gru_step(slots: Any, before: Any, after: Any, training: bool, work: Any) -> None:
    """Put z h + (1 - z) tanh(x + r y) into after, of the slots (x, z, r, y, free).

    While training the slope of the candidate fills the first slot, z and r stay, and the slopes of
    r and z are the last ones.
    """
    g, z, r, from_state, slope_z = slots
    z_r = slots[1:3]
    by_z, by_r, difference, *_ = work
    np.tanh(z_r, out=z_r)
    _to_sigmoid(z_r)
    np.multiply(r, from_state, out=after)
    g += after
    np.tanh(g, out=g)
    np.subtract(before, g, out=difference)
    np.multiply(z, difference, out=after)
    after += g
    if training:
        scratch = work[:2]
        np.square(z_r, out=scratch)
        np.subtract(z_r, scratch, out=scratch)
        # d h / d a_z = (h_{t-1} - g) z (1 - z)
        np.multiply(by_z, difference, out=slope_z)
        # d a_h / d a_r = r (1 - r) times what the state gives to h
        from_state *= by_r
        # d h / d a_h = (1 - z) (1 - g g)
        np.subtract(1.0, z, out=difference)
        np.square(g, out=g)
        g *= difference
        np.subtract(difference, g, out=g)


def gru_step_back(grad: Array, slots: Any, grad_gates: Any, work: Any) -> None:
    """Put the gradients of x, z, r and y side by side into grad_gates, (rows, 4 U).

    grad, that of the state, becomes what goes on to the state before.
    """
    slope_h, z, r, slope_r, slope_z = slots
    to_h, to_z, to_r, to_state = _by_gate(grad_gates)
    of_sum, *_ = work
    np.multiply(slope_z, grad, out=to_z)
    np.multiply(slope_h, grad, out=of_sum)
    np.copyto(to_h, of_sum)
    np.multiply(slope_r, of_sum, out=to_r)
    np.multiply(r, of_sum, out=to_state)
    grad *= z


def _by_gate(grad_gates):
    n_rows, width = grad_gates.shape
    return grad_gates.reshape(n_rows, 4, width // 4).swapaxes(0, 1)
