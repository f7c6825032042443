"""The checks of lesson 7's exercises: the scoreboard."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import experiment, function, number


def check_majority(majority: Callable) -> str:
    for predictions, right, hint in (
        ([[1, 2, 3], [1, 2, 4], [5, 2, 4]], [1, 2, 4], "Count the votes of each column."),
        ([[9, 9], [0, 9], [9, 0]], [9, 9], "Count the votes of each column."),
        ([[2], [2], [3], [4], [5]], [2], "The most votes win, if they aren't half of all, too."),
        ([[7, 3], [2, 8]], [2, 3], "Equally many votes: the smaller number."),
        ([[8, 0], [8, 9], [1, 9], [1, 0], [5, 3]], [1, 0], "Equal votes: the smaller number."),
    ):
        found = majority(np.array(predictions))
        if found.shape != (len(right),):
            return f"{len(right)} images should give shape ({len(right)},), not {found.shape}."
        if not np.array_equal(found, right):
            said = ", ".join(f"{label:g}" for label in found)
            return f"For {predictions}, one member a row, yours says [{said}]. {hint}"
    return ""


CHECKS: dict[str, Callable[[object], str]] = {
    "7.1": number(
        100 * 500**0.5 / 10_000,
        tolerance=0.005,
        hint="Of 10,000 differences, 500 are 1 or -1. What is their standard deviation, and what "
        "that of their mean?",
        hints_for_wrong={
            0.09**0.5 * 0.91**0.5: "That is the error of one model's accuracy. Both see the same "
            "images.",
            0.18**0.5 * 0.91**0.5: "That would be so if each had test images of its own.",
            500**0.5 / 10_000: "In points, please: per cent.",
            500**0.5: "That goes with one difference, or with their sum in images. And with the "
            "mean?",
            100 * (0.05 * 0.95) ** 0.5 / 100: "p (1 - p) goes with 1 and 0; these are 1, 0 and -1, "
            "with a mean of 0.",
        },
    ),
    "7.2": number(
        1 - 0.95**20,
        tolerance=0.005,
        per_cent=True,
        hint="Work out the chance that all twenty tests stay silent, first.",
        hints_for_wrong={
            1.0: "Adding up twenty times 5 % counts some cases twice.",
            0.95**20: "That is the chance that all stay silent.",
            20 * 0.05 * 0.95**19: "That is the chance of exactly one; it may be more.",
            0.05: "That is the chance of a single test.",
            0.05**20: "That is the chance that none stays silent.",
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
    "7.4": function(check_majority),
    "7.5": experiment(),
    "7.6": experiment(),
}
