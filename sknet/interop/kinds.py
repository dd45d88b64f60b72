"""Kinds of values that are made of others: how each comes apart and is put together again."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np

from .arrays import check_shape, is_plain

#: Numbers in the states of bit generators that NumPy uses as positions without checking them.
_POSITIONS = {"MT19937": ("pos", 624), "Philox": ("buffer_pos", 4)}
_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
_POOL_SIZE = np.random.SeedSequence(0).pool_size


class Items:
    """Lists, tuples and sets."""

    parts: Any
    whole: Any

    def __init__(self, cls: Any) -> None:
        self.parts, self.whole = list, lambda *items: cls(items)


class Mapping:
    """Dicts, of any keys."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        return list(chain.from_iterable(value.items()))

    @staticmethod
    def whole(*parts: Any) -> Any:
        keys, values = parts[::2], parts[1::2]
        found = dict(zip(keys, values, strict=True))
        if len(found) < len(keys):
            raise ValueError("a dict has a key twice")
        return found


class Slice:
    """Slices."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        return [value.start, value.stop, value.step]

    whole = slice


class Range:
    """Ranges."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        return [value.start, value.stop, value.step]

    whole = range


class Bytes:
    """Bytes, as hexadecimal digits."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        return [value.hex()]

    whole: Any = bytes.fromhex


class Complex:
    """Complex numbers."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        return [value.real, value.imag]

    @staticmethod
    def whole(real: Any, imaginary: Any) -> complex:
        return complex(checked(real, float), checked(imaginary, float))


class Iso:
    """Dates and times, by their ISO texts."""

    def __init__(self, cls: Any) -> None:
        self.parts: Any = lambda value: [value.isoformat()]
        self.whole: Any = cls.fromisoformat


class Elapsed:
    """Differences of times."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        return [value.days, value.seconds, value.microseconds]

    whole = timedelta


class Exact:
    """Decimal numbers and fractions, by their digits."""

    def __init__(self, cls: Any) -> None:
        self.parts: Any = lambda value: [str(value)]
        self.whole: Any = lambda digits: cls(checked(digits, str))


class Scalar:
    """Numbers of NumPy, by their bytes: no digit is lost."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        if not is_plain(value.dtype):
            raise TypeError(f"sknet.save cannot write a number of dtype {value.dtype}.")
        return [value.dtype.str, value.tobytes().hex()]

    @staticmethod
    def whole(name: str, digits: Any) -> Any:
        (value,) = np.frombuffer(bytes.fromhex(digits), dtype_named(name))
        return value


class Dtype:
    """Dtypes of plain numbers, texts and times."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        if value.names or value.subdtype or value.kind not in "biufcSUmMO":
            raise TypeError(f"sknet.save cannot write the dtype {value}.")
        return [value.str]

    @staticmethod
    def whole(name: str) -> Any:
        return dtype_named(name, "O")


class Objects:
    """Arrays of dtype object, or of texts of any length: their shape and their items."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        if value.dtype.kind not in "OT":
            raise TypeError(f"sknet.save cannot write an array of dtype {value.dtype}.")
        return [value.dtype.kind, value.ndim, *value.shape, *value.ravel().tolist()]

    @staticmethod
    def whole(kind: Any, n_axes: Any, *rest: Any) -> Any:
        n_axes = checked(n_axes, int)
        shape, items = rest[:n_axes], rest[n_axes:]
        check_shape(shape, len(rest) + 1000)
        if kind not in ("O", "T"):
            raise ValueError("an array of objects has another dtype")
        array = np.empty(len(items), object)
        array[:] = items
        array = array.reshape(shape)
        return array if kind == "O" else array.astype(np.dtypes.StringDType())


