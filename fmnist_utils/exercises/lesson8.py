"""The checks of lesson 8's exercises: the speed run."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import experiment, function, number, scalar


def check_one_cycle(one_cycle: Callable) -> str:
    for step, right in ((0, 0.0), (5, 1.0), (10, 2.0), (20, 1.5), (30, 1.0), (50, 0.0)):
        if not np.isclose(found := scalar(one_cycle(step, 50, 2.0)), right, atol=1e-6):
            return f"Of 50 steps, with a peak of 2, step {step} has {right}, not {found:.3g}."
    if not np.isclose(scalar(one_cycle(4, 100, 2.0)), 0.4):
        return "Right for 50 steps; the rise should always take a fifth of them."
    if not np.isclose(scalar(one_cycle(4, 100, 0.5)), 0.1):
        return "Right for a peak of 2; all learning rates should grow with the peak."
    return ""


CHECKS: dict[str, Callable[[object], str]] = {
    "8.1": number(
        9 * 48 * 96 * 196,
        tolerance=1e-4,
        hint="Each of the 3 × 3 × 48 × 96 weights is used once a place.",
        hints_for_wrong={
            41_472: "Those are the weights; each is used at every place.",
            169_344: "Each new map looks at all 48 old ones, not at one.",
            84_672: "Each of the 96 new maps has filters of its own.",
            903_168: "A kernel multiplies at 3 × 3 places of the old map each time.",
            9 * 48 * 96 * 144: "With padding 'same' the kernel stands at the border, too.",
            9 * 48 * 96 * 196 + 96 * 196: "A bias is added, not multiplied.",
            2 * 9 * 48 * 96 * 196: "Those are multiplications and additions.",
            8.128512: "How many in all, not how many millions.",
        },
    ),
    "8.2": number(
        2,
        hint="How many seconds does the epoch take then?",
        hints_for_wrong={
            3: "Only the convolutions get faster; the other 10 seconds stay.",
            20: "Those are the seconds of an epoch. And how many times as fast is that?",
            0.5: "The other way round: old time by new time.",
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
    "8.4": function(check_one_cycle),
    "8.5": experiment(),
    "8.6": experiment(),
}
