"""What the checks are made of: reads a person's answer, whatever form it has."""

import copy
from collections.abc import Callable

import numpy as np

from fmnist_utils import evaluation


class Unanswered(Exception):
    """The exercise is still as it was handed out."""


class Hint(Exception):
    """The answer isn't of the kind that was asked for; says which is."""


def array(answer: object, wanted: str = "a number or an array of numbers") -> np.ndarray:
    """The answer (lists, a tensor, an array of any type) as a new array of float64."""
    kind = type(answer).__name__
    try:
        found = np.asarray(answer)
        if found.dtype.kind in "US":
            kind = "text in quotes"
            raise TypeError
        return found.astype(float)
    except (TypeError, ValueError):
        raise Hint(f"This should be {wanted}; this {kind} can't be read as one.") from None


def scalar(answer: object) -> float:
    """The answer, a number of any type (or an array that holds a single one), as a float."""
    found = array(answer, "one number")
    if found.size != 1:
        raise Hint(f"This should be one number; yours has shape {found.shape}.")
    return found.item()


def number(
    right: float,
    *,
    hint: str,
    hints_for_wrong: dict[float, str],
    tolerance: float = 0,
    per_cent: bool = False,
) -> Callable[[object], str]:
    """A check for a number.

    tolerance: the share of `right` that an answer may be off; if it isn't 0, an answer may also be
        rounded, to two digits or more. per_cent: a share may be given in per cent, too.
    hints_for_wrong: better hints than `hint`; the same goes for the wrong numbers that they name.
    """

    def is_near(value: float, target: float) -> bool:
        if abs(value - target) <= max(tolerance, 1e-7) * abs(target):
            return True
        rounded = [float(f"{target:.{digits}g}") for digits in range(2, 6)]
        return tolerance > 0 and np.isclose(value, rounded, rtol=1e-6, atol=0).any()

    def check(answer: object) -> str:
        value = scalar(answer)
        for target, text in ({right: ""} | hints_for_wrong).items():
            if is_near(value, target) or (per_cent and is_near(value / 100, target)):
                return text
        return hint

    return check


def shape(
    right: tuple[int, ...], *, hint: str, hints_for_wrong: dict[tuple[int, ...], str]
) -> Callable[[object], str]:
    """A check for a shape without the batch: a tuple, a list, an array or a TensorShape."""

    def check(answer: object) -> str:
        found = array(answer, "a shape, as a tuple of whole numbers")
        if found.ndim != 1:
            raise Hint("This should be a shape: a tuple with one number a dimension.")
        sizes = tuple(found)
        if len(sizes) > len(right) and (np.isnan(sizes[0]) or sizes[0] == 1):
            return hints_for_wrong.get(sizes[1:], "Leave the batch out.")
        return "" if sizes == right else hints_for_wrong.get(sizes, hint)

    return check


def function(check: Callable[[Callable], str], *, in_place: bool = False) -> Callable:
    """A check for a function, by a `check` that may call it without precautions.

    The function gets copies, which it may change, and its results come as arrays of float64.
    in_place: it may also change its first argument and return nothing.
    """

    def check_function(answer: object) -> str:
        if not callable(answer):
            raise Hint("This should be the function itself: its name, without brackets behind it.")
        answered = False

        def tried(*arguments: object) -> np.ndarray:
            nonlocal answered
            given = copy.deepcopy(arguments)
            with np.errstate(all="ignore"):
                result = answer(*given)
            if result is None and in_place:
                changed = not np.array_equal(given[0], arguments[0])
                result = given[0] if answered or changed else None
            if result is None and not answered:
                raise Unanswered
            if result is None:
                raise Hint("Sometimes your function returns nothing; is there a way to its end?")
            answered = True
            return array(result)

        return check(tried)

    return check_function


VERDICTS = ("helps", "harms", "undecided")
SEEDS = 3  # that an experiment needs of each way, at least
GUESSING = 0.2  # a way that is right less often than this has learned nothing


def experiment(images: int = 200) -> Callable:
    """A check for an experiment: two ways to train, each with several seeds, and a verdict.

    The answer is (with the change, without it, verdict): for each way the rows of its seeds, right
    (1) or wrong (0) for every image, and one of `VERDICTS`. Nobody knows what must come out; what
    can be checked is that it is an experiment, and that the verdict is that of the course's test.
    images: how many are needed, at least.
    """

    def check(answer: object) -> str:
        wanted = "three things: right with the change, right without it, and the verdict"
        if not isinstance(answer, tuple | list) or len(answer) != 3:
            array(answer, wanted)
            raise Hint(f"This should be {wanted}.")
        ways, verdict = [array(way, "rows of right and wrong") for way in answer[:2]], answer[2]
        for way in ways:
            if way.ndim != 2 or way.shape[1] != ways[0].shape[-1]:
                return (
                    "Each way has a row for each seed and a column for each image, both the same."
                )
            if not np.isin(way, (0, 1)).all():
                return "Right is 1 (or True), wrong is 0: compare the classes with the labels."
            if len(way) < SEEDS:
                return f"{len(way)} seeds say little about chance; take at least {SEEDS} of each."
            if way.shape[1] < images:
                return f"Judge by more images: {way.shape[1]} are fewer than {images}."
            if len(np.unique(way, axis=0)) < len(way):
                return "Two rows of one way are the same: was the seed changed for each training?"
            if way.mean() < GUESSING:
                return (
                    "One of the two ways has learned next to nothing: look at its training first."
                )
        if np.array_equal(*ways):
            return "Both ways give the same: was the change ever made?"
        if not isinstance(verdict, str) or verdict.strip().lower() not in VERDICTS:
            return f"The verdict is one of {', '.join(VERDICTS)}, in quotes."
        test = evaluation.compare(*(100 * way for way in ways))
        towards = "helps" if test["difference"] > 0 else "harms"
        right = towards if test["p"] < 0.05 else "undecided"
        said = verdict.strip().lower()
        if said == right:
            return ""
        if right == "undecided":
            return "Chance alone would make such a difference too often: look at p."
        if said == "undecided":
            return "Chance alone would hardly make such a difference: look at p."
        return "The other way round: the difference is with the change minus without it."

    return check
