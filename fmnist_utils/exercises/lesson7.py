"""The checks of lesson 7's exercises: the scoreboard."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import number


def check_majority(function: Callable) -> str:
    cases = (
        ([[1, 2, 3], [1, 2, 4], [5, 2, 4]], [1, 2, 4]),
        ([[9, 9], [0, 9], [9, 0]], [9, 9]),
        ([[7, 3], [2, 8]], [2, 3]),
    )
    for predictions, right in cases:
        found = np.asarray(function(np.array(predictions)))
        if found.shape != (len(right),):
            return f"{len(right)} images should give shape ({len(right)},), not {found.shape}."
        if not np.array_equal(found, right):
            return f"For the predictions {predictions}, one member a row, yours says {list(found)}."
    return ""


CHECKS: dict[str, Callable[[object], str]] = {
    "7.1": number(
        100 * 500**0.5 / 10_000,
        tolerance=0.01,
        hint="Of 10,000 differences, 500 are 1 or -1. What is their standard deviation, and what "
        "that of their mean?",
        hints_for_wrong={
            0.286: "That is the error of one model's accuracy. Both see the same images.",
            0.405: "That would be so if each had test images of its own.",
            0.0022: "In points, please: per cent.",
        },
    ),
    "7.2": number(
        1 - 0.95**20,
        tolerance=0.005,
        hint="Work out the chance that all twenty tests stay silent, first.",
        hints_for_wrong={
            1.0: "Adding up twenty times 5 % counts some cases twice.",
            0.358: "That is the chance that all stay silent.",
        },
    ),
    "7.3": number(
        2,
        hint="At which step do the test images decide something?",
        hints_for_wrong={
            1: "Training is fine.",
            3: "The average is fine: nothing is chosen there.",
            4: "Measuring on the test set at the end is what it is for.",
        },
    ),
    "7.4": check_majority,
}
