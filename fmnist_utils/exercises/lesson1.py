"""The checks of lesson 1's exercises: the data."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import number


def check_one_hot(function: Callable) -> str:
    labels = np.array([3, 0, 9, 3])
    rows = np.asarray(function(labels.copy()))
    if rows.shape != (4, 10):
        return f"Four labels should give shape (4, 10); yours has {rows.shape}."
    if not (rows.sum(axis=1) == 1).all():
        return "Each row should hold a single 1 and nine 0s."
    return "" if (rows.argmax(axis=1) == labels).all() else "The 1 should stand at the label."


def check_nearest_mean(function: Callable) -> str:
    rng = np.random.default_rng(14)
    labels = np.repeat(np.arange(10), 6).astype("uint8")
    patterns, noise = rng.integers(60, 190, (10, 28, 28)), rng.integers(-60, 60, (60, 28, 28))
    images = (patterns[labels] + noise).astype("uint8")
    order = rng.permutation(60)
    found = np.asarray(function(images[order], labels[order], images))
    if found.shape != (60,):
        return f"One label an image, please: shape (60,), not {found.shape}."
    if (found == labels).all():
        return ""
    return (
        "Some images went to a mean that is farther away. Watch out: differences of uint8 "
        "wrap around; convert to float first."
    )


CHECKS: dict[str, Callable[[object], str]] = {
    "1.1": number(
        60_000 * 784 * 4 / 1e6,
        tolerance=0.01,
        hint="Multiply images × pixels × bytes; 1 MB is 10⁶ bytes.",
        hints_for_wrong={
            47: "That is one byte a pixel, uint8. How many has float32?",
            376: "That is eight bytes a pixel, float64. How many has float32?",
        },
    ),
    "1.2": check_one_hot,
    "1.3": number(
        90_000,
        tolerance=0.001,
        hint="Solve sqrt(p (1 - p) / n) = 0.001 for n.",
        hints_for_wrong={
            900: "You took .1 for .1 points; a point is .01, so .1 points are .001.",
            300: "You forgot to square.",
        },
    ),
    "1.4": check_nearest_mean,
}
