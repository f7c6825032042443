"""The checks of lesson 2's exercises: the multilayer perceptron."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import number


def check_softmax(function: Callable) -> str:
    small = np.array([[0.0, 1.0, 2.0], [3.0, 3.0, 3.0]])
    right = np.exp(small) / np.exp(small).sum(axis=1, keepdims=True)
    if not np.allclose(function(small), right):
        return "Each row should sum to 1: sum along axis 1 and keep the dimension."
    with np.errstate(all="ignore"):
        large = np.asarray(function(np.array([[1000.0, 1000.0], [-1000.0, 0.0]])))
    if not np.allclose(large, [[0.5, 0.5], [0.0, 1.0]]):
        return "Right for small numbers; exp(1000) overflows. Subtract something from each row."
    return ""


def check_cross_entropy(function: Callable) -> str:
    labels = np.array([0, 1, 0])
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]])
    surprises = -np.log([0.7, 0.8, 0.25])
    found = float(function(labels, probabilities))
    if np.isclose(found, surprises.mean()):
        return ""
    if np.isclose(found, surprises.sum()):
        return "That is the sum over the images; the loss is their mean."
    if np.isclose(found, -surprises.mean()):
        return "Logarithms of probabilities are negative; the loss is not."
    return "Take, in each row, the probability at the label; then the mean of -log."


CHECKS: dict[str, Callable[[object], str]] = {
    "2.1": number(
        79_510,
        hint="Each Dense layer has inputs × units weights, and units biases.",
        hints_for_wrong={
            79_400: "Almost: every unit has a bias, too.",
            82_646: "There is no batch normalisation in this one.",
        },
    ),
    "2.2": check_softmax,
    "2.3": number(
        4,
        hint="Compare, line by line, what happens to the training and to the test images.",
        hints_for_wrong={
            1: "Loading is fine.",
            2: "This is as it should be. Is it done to both sets?",
            3: "Training is fine.",
        },
    ),
    "2.4": check_cross_entropy,
}
