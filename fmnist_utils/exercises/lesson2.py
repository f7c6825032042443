"""The checks of lesson 2's exercises: the multilayer perceptron."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import function, number


def check_softmax(softmax: Callable) -> str:
    scores = np.array([[0.0, 1.0, 2.0], [3.0, 3.0, 3.0]])
    right = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    found = softmax(scores)
    if found.shape != scores.shape:
        return f"The shape should stay {scores.shape}, not {found.shape}."
    if not np.allclose(found.sum(axis=1), 1, atol=0.02):
        return "Each row should sum to 1: sum along axis 1 and keep the dimension."
    if not np.allclose(found, right, atol=0.05):
        return "Your rows sum to 1, but they aren't the shares of the exponentials."
    if not np.allclose(found, right):
        return "Very near, but not near enough. Do you round?"
    for rows, hint in (
        ([[1000, 1000]], "exp(1000) overflows. Subtract something from each row."),
        ([[1000, 999]], "scores of 1000 and 999 come out alike. Move scores, don't cut them off."),
        ([[0, 2000, 0]], "[0, 2000, 0] overflows, since too little is subtracted."),
        ([[2000, 1999], [1000, 999]], "a low row suffers from a high one. Treat each by itself."),
    ):
        scores = np.array(rows, float)
        moved = np.exp(scores - scores.max(axis=1, keepdims=True))
        if not np.allclose(softmax(scores), moved / moved.sum(axis=1, keepdims=True)):
            return f"Right for small numbers; {hint}"
    return ""


def check_cross_entropy(cross_entropy: Callable) -> str:
    labels = np.array([0, 9, 0, 4])
    rows = np.random.default_rng(24).uniform(0.1, 1, (4, 10))
    probabilities = rows / rows.sum(axis=1, keepdims=True)
    chosen = probabilities[np.arange(4), labels]
    surprises = -np.log(chosen)
    found = cross_entropy(labels, probabilities)
    for wrong, hint in (
        (surprises.mean(), ""),
        (surprises, "One number for the batch, please: the mean over its images."),
        (surprises.sum(), "That is the sum over the images; the loss is their mean."),
        (surprises.sum() / 40, "You divide by images × classes; the mean is over the images."),
        (-surprises.mean(), "Logarithms of probabilities are negative; the loss is not."),
        (-np.log(chosen.mean()), "First the logarithms, then their mean."),
        (surprises.mean() / np.log(2), "The logarithm is the natural one, not that to base 2."),
        (surprises.mean() / np.log(10), "The logarithm is the natural one, not that to base 10."),
        (-np.log(probabilities).mean(), "Only the probability at the label counts in each row."),
    ):
        if found.size == np.size(wrong) and np.allclose(found.ravel(), wrong):
            return hint
    if found.size != 1:
        return f"One number for the whole batch, please; yours has shape {found.shape}."
    return "Take, in each row, the probability at the label; then the mean of -log."


CHECKS: dict[str, Callable[[object], str]] = {
    "2.1": number(
        79_510,
        hint="Each Dense layer has inputs × units weights, and units biases.",
        hints_for_wrong={
            79_400: "Almost: every unit has a bias, too.",
            79_500: "The ten units of the last layer have biases, too.",
            79_410: "The hundred units of the first layer have biases, too.",
            79_402: "A layer has a bias for each unit, not one in all.",
            78_500: "That is the first layer. And the second?",
            82_646: "There is no batch normalisation in this one.",
        },
    ),
    "2.2": function(check_softmax, in_place=True),
    "2.3": number(
        4,
        hint="Compare, line by line, what happens to the training and to the test images.",
        hints_for_wrong={
            1: "Loading is fine.",
            2: "This is as it should be. Is it done to both sets?",
            3: "Training is fine.",
        },
    ),
    "2.4": function(check_cross_entropy),
}
