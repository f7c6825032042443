"""The checks of lesson 8's exercises: the speed run."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import number


def check_one_cycle(function: Callable) -> str:
    for step, right in ((0, 0.0), (5, 1.0), (10, 2.0), (30, 1.0), (50, 0.0)):
        if not np.isclose(found := float(function(step, 50, 2.0)), right):
            return f"Of 50 steps, with a peak of 2, step {step} has {right}, not {found:.3g}."
    if not np.isclose(function(4, 100, 1.0), 0.2):
        return "Right for 50 steps; the rise should always take a fifth of them."
    return ""


CHECKS: dict[str, Callable[[object], str]] = {
    "8.1": number(
        9 * 48 * 96 * 196,
        hint="Each of the 3 × 3 × 48 × 96 weights is used once a place.",
        hints_for_wrong={
            41_472: "Those are the weights; each is used at every place.",
            169_344: "Each new map looks at all 48 old ones, not at one.",
            84_672: "Each of the 96 new maps has filters of its own.",
        },
    ),
    "8.2": number(
        2,
        tolerance=0.001,
        hint="How many seconds does the epoch take then?",
        hints_for_wrong={
            3: "Only the convolutions get faster; the other 10 seconds stay.",
        },
    ),
    "8.3": number(
        2,
        hint="A model's first call compiles. Whose compiling is measured?",
        hints_for_wrong={
            1: "That call isn't timed. What did it do for the new model?",
            3: "The new model has been called before, so it is measured fairly.",
            4: "The ratio is the right way round.",
        },
    ),
    "8.4": check_one_cycle,
}