class Seeds:
    """Seed sequences, which know how many others they have given."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        state = value.state
        if state["pool_size"] != _POOL_SIZE:
            raise TypeError("sknet.save cannot write a SeedSequence of another pool_size.")
        return [state["entropy"], tuple(state["spawn_key"]), state["n_children_spawned"]]

    @staticmethod
    def whole(entropy: Any, spawn_key: Any, n_spawned: Any) -> np.random.SeedSequence:
        return np.random.SeedSequence(
            entropy, spawn_key=spawn_key, n_children_spawned=checked(n_spawned, int)
        )


class Generator:
    """Random generators: the kind of their bits, their state and their seeds."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        source = value.bit_generator
        seeds = source.seed_seq if isinstance(source.seed_seq, np.random.SeedSequence) else None
        return [source.state, seeds]

    @staticmethod
    def whole(state: dict[str, Any], seeds: Any) -> np.random.Generator:
        source = getattr(np.random, _checked_state(state))(0 if seeds is None else seeds)
        source.state = state
        return np.random.Generator(source)


class LegacyGenerator:
    """Random states, as scikit-learn takes them."""

    @staticmethod
    def parts(value: Any) -> list[Any]:
        return [value.get_state(legacy=False)]

    @staticmethod
    def whole(state: dict[str, Any]) -> Any:
        source = getattr(np.random, _checked_state(state))(0)
        generator = np.random.RandomState(source)
        generator.set_state(state)
        return generator


def _checked_state(state):
    """Return the name of the bit generator of a state in which NumPy can go on."""
    name = checked(state, dict)["bit_generator"]
    if name not in _GENERATORS:
        raise ValueError("it names a random generator that sknet does not know")
    if name in _POSITIONS:
        key, most = _POSITIONS[name]
        inner = state if key in state else checked(state["state"], dict)
        if not 0 <= checked(inner[key], int) <= most:
            raise ValueError("a random generator is at a position that it does not have")
    return name


def checked(value: Any, cls: Any) -> Any:
    """Return a value that is of a class, or refuse it."""
    if not isinstance(value, cls) or isinstance(value, bool):
        raise ValueError(f"{cls.__name__} is expected where a {type(value).__name__} is")
    return value


def dtype_named(name: str, more: Any = "") -> np.dtype[Any]:
    """Return the plain dtype of a name such as '<f4'."""
    if len(checked(name, str)) > 40 or name.lstrip("<>|=")[:1] not in set("biufcSUmM" + more):
        raise ValueError("it names a dtype that sknet does not know")
    dtype = np.dtype(name)
    if dtype.names or dtype.subdtype or not (dtype.kind in more or is_plain(dtype)):
        raise ValueError("it names a dtype that sknet does not know")
    return dtype


BY_NAME: dict[str, Any] = {
    "list": Items(list),
    "tuple": Items(tuple),
    "set": Items(set),
    "frozenset": Items(frozenset),
    "dict": Mapping,
    "slice": Slice,
    "range": Range,
    "bytes": Bytes,
    "complex": Complex,
    "date": Iso(date),
    "datetime": Iso(datetime),
    "time": Iso(time),
    "timedelta": Elapsed,
    "decimal": Exact(Decimal),
    "fraction": Exact(Fraction),
    "scalar": Scalar,
    "dtype": Dtype,
    "objects": Objects,
    "seeds": Seeds,
    "generator": Generator,
    "random_state": LegacyGenerator,
}
NAMES: dict[Any, str] = {kind: name for name, kind in BY_NAME.items()}
BY_TYPE: dict[type, Any] = {
    list: BY_NAME["list"],
    tuple: BY_NAME["tuple"],
    set: BY_NAME["set"],
    frozenset: BY_NAME["frozenset"],
    dict: Mapping,
    slice: Slice,
    range: Range,
    bytes: Bytes,
    complex: Complex,
    date: BY_NAME["date"],
    datetime: BY_NAME["datetime"],
    time: BY_NAME["time"],
    timedelta: Elapsed,
    Decimal: BY_NAME["decimal"],
    Fraction: BY_NAME["fraction"],
    np.ndarray: Objects,
    np.random.SeedSequence: Seeds,
    np.random.Generator: Generator,
    np.random.RandomState: LegacyGenerator,
}
BY_TYPE |= dict.fromkeys(set(np.sctypeDict.values()) - {np.object_, np.void}, Scalar)
BY_TYPE |= {type(np.dtype(t)): Dtype for t in set(np.sctypeDict.values()) - {np.void}}
