"""The checks of the exercises: `check("2.1", answer)` says right, or not yet with a hint.

A check tries an answer on data of its own; it never prints the answer.
"""

from collections.abc import Callable

import numpy as np

_CHECKS: dict[str, Callable[[object], str]] = {}


def check(number: str, answer: object) -> None:
    """Print whether `answer` solves exercise `number`, with a hint if it doesn't yet."""
    if number not in _CHECKS:
        print(f"There is no exercise {number}; there are {', '.join(_CHECKS)}.")
    else:
        hint = hint_for(number, answer)
        print(f"Exercise {number}: " + (f"not yet. {hint}" if hint else "right!"))


def hint_for(number: str, answer: object) -> str:
    """The hint for a wrong `answer` to exercise `number`; an empty string if it is right."""

    def tried(*arguments: object) -> object:
        if (result := answer(*arguments)) is None:
            raise _Unanswered
        return result

    try:
        if answer is None:
            raise _Unanswered
        return _CHECKS[number](tried if callable(answer) else answer)
    except _Unanswered:
        return "There is no answer here."
    except Exception as error:  # the student's own code runs in here: anything may come out
        return f"Your answer stopped with {type(error).__name__}: {error}"


class _Unanswered(Exception):
    pass


def _exercise(number: str) -> Callable:
    def register(function: Callable[[object], str]) -> Callable[[object], str]:
        _CHECKS[number] = function
        return function

    return register


def _number(number: str, right: float, hint: str, tolerance: float = 1e-9, **wrong: str) -> None:
    """Register a check for one number; `wrong` maps "at_47" to the hint for an answer near 47."""

    def compare(answer: object) -> str:
        value = float(answer)
        if abs(value - right) <= tolerance * max(1, abs(right)):
            return ""
        for name, special in wrong.items():
            expected = float(name.removeprefix("at_").replace("_", "."))
            if abs(value - expected) <= 0.01 * abs(expected):
                return special
        return hint

    _CHECKS[number] = compare


def _tuple(number: str, right: tuple, hint: str) -> None:
    _CHECKS[number] = lambda answer: "" if tuple(answer) == right else hint


_rng = np.random.default_rng(0)

# Lesson 1: data
_number("1.1", 60_000 * 784 * 4 / 1e6, "Multiply images × pixels × bytes of one number; 1 MB is "
        "a million bytes.", 0.01, at_47="That is one byte a pixel, uint8. How many has float32?",
        at_376="That is eight bytes a pixel, float64. How many has float32?")  # fmt: skip


@_exercise("1.2")
def _one_hot(function: Callable) -> str:
    labels = np.array([3, 0, 9, 3])
    rows = np.asarray(function(labels))
    if rows.shape != (4, 10):
        return f"Four labels should give shape (4, 10); yours has {rows.shape}."
    if not (rows.sum(axis=1) == 1).all():
        return "Each row should hold a single 1 and nine 0s."
    return "" if (rows.argmax(axis=1) == labels).all() else "The 1 should stand at the label."


_number("1.3", 90_000, "Solve sqrt(p (1 - p) / n) = 0.001 for n.", 0.001,
        at_900="You took .1 for .1 points; a point is .01, so .1 points are .001.",
        at_300="You forgot to square.")  # fmt: skip


@_exercise("1.4")
def _nearest_mean(function: Callable) -> str:
    labels = np.repeat(np.arange(10), 6).astype("uint8")
    images = np.zeros((60, 28, 28), "uint8")
    images[np.arange(60), labels] = _rng.integers(150, 250, (60, 28))
    order = _rng.permutation(60)
    found = np.asarray(function(images[order], labels[order], images))
    if found.shape != (60,):
        return f"One label an image, please: shape (60,), not {found.shape}."
    if (found == labels).all():
        return ""
    return ("Some images went to a mean that is farther away. Watch out: differences of uint8 "
            "wrap around; convert to float first.")  # fmt: skip


# Lesson 2: the multilayer perceptron
_number("2.1", 79_510, "Each Dense layer has inputs × units weights, and units biases.",
        at_79400="Almost: every unit has a bias, too.",
        at_82646="There is no batch normalisation in this one.")  # fmt: skip


@_exercise("2.2")
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


_number("2.3", 4, "Compare, line by line, what happens to the training and to the test images.",
        at_1="Loading is fine.", at_2="This is as it should be. Is it done to both sets?",
        at_3="Training is fine.")  # fmt: skip


