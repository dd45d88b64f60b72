"""Makes a sequence that fails as short as it can be."""

from dataclasses import replace

from .verdicts import run

#: Without these a sequence would be slow, or not the same each time.
_KEPT = {"max_iter", "random_state"}


def shrink(sequence, kind):
    """Return the shortest sequence found that fails in the same way.

    Parameters
    ----------
    sequence : Sequence
        A sequence with a failure.
    kind : tuple
        The failure's `kind`.
    """
    shrunk = True
    while shrunk:
        shrunk = False
        for shorter in _shorter(sequence):
            if any(failure.kind == kind for failure in run(shorter)):
                sequence, shrunk = shorter, True
                break
    return sequence


def _shorter(sequence):
    """Yield the sequences with one call or argument less, the largest steps first."""
    calls = sequence.calls
    for last in range(1, len(calls)):
        yield replace(sequence, calls=calls[:last])
    for position, call in enumerate(calls):
        rest = calls[:position], calls[position + 1 :]
        if len(calls) > 1:
            yield replace(sequence, calls=[*rest[0], *rest[1]])
        if not call.positional:
            for less in _with_fewer_arguments(call):
                yield replace(sequence, calls=[*rest[0], less, *rest[1]])
    if sequence.estimator is not None:
        for less in _with_fewer_arguments(sequence.estimator):
            yield replace(sequence, estimator=less)


def _with_fewer_arguments(call):
    for name in sorted(call.arguments.keys() - _KEPT):
        arguments = {key: value for key, value in call.arguments.items() if key != name}
        yield replace(call, arguments=arguments)
