"""One check for each exercise: a function from the answer to a hint ("": the answer is right)."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercise_numbers import NUMBERS, number_check

_rng = np.random.default_rng(0)

def _one_hot(function: Callable) -> str:
    labels = np.array([3, 0, 9, 3])
    rows = np.asarray(function(labels))
    if rows.shape != (4, 10):
        return f"Four labels should give shape (4, 10); yours has {rows.shape}."
    if not (rows.sum(axis=1) == 1).all():
        return "Each row should hold a single 1 and nine 0s."
    return "" if (rows.argmax(axis=1) == labels).all() else "The 1 should stand at the label."


def _nearest_mean(function: Callable) -> str:
    labels = np.repeat(np.arange(10), 6).astype("uint8")
    patterns, noise = _rng.integers(60, 190, (10, 28, 28)), _rng.integers(-60, 60, (60, 28, 28))
    images = (patterns[labels] + noise).astype("uint8")
    order = _rng.permutation(60)
    found = np.asarray(function(images[order], labels[order], images))
    if found.shape != (60,):
        return f"One label an image, please: shape (60,), not {found.shape}."
    if (found == labels).all():
        return ""
    return (
        "Some images went to a mean that is farther away. Watch out: differences of uint8 "
        "wrap around; convert to float first."
    )


def _softmax(function: Callable) -> str:
    small = np.array([[0.0, 1.0, 2.0], [3.0, 3.0, 3.0]])
    expected = np.exp(small) / np.exp(small).sum(axis=1, keepdims=True)
    if not np.allclose(function(small), expected):
        return "Each row should sum to 1: sum along axis 1 and keep the dimension."
    with np.errstate(all="ignore"):
        large = np.asarray(function(np.array([[1000.0, 1000.0], [-1000.0, 0.0]])))
    if not np.allclose(large, [[0.5, 0.5], [0.0, 1.0]]):
        return "Right for small numbers; exp(1000) overflows. Subtract something from each row."
    return ""


def _cross_entropy(function: Callable) -> str:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]])
    labels = np.array([0, 1, 0])
    expected = -np.log([0.7, 0.8, 0.25])
    value = float(function(labels, probabilities))
    if np.isclose(value, expected.mean()):
        return ""
    if np.isclose(value, expected.sum()):
        return "That is the sum over the images; the loss is their mean."
    if np.isclose(value, -expected.mean()):
        return "Logarithms of probabilities are negative; the loss is not."
    return "Take, in each row, the probability at the label; then the mean of -log."


def _conv1d(function: Callable) -> str:
    image, kernel = _rng.normal(size=(7, 4)), _rng.normal(size=(3, 4, 2))
    bias = np.array([10.0, -10.0])
    expected = np.stack([np.tensordot(image[i : i + 3], kernel, 2) for i in range(5)])
    found = np.asarray(function(image, kernel, bias))
    if found.shape != (5, 2):
        return f"7 rows and a kernel of 3 give 5 steps, with 2 filters: (5, 2), not {found.shape}."
    if np.allclose(found, expected):
        return "Every filter adds its bias."
    if np.allclose(found, expected + bias):
        return ""
    return "At each step: multiply the rows under the kernel with it, sum over rows and features."


def _batch_accuracy(function: Callable) -> str:
    value = float(function(np.array([32, 32, 2]), np.array([32, 32, 4])))
    if np.isclose(value, 66 / 68):
        return ""
    if np.isclose(value, (1 + 1 + 0.5) / 3):
        return "The last batch is smaller; its images must not count more than the others."
    return "How many were right, of how many in all?"


def _max_pool(function: Callable) -> str:
    image = _rng.normal(size=(7, 6))
    expected = image[:6].reshape(3, 2, 3, 2).max(axis=(1, 3))
    found = np.asarray(function(image))
    if found.shape != (3, 3):
        return f"A 7 × 6 image gives 3 × 3 (the odd row is dropped), not {found.shape}."
    return "" if np.allclose(found, expected) else "Take the largest of each 2 × 2 block."


def _early_stopping(function: Callable) -> str:
    cases = (
        ([5, 4, 3, 2], 2, 4),
        ([5, 4, 4.5, 4.2, 3], 2, 4),
        ([1, 2, 3, 4, 5], 3, 4),
        ([3, 2, 2, 2, 2], 2, 4),
        ([3, 4, 2, 4, 1], 2, 5),
    )
    for losses, patience, epochs in cases:
        if (found := function(losses, patience)) != epochs:
            return (
                f"With losses {losses} and patience {patience}, yours trains {found} epochs. "
                "Count the epochs since the last strictly better one."
            )
    return ""


def _class_weights(answer: dict) -> str:
    if sorted(answer) != list(range(10)):
        return "Give a dictionary with a weight for each class from 0 to 9."
    weights = np.array([answer[digit] for digit in range(10)], float)
    if np.allclose(weights / weights[0], [1, 1, 0.5, 1, 1, 1, 0.5, 1, 1, 1]):
        return ""
    return "Weight × number of images should be the same for every class."


def _shift_right(function: Callable) -> str:
    images = _rng.integers(1, 255, (3, 28, 28)).astype("uint8")
    found = np.asarray(function(images, 3))
    if found.shape != images.shape:
        return f"The shape should stay {images.shape}, not {found.shape}."
    if np.array_equal(found[..., :3], images[..., -3:]):
        return "What leaves on the right must not come back on the left."
    if found[..., :3].any():
        return "The free columns should be black (0)."
    right = np.array_equal(found[..., 3:], images[..., :-3])
    return "" if right else "Column 0 of the image should stand at column 3."


def _majority(function: Callable) -> str:
    for predictions, right in (
        ([[1, 2, 3], [1, 2, 4], [5, 2, 4]], [1, 2, 4]),
        ([[9, 9], [0, 9], [9, 0]], [9, 9]),
        ([[7, 3], [2, 8]], [2, 3]),
    ):
        found = np.asarray(function(np.array(predictions)))
        if found.shape != (len(right),):
            return f"{len(right)} images should give shape ({len(right)},), not {found.shape}."
        if not np.array_equal(found, right):
            return f"For the predictions {predictions}, one member a row, yours says {list(found)}."
    return ""


def _one_cycle(function: Callable) -> str:
    for step, right in ((0, 0.0), (5, 1.0), (10, 2.0), (30, 1.0), (50, 0.0)):
        if not np.isclose(found := float(function(step, 50, 2.0)), right):
            return f"Of 50 steps, with a peak of 2, step {step} has {right}, not {found:.3g}."
    if not np.isclose(function(4, 100, 1.0), 0.2):
        return "Right for 50 steps; the rise should always take a fifth of them."
    return ""


def _shape(right: tuple, hint: str) -> Callable[[object], str]:
    return lambda answer: "" if tuple(answer) == right else hint


CHECKS: dict[str, Callable[[object], str]] = {
    number: number_check(*facts) for number, facts in NUMBERS.items()
} | {
    "3.1": _shape((12, 64), "A kernel of 5 fits 28 - 5 + 1 times; pooling by 2 halves that."),
    "4.1": _shape((14, 14, 8), "With padding 'same' the size is 28 / stride; then the filters."),
    "1.2": _one_hot, "1.4": _nearest_mean, "2.2": _softmax, "2.4": _cross_entropy,
    "3.4": _conv1d, "4.3": _batch_accuracy, "4.4": _max_pool, "5.4": _early_stopping,
    "6.2": _class_weights, "6.4": _shift_right, "7.4": _majority, "8.4": _one_cycle,
}  # fmt: skip
