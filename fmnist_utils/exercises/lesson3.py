"""The checks of lesson 3's exercises: convolution in one dimension."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import number, shape


def check_conv1d(function: Callable) -> str:
    rng = np.random.default_rng(34)
    image, kernel = rng.normal(size=(7, 4)), rng.normal(size=(3, 4, 2))
    bias = np.array([10.0, -10.0])
    without_bias = np.stack([np.tensordot(image[i : i + 3], kernel, 2) for i in range(5)])
    right = without_bias + bias
    found = np.asarray(function(image, kernel, bias))
    if found.shape != (5, 2):
        return f"7 rows and a kernel of 3 give 5 steps, with 2 filters: (5, 2), not {found.shape}."
    if np.allclose(found, right):
        return ""
    if np.allclose(found, without_bias):
        return "Every filter adds its bias."
    return "At each step: multiply the rows under the kernel with it, sum over rows and features."


CHECKS: dict[str, Callable[[object], str]] = {
    "3.1": shape((12, 64), hint="A kernel of 5 fits 28 - 5 + 1 times; pooling by 2 halves that."),
    "3.2": number(
        9_024,
        hint="One filter has kernel × features weights and a bias.",
        hints_for_wrong={
            8_960: "Almost: every filter has a bias.",
            384: "A kernel covers all 28 features of a row, not one.",
        },
    ),
    "3.3": number(
        float(np.log(1 + 9 / np.e)),
        tolerance=0.005,
        hint="The second softmax gets at best one 1 and nine 0s. Work out what it makes of them, "
        "then take -log.",
        hints_for_wrong={
            2.3026: "That is the loss of guessing; the best case is a little better.",
        },
    ),
    "3.4": check_conv1d,
}
