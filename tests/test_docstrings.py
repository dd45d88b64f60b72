"""Docstrings of everything public are complete and in numpydoc's form."""

import importlib
import inspect

import pytest

validate = pytest.importorskip("numpydoc.validate").validate

MODULES = [
    "sknet",
    "sknet.activations",
    "sknet.initializers",
    "sknet.inspection",
    "sknet.interop",
    "sknet.interop.onnx",
    "sknet.layers",
    "sknet.losses",
    "sknet.mixing",
    "sknet.optimizers",
    "sknet.preprocessing",
    "sknet.regularization",
    "sknet.schedules",
    "sknet.testing",
]
#: Public though no package exports them: users meet them as `network_` and in a loop of their own.
ALSO = ["sknet.network.Network", "sknet.stepping.Stepper", "sknet.training.Trainer"]

#: Codes of numpydoc that do not hold here, each with its reason.
IGNORED = {
    "GL01": "the summary stands on the line of the opening quotes, as in scikit-learn",
    "ES01": "one line says enough about many things",
    "SA01": "not everything has a relative worth a link",
    "EX01": "classes have an example, their methods need none of their own",
    "RT02": "returned values are named, as in scikit-learn",
}
#: What a method need not say again if the same method of a base class says it.
INHERITED = {
    "GL08": "a method without a docstring has that of the base class",
    "PR01": "the parameters are those of the base class",
    "RT01": "so is what is returned",
    "YD01": "and what is yielded",
}


def resolve(name):
    """Import the object that a dotted name stands for."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[n:]:
            found = getattr(found, attribute)
        return found
    raise LookupError(name)


def is_documentable(item):
    return inspect.isroutine(item) or isinstance(item, property)


def members_of(cls):
    """List the public methods and properties of a class that sknet wrote itself."""
    return [
        name
        for name in dir(cls)
        if not name.startswith("_")
        for owner in [next((c for c in cls.__mro__ if name in vars(c)), None)]
        if owner is not None
        and owner.__module__.startswith("sknet")
        # available_if hides the function in a descriptor, which the class hands out.
        and (is_documentable(vars(owner)[name]) or inspect.isroutine(getattr(cls, name, None)))
    ]


def definition(cls, member):
    """Return what a class or a base of it defines under a name."""
    return next(vars(c)[member] for c in cls.__mro__ if member in vars(c))


def public_names():
    """List what is public, and of what is inherited the first name only."""
    names = [f"{module}.{name}" for module in MODULES for name in resolve(module).__all__]
    names = [name for name in names + ALSO if callable(resolve(name))]
    classes = [name for name in names if isinstance(resolve(name), type)]
    first = {}
    for name in classes:
        cls = resolve(name)
        for member in members_of(cls):
            first.setdefault(definition(cls, member), f"{name}.{member}")
    return names + list(first.values())


def overrides_a_documented_one(name):
    """Tell whether a base class of sknet has a documented member of the same name."""
    owner, _, member = name.rpartition(".")
    owner = resolve(owner)
    if not isinstance(owner, type):
        return False
    definitions = [vars(c)[member] for c in owner.__mro__ if member in vars(c)]
    return any(getattr(definition, "__doc__", None) for definition in definitions[1:])


NAMES = public_names()


def test_the_main_classes_and_their_methods_are_among_the_names():
    assert {
        "sknet.NeuralClassifier.partial_fit",
        "sknet.NeuralRegressor.partial_fit",
        "sknet.layers.Dense.forward",
        "sknet.schedules.Cosine",
        "sknet.testing.check_layer",
        "sknet.network.Network.summary",
        "sknet.training.Trainer.run",
    } <= set(NAMES)


@pytest.mark.parametrize("name", MODULES)
def test_modules_say_in_one_sentence_what_they_hold(name):
    summary, *_ = resolve(name).__doc__.split("\n\n")
    assert summary.endswith(".")
    assert "\n" not in summary.strip()


@pytest.mark.parametrize("name", NAMES)
def test_docstrings_are_valid(name):
    ignored = set(IGNORED)
    if overrides_a_documented_one(name):
        ignored |= set(INHERITED)
    errors = validate(name)["errors"]
    assert [f"{code}: {text}" for code, text in errors if code not in ignored] == []


@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(resolve(name), type)])
def test_public_classes_have_an_example(name):
    if name not in ALSO:
        _, _, examples = inspect.cleandoc(resolve(name).__doc__).partition(
            "\nExamples\n--------\n"
        )
        assert ">>>" in examples
