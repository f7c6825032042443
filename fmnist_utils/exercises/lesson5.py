"""The checks of lesson 5's exercises: searching for hyperparameters."""

from collections.abc import Callable

from fmnist_utils.exercises.value import number


def check_early_stopping(function: Callable) -> str:
    cases = (
        ([5, 4, 3, 2], 2, 4),
        ([5, 4, 4.5, 4.2, 3], 2, 4),
        ([1, 2, 3, 4, 5], 3, 4),
        ([3, 2, 2, 2, 2], 2, 4),
        ([3, 4, 2, 4, 1], 2, 5),
    )
    for losses, patience, right in cases:
        if (found := function(losses.copy(), patience)) != right:
            return (
                f"With losses {losses} and patience {patience}, yours trains {found} epochs. "
                "Count the epochs since the last strictly better one."
            )
    return ""


CHECKS: dict[str, Callable[[object], str]] = {
    "5.1": number(
        208_000,
        hint="Multiply the numbers of values of the eleven hyperparameters.",
        hints_for_wrong={
            106_496: "0, .1, .2, .3, .4 are five values.",
            192_000: "128, 160, …, 512 are thirteen values.",
        },
    ),
    "5.2": number(
        1 - 0.95**6,
        tolerance=0.005,
        hint="Work out the chance that all six miss, first.",
        hints_for_wrong={
            0.3: "Adding up six times 5 % counts double hits twice.",
            0.735: "That is the chance that all six miss.",
        },
    ),
    "5.3": number(
        3,
        hint="Which set may decide when to stop, and which must not decide anything?",
        hints_for_wrong={
            1: "The split is fine.",
            2: "The callback is fine: it watches what fit gives it.",
            4: "Measuring on the test set at the end is what it is for.",
        },
    ),
    "5.4": check_early_stopping,
}
