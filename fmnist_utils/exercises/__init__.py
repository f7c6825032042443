"""The checks of the exercises: `check("2.1", answer)` says right, or not yet with a hint.

A check tries an answer on data of its own; it never prints the answer.
"""

from collections.abc import Callable

from fmnist_utils.exercises import (
    lesson1,
    lesson2,
    lesson3,
    lesson4,
    lesson5,
    lesson6,
    lesson7,
    lesson8,
    lesson9,
)
from fmnist_utils.exercises.value import Hint, Unanswered

__all__ = ["CHECKS", "check", "hint_for"]

_LESSONS = (lesson1, lesson2, lesson3, lesson4, lesson5, lesson6, lesson7, lesson8, lesson9)
CHECKS: dict[str, Callable[[object], str]] = {
    number: check for lesson in _LESSONS for number, check in lesson.CHECKS.items()
}


def check(number: str, answer: object) -> None:
    """Print whether `answer` solves exercise `number`, with a hint if it doesn't yet."""
    number = str(number).strip()  # 2.1 will do for "2.1"
    if number not in CHECKS:
        print(f"There is no exercise {number}; there are {', '.join(sorted(CHECKS))}.")
    else:
        print(f"Exercise {number}: {hint_for(number, answer) or 'right!'}")


def hint_for(number: str, answer: object) -> str:
    """The hint for a wrong `answer` to exercise `number`; an empty string if it is right."""
    try:
        if answer is None or answer is ...:
            raise Unanswered
        hint = CHECKS[number](answer)
    except Unanswered:
        return "no answer yet."
    except Hint as error:
        hint = str(error)
    except Exception as error:  # the student's own code runs in here: anything may come out
        hint = f"Your answer stopped with {type(error).__name__}: {error}"
    return hint and f"not yet. {hint}"
