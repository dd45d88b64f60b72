"""Lists of expressions, and how one of them is drawn."""

import re


def choices(text):
    """Return the expressions of a text that bars with spaces around them separate."""
    return [" ".join(each.split()) for each in re.split(r"\s\|\s", text.strip())]


def draw(rng, options):
    """Return one of the options."""
    return options[int(rng.integers(len(options)))]


def draw_some(rng, options, most):
    """Return some of the options, each once, from none to the number `most`."""
    size = min(int(rng.integers(most + 1)), len(options))
    return [options[i] for i in rng.permutation(len(options))[:size]]