@_exercise("2.4")
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


# Lesson 3: 1-D convolutions
_tuple("3.1", (12, 64), "A kernel of 5 fits 28 - 5 + 1 times; pooling by 2 halves, rounding down.")
_number("3.2", 9_024, "One filter has kernel × features weights and a bias.",
        at_8960="Almost: every filter has a bias.", at_384="A kernel covers all 28 features of a "
        "row, not one.")  # fmt: skip
_number("3.3", float(np.log(1 + 9 / np.e)), "The second softmax gets at best one 1 and nine 0s. "
        "Work out what it makes of them, then take -log.", 0.005,
        at_2_3026="That is the loss of guessing; the best case is a little better.")  # fmt: skip


@_exercise("3.4")
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


# Lesson 4: 2-D convolutions
_tuple("4.1", (14, 14, 8), "With padding 'same' the size is 28 / stride, rounded up; the last "
       "number is that of the filters.")  # fmt: skip
_number("4.2", 10, "Go forward: every layer adds (kernel - 1) × the product of the strides so far.",
        at_8="You stopped before the last pooling.", at_5="Strides multiply: after a pooling of 2, "
        "a step is two pixels of the image.")  # fmt: skip


@_exercise("4.3")
def _batch_accuracy(function: Callable) -> str:
    value = float(function(np.array([32, 32, 2]), np.array([32, 32, 4])))
    if np.isclose(value, 66 / 68):
        return ""
    if np.isclose(value, (1 + 1 + 0.5) / 3):
        return "The last batch is smaller; its images must not count more than the others."
    return "How many were right, of how many in all?"


@_exercise("4.4")
def _max_pool(function: Callable) -> str:
    image = _rng.normal(size=(7, 6))
    expected = image[:6].reshape(3, 2, 3, 2).max(axis=(1, 3))
    found = np.asarray(function(image))
    if found.shape != (3, 3):
        return f"A 7 × 6 image gives 3 × 3 (the odd row is dropped), not {found.shape}."
    return "" if np.allclose(found, expected) else "Take the largest of each 2 × 2 block."


# Lesson 5: tuning
_number("5.1", 208_000, "Multiply the number of values of each of the eleven hyperparameters.",
        at_106496="0, .1, .2, .3, .4 are five values.",
        at_192000="128, 160, …, 512 are thirteen values.")  # fmt: skip
_number("5.2", 1 - 0.95**6, "Work out the chance that all six miss, first.", 0.005,
        at_0_3="Adding up six times 5 % counts double hits twice.",
        at_0_735="That is the chance that all six miss.")  # fmt: skip
_number("5.3", 3, "Which set may decide when to stop, and which must not decide anything?",
        at_1="The split is fine.", at_2="The callback is fine: it watches what fit gives it.",
        at_4="Measuring on the test set at the end is what it is for.")  # fmt: skip


@_exercise("5.4")
def _early_stopping(function: Callable) -> str:
    cases = (([5, 4, 3, 2], 2, 4), ([5, 4, 4.5, 4.2, 3], 2, 4), ([1, 2, 3, 4, 5], 3, 4),
             ([3, 2, 2, 2, 2], 2, 4))  # fmt: skip
    for losses, patience, epochs in cases:
        if (found := function(losses, patience)) != epochs:
            return (f"With losses {losses} and patience {patience}, yours trains {found} epochs. "
                    "Count the epochs since the last strictly better one.")  # fmt: skip
    return ""


# Lesson 6: augmentation
_number("6.1", 1 / 3, "Ten classes had one share each; now two of them have two.", 0.005,
        at_0_2="That is the share before.", at_0_4="The whole has grown, too.")  # fmt: skip


@_exercise("6.2")
def _class_weights(answer: dict) -> str:
    if sorted(answer) != list(range(10)):
        return "Give a dictionary with a weight for each class from 0 to 9."
    weights = np.array([answer[digit] for digit in range(10)], float)
    if np.allclose(weights / weights[0], [1, 1, 0.5, 1, 1, 1, 0.5, 1, 1, 1]):
        return ""
    return "Weight × number of images should be the same for every class."


_number("6.3", 3, "After which line does an image no longer stand beside its own label?",
        at_1="The copies are fine.", at_2="The copies get the labels of their originals: fine.",
        at_4="Fit takes what it gets.")  # fmt: skip


@_exercise("6.4")
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
