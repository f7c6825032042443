"""The checks of lesson 6's exercises: augmentation."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import number


def check_class_weights(answer: dict) -> str:
    if sorted(answer) != list(range(10)):
        return "Give a dictionary with a weight for each class from 0 to 9."
    weights = np.array([answer[digit] for digit in range(10)], float)
    if np.allclose(weights / weights[0], [1, 1, 0.5, 1, 1, 1, 0.5, 1, 1, 1]):
        return ""
    return "Weight × number of images should be the same for every class."


def check_shift(function: Callable) -> str:
    images = np.random.default_rng(64).integers(1, 255, (3, 28, 28)).astype("uint8")
    found = np.asarray(function(images.copy(), 3))
    if found.shape != images.shape:
        return f"The shape should stay {images.shape}, not {found.shape}."
    if np.array_equal(found[..., :3], images[..., -3:]):
        return "What leaves on the right must not come back on the left."
    if found[..., :3].any():
        return "The free columns should be black (0)."
    right = np.array_equal(found[..., 3:], images[..., :-3])
    return "" if right else "Column 0 of the image should stand at column 3."


CHECKS: dict[str, Callable[[object], str]] = {
    "6.1": number(
        1 / 3,
        tolerance=0.005,
        hint="Ten classes had one share each; now two of them have two.",
        hints_for_wrong={
            0.2: "That is the share before.",
            0.4: "The whole has grown, too.",
        },
    ),
    "6.2": check_class_weights,
    "6.3": number(
        3,
        hint="After which line does an image no longer stand beside its own label?",
        hints_for_wrong={
            1: "The copies are fine.",
            2: "The copies get the labels of their originals: fine.",
            4: "Fit takes what it gets.",
        },
    ),
    "6.4": check_shift,
}
