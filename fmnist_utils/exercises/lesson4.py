"""The checks of lesson 4's exercises: convolution in two dimensions."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import number, shape


def check_accuracy(function: Callable) -> str:
    found = float(function(np.array([32, 32, 2]), np.array([32, 32, 4])))
    if np.isclose(found, 66 / 68):
        return ""
    if np.isclose(found, (1 + 1 + 0.5) / 3):
        return "The last batch is smaller; its images must not count more than the others."
    return "How many were right, of how many in all?"


def check_max_pool(function: Callable) -> str:
    image = np.random.default_rng(44).normal(size=(7, 6))
    right = image[:6].reshape(3, 2, 3, 2).max(axis=(1, 3))
    found = np.asarray(function(image))
    if found.shape != (3, 3):
        return f"A 7 × 6 image gives 3 × 3 (the odd row is dropped), not {found.shape}."
    return "" if np.allclose(found, right) else "Take the largest of each 2 × 2 block."


CHECKS: dict[str, Callable[[object], str]] = {
    "4.1": shape(
        (14, 14, 8), hint="With padding 'same' the size is 28 / stride; then the filters."
    ),
    "4.2": number(
        10,
        hint="Every layer adds (kernel - 1) × the product of the strides so far.",
        hints_for_wrong={
            8: "You stopped before the last pooling.",
            5: "Strides multiply: after a pooling of 2, a step is two pixels of the image.",
        },
    ),
    "4.3": check_accuracy,
    "4.4": check_max_pool,
}
