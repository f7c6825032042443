"""Checks of answers that are a value: a number, or the shape of an array."""

from collections.abc import Callable


def number(
    right: float, *, hint: str, hints_for_wrong: dict[float, str], tolerance: float = 0
) -> Callable[[object], str]:
    """A check for a number that may differ from `right` by the share `tolerance` of it.

    hints_for_wrong: better hints than `hint`, for answers within 1 % of the wrong ones named.
    """

    def check(answer: object) -> str:
        value = float(answer)
        if abs(value - right) <= tolerance * right:
            return ""
        near = (text for wrong, text in hints_for_wrong.items() if abs(value / wrong - 1) < 0.01)
        return next(near, hint)

    return check


def shape(right: tuple[int, ...], *, hint: str) -> Callable[[object], str]:
    """A check for a shape, given as a tuple or a list."""
    return lambda answer: "" if tuple(answer) == right else hint
