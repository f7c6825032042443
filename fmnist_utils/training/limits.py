"""What a recipe's settings can be: each in words, for the message, and as a test."""

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from fmnist_utils.models.backend import keras

Limit = tuple[str, Callable[[object], bool]]


def _whole(least: int) -> Limit:
    return f"a whole number, at least {least}", lambda value: _is_whole(value) and value >= least


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(words: str, test: Callable[[float], bool]) -> Limit:
    def good(value: object) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and test(value)

    return words, good


def _word(*words: object) -> Limit:
    return "one of " + ", ".join(map(str, words)), lambda value: value in words


def _or_none(words: str, test: Callable) -> Limit:
    return f"{words}, or None", lambda value: value is None or test(value)


def _each(words: str, test: Callable) -> Limit:
    def good(value: object) -> bool:
        return isinstance(value, (list, tuple)) and all(map(test, value))

    return f"a list of such: {words}", good


def _one_or_each(words: str, test: Callable) -> Limit:
    several = _each(words, test)[1]
    return f"{words}, or a list of such", lambda value: test(value) or several(value)


def _activation(value: object) -> bool:
    known = set(dir(keras.activations)) - {"get", "serialize", "deserialize"}
    return isinstance(value, str) and value in known and not value.startswith("_")


_SHARE = _number("a share, from 0 to less than 1", lambda value: 0 <= value < 1)
_PENALTY = _number("a number, at least 0", lambda value: 0 <= value < math.inf)
_SWITCH = "True or False", lambda value: isinstance(value, bool)
_TEXT = "a text", lambda value: isinstance(value, str)
_ACTIVATION = "the name of one of Keras's activations", _activation

# What else a field can be, in words and as a test.
FIELDS = {
    "id": _TEXT,
    "learning_rate": _or_none(*_number("a number above 0", lambda value: 0 < value < math.inf)),
    "batch_size": _whole(1),
    "epochs": _whole(1),
    "patience": _or_none(*_whole(0)),
    "weight_decay": _PENALTY,
    "label_smoothing": _SHARE,
    "averaging": _SHARE,
    "teachers": _whole(1),
    "temperature": _number("a number above 0", lambda value: 0 < value < math.inf),
    "opens_test": _SWITCH,
    "source": _TEXT,
    "unstated": _TEXT,
}
# The same of the factories' arguments; where one factory takes less, under its name, too.
_OPTIONS = {
    "widths": _each(*_whole(1)),
    "dropouts": _each(*_SHARE),
    "activation": _or_none(*_ACTIVATION),
    "l2": _PENALTY,
    "batch_norm": _word(True, False, "fused"),
    "hidden_norm": _SWITCH,
    "input_dropout": _SHARE,
    "precision": _word("float32", "mixed_bfloat16"),
    "filters": _each(*_whole(1)),
    "kernel": _whole(1),
    "kernels": _one_or_each(*_whole(1)),
    "pools": _one_or_each(*_whole(1)),
    "padding": _one_or_each(*_word("valid", "same")),
    "head": _each(*_ACTIVATION),
    "pooling": _word("max", "average"),
    "mlp batch_norm": _SWITCH,
    "conv1d pools": _each(*_whole(1)),
    "conv1d padding": _word("valid", "same"),
    "conv_dropouts": _one_or_each(*_SHARE),
    "dense": _each(*_whole(1)),
    "dense_dropout": _SHARE,
    "momentum": _SHARE,
    "pool_first": _SWITCH,
    "whitening": _whole(0),
    "top": _word("flatten", "max", "average"),
}
# The arguments with one value for each layer: lists of equal length.
_PER_LAYER = {
    "mlp": ("widths", "dropouts"),
    "conv1d": ("filters", "pools", "dropouts"),
    "conv2d": ("filters", "kernels", "pools", "padding", "conv_dropouts"),
}


def plain(value: object) -> object:
    """A setting with NumPy's numbers and arrays as Python's, which a run's key can hold."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Mapping):
        return {plain(name): plain(part) for name, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value


def check_options(architecture: str, factory: Callable, options: Mapping[str, object]) -> None:
    """Raise ValueError, with a hint, for an option that the architecture's factory doesn't take."""
    if not isinstance(options, Mapping):
        raise ValueError(f"options={options!r}: give the factory's arguments, by name.")
    arguments = {
        name: argument.default for name, argument in inspect.signature(factory).parameters.items()
    }
    for name, value in options.items():
        if name not in arguments:
            raise ValueError(
                f"options: {architecture} has {', '.join(arguments)}, but no {name!r}"
                f"{nearest(name, arguments)}"
            )
        possible, test = _OPTIONS.get(f"{architecture} {name}") or _OPTIONS[name]
        if not test(value):
            raise ValueError(f"options: {name}={value!r} is impossible; it is {possible}.")
    given = {**arguments, **options}
    if "head" in given and not given["head"]:
        raise ValueError("options: head=() is impossible; a network has a last layer.")
    counts = {
        name: len(given[name])
        for name in _PER_LAYER[architecture]
        if isinstance(given[name], (list, tuple))
    }
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise ValueError(f"options: each layer takes one value of each, but there are {said}.")


def check_numbers(
    field: str, numbers: Mapping[object, float], names: Iterable | None, possible: str
) -> None:
    """Raise ValueError if a field's names aren't among `names` (None: texts), or a value isn't a
    number from 0."""
    if not isinstance(numbers, Mapping):
        raise ValueError(f"{field}={numbers!r}: give numbers by name.")
    for name, value in numbers.items():
        known = isinstance(name, str) if names is None else _is_whole(name) and name in names
        if not known:
            raise ValueError(f"{field}: {name!r} is not {possible}.")
        if not _PENALTY[1](value):
            raise ValueError(f"{field}: {name}={value!r} is impossible; it is {_PENALTY[0]}.")


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown `name`: which known one it is most like, if any."""
    found = difflib.get_close_matches(str(name), known, 1)
    return f"; did you mean {found[0]!r}?" if found else "."
