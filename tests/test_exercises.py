"""Every exercise's check accepts the right answer and gives plausible wrong ones a fitting hint."""

import copy
import re
from pathlib import Path

import numpy as np
import pytest

from fmnist_utils.exercises import CHECKS, check, hint_for

LESSONS = sorted((Path(__file__).parent.parent / "notebooks").glob("0*.ipynb"))


def nearest_mean(x, y, images, kind="float32", axis=(2, 3)):
    means = np.stack([x[y == k].mean(axis=0) for k in range(10)]).astype(kind)
    return ((images[:, None].astype(kind) - means) ** 2).sum(axis=axis).argmin(axis=1)


def softmax(z, shift=True, axis=1):
    e = np.exp(z - z.max(axis=1, keepdims=True) * shift)
    return e / e.sum(axis=axis, keepdims=True)


def softmax_in_place(z):
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


def pick(y, p):
    return p[np.arange(len(y)), y]


def conv1d(x, k, b, with_bias=True, last=1):
    steps = [np.tensordot(x[t : t + len(k)], k, 2) for t in range(len(x) - len(k) + last)]
    return np.stack(steps) + b * with_bias


def pool(x, reduce=np.max, columns=2):
    r, c = x.shape[0] // 2, x.shape[1] // columns
    return reduce(x[: 2 * r, : columns * c].reshape(r, 2, c, columns), axis=(1, 3))


def stop(losses, patience, better=lambda loss, best: loss < best, restart=True):
    best, since = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        if better(loss, best):
            best, since = loss, 0 if restart else since
        else:
            since += 1
        if since >= patience:
            return epoch
    return len(losses)


def stop_emptying(losses, patience):
    best, since, epoch = float("inf"), 0, 0
    while losses and since < patience:
        loss, epoch = losses.pop(0), epoch + 1
        best, since = (loss, 0) if loss < best else (best, since + 1)
    return epoch


def shift(images, n, fill=0):
    out = np.full_like(images, fill)
    out[..., n:] = images[..., :-n]
    return out


def shift_in_place(images, n):
    images[..., n:] = images[..., :-n]
    images[..., :n] = 0
    return images


def majority(p, pick=np.argmax):
    votes = np.stack([(p == digit).sum(axis=0) for digit in range(10)])
    return pick(votes, axis=0)


def one_cycle(step, steps, peak, share=0.2):
    top = share * steps
    return peak * min(step / top, (steps - step) / (steps - top))


WEIGHTS = {k: 0.5 if k in (2, 6) else 1.0 for k in range(10)}
RIGHT = {
    "1.1": 188.16,
    "1.2": lambda y: np.eye(10)[y],
    "1.3": 90_000,
    "1.4": nearest_mean,
    "2.1": 79_510,
    "2.2": softmax,
    "2.3": 4,
    "2.4": lambda y, p: -np.log(pick(y, p)).mean(),
    "3.1": (12, 64),
    "3.2": 9_024,
    "3.3": np.log(1 + 9 / np.e),
    "3.4": conv1d,
    "4.1": (14, 14, 8),
    "4.2": 10,
    "4.3": lambda right, size: right.sum() / size.sum(),
    "4.4": pool,
    "5.1": 208_000,
    "5.2": 1 - 0.95**6,
    "5.3": 3,
    "5.4": stop,
    "6.1": 1 / 3,
    "6.2": WEIGHTS,
    "6.3": 3,
    "6.4": shift,
    "7.1": 0.2236,
    "7.2": 1 - 0.95**20,
    "7.3": 2,
    "7.4": majority,
    "8.1": 8_128_512,
    "8.2": 2,
    "8.3": 2,
    "8.4": one_cycle,
}
IN_PLACE = {"2.2": softmax_in_place, "5.4": stop_emptying, "6.4": shift_in_place}
FUNCTIONS = [number for number, answer in RIGHT.items() if callable(answer)]
# number: wrong answers, each with words that tell its hint from the check's others
WRONG = {
    "1.1": [
        (47.04, "That is one byte"),
        (376.32, "That is eight bytes"),
        (188_160_000, "Multiply images × pixels × bytes"),
    ],
    "1.2": [
        (lambda y: np.eye(10)[y].T, "yours has (10, 4)."),
        (lambda y: np.ones((len(y), 10)), "Each row should hold a single 1"),
        (lambda y: np.eye(10)[y - 1], "The 1 should stand at the label."),
    ],
    "1.3": [(900, "You took .1"), (300, "You forgot to square."), (90, "Solve sqrt(")],
    "1.4": [
        (lambda x, y, i: nearest_mean(x, y, i, "uint8"), "a mean that is farther away"),
        (lambda x, y, i: np.zeros(len(i)), "a mean that is farther away"),
        (lambda x, y, i: np.zeros((60, 10)), "shape (60,), not (60, 10)."),
    ],
    "2.1": [
        (79_400, "Almost: every unit has a bias"),
        (82_646, "There is no batch normalisation"),
        (784 * 100, "Each Dense layer has"),
    ],
    "2.2": [
        (lambda z: softmax(z, shift=False), "Right for small numbers"),
        (lambda z: softmax(z, axis=0), "Each row should sum to 1"),
        (lambda z: z / z.sum(axis=1, keepdims=True), "Each row should sum to 1"),
    ],
    "2.3": [
        (1, "Loading is fine."),
        (2, "This is as it should be."),
        (3, "Training is fine."),
        (5, "Compare, line by line"),
    ],
    "2.4": [
        (lambda y, p: -np.log(pick(y, p)).sum(), "That is the sum"),
        (lambda y, p: np.log(pick(y, p)).mean(), "Logarithms of probabilities are negative"),
        (lambda y, p: -np.log10(pick(y, p)).mean(), "Take, in each row"),
        (lambda y, p: -np.log(p).mean(), "Take, in each row"),
    ],
    "3.1": [(wrong, "A kernel of 5 fits") for wrong in ((14, 64), (24, 64), (12, 28))],
    "3.2": [
        (8_960, "Almost: every filter has a bias."),
        (384, "A kernel covers all 28 features"),
        (320, "One filter has kernel × features"),
    ],
    "3.3": [
        (np.log(10), "That is the loss of guessing"),
        (0.0, "The second softmax gets"),
        (np.e / (np.e + 9), "The second softmax gets"),
    ],
    "3.4": [
        (lambda x, k, b: conv1d(x, k, b, with_bias=False), "Every filter adds its bias."),
        (lambda x, k, b: conv1d(x, k, b, last=0), "7 rows and a kernel of 3 give 5 steps"),
        (lambda x, k, b: conv1d(x, k[::-1], b), "At each step: multiply the rows"),
    ],
    "4.1": [(wrong, "With padding 'same'") for wrong in ((12, 12, 8), (28, 28, 8), (14, 14, 1))],
    "4.2": [(8, "You stopped before"), (5, "Strides multiply"), (6, "Every layer adds")],
    "4.3": [
        (lambda right, size: (right / size).mean(), "The last batch is smaller"),
        (lambda right, size: right.sum(), "How many were right"),
    ],
    "4.4": [
        (lambda x: pool(x, np.mean), "Take the largest"),
        (lambda x: pool(x, columns=1), "A 7 × 6 image gives 3 × 3"),
        (lambda x: x[: 2 * (len(x) // 2) : 2, ::2], "Take the largest"),
    ],
    "5.1": [
        (106_496, "0, .1, .2, .3, .4 are five values."),
        (192_000, "128, 160, …, 512 are thirteen values."),
        (11, "Multiply the numbers of values"),
        (1_024, "Multiply the numbers of values"),
    ],
    "5.2": [
        (0.3, "Adding up six times"),
        (0.95**6, "That is the chance that all six miss."),
        (0.05**6, "Work out the chance"),
    ],
    "5.3": [
        (1, "The split is fine."),
        (2, "The callback is fine"),
        (4, "Measuring on the test set"),
        (5, "Which set may decide"),
    ],
    "5.4": [
        (lambda v, p: stop(v, p, restart=False), "[3, 4, 2, 4, 1] and patience 2"),
        (lambda v, p: stop(v, p + 1), "[5, 4, 4.5, 4.2, 3] and patience 2"),
        (lambda v, p: stop_emptying(v, p + 1), "[5, 4, 4.5, 4.2, 3] and patience 2"),
        (
            lambda v, p: stop(v, p, better=lambda loss, best: loss <= best),
            "[3, 2, 2, 2, 2] and patience 2, yours trains 5 epochs.",
        ),
    ],
    "6.1": [
        (0.2, "That is the share before."),
        (0.4, "The whole has grown, too."),
        (2 / 12, "Ten classes had one share each"),
    ],
    "6.2": [
        ({k: 1.0 for k in range(10)}, "Weight × number of images"),
        ({k: 1 / w for k, w in WEIGHTS.items()}, "Weight × number of images"),
        ({2: 0.5, 6: 0.5}, "Give a dictionary"),
    ],
    "6.3": [
        (1, "The copies are fine."),
        (2, "The copies get the labels"),
        (4, "Fit takes what it gets."),
        (5, "After which line"),
    ],
    "6.4": [
        (lambda x, n: np.roll(x, n, axis=2), "What leaves on the right"),
        (lambda x, n: np.roll(x, n, axis=1), "The free columns should be black"),
        (lambda x, n: shift(x, n, fill=255), "The free columns should be black"),
        (lambda x, n: x[..., :-n], "(3, 28, 28), not (3, 28, 25)."),
        (lambda x, n: shift(x, n + 1), "Column 0 of the image"),
    ],
    "7.1": [
        (0.286, "That is the error of one model's accuracy."),
        (0.405, "That would be so if each"),
        (0.0022, "In points, please"),
        (0.002236, "Of 10,000 differences"),
        (500, "Of 10,000 differences"),
    ],
    "7.2": [
        (1.0, "Adding up twenty times"),
        (0.95**20, "That is the chance that all stay silent."),
        (0.05, "Work out the chance"),
    ],
    "7.3": [
        (1, "Training is fine."),
        (3, "The average is fine"),
        (4, "Measuring on the test set"),
        (5, "At which step"),
    ],
    "7.4": [
        (lambda p: p, "shape (3,), not (3, 3)."),
        (lambda p: majority(p.T), "[[1, 2, 3], [1, 2, 4], [5, 2, 4]], one member a row"),
        (lambda p: np.round(p.mean(axis=0)), "[[1, 2, 3], [1, 2, 4], [5, 2, 4]], one member a row"),
        (lambda p: np.median(p, axis=0), "[[7, 3], [2, 8]], one member a row"),
        (lambda p: p.max(axis=0), "[[1, 2, 3], [1, 2, 4], [5, 2, 4]], one member a row"),
        (lambda p: 9 - majority(9 - p), "[[7, 3], [2, 8]], one member a row"),
    ],
    "8.1": [
        (41_472, "Those are the weights"),
        (169_344, "Each new map looks at all 48"),
        (84_672, "Each of the 96 new maps"),
        (32_514_048, "Each of the 3 × 3 × 48 × 96 weights"),
    ],
    "8.2": [
        (3, "Only the convolutions get faster"),
        (4 / 3, "How many seconds"),
        (1.5, "How many seconds"),
    ],
    "8.3": [
        (1, "That call isn't timed."),
        (3, "The new model has been called before"),
        (4, "The ratio is the right way round."),
        (5, "A model's first call compiles."),
    ],
    "8.4": [
        (lambda step, steps, peak: one_cycle(step, steps, peak, share=0.5), "not 0.4."),
        (lambda step, steps, peak: peak * (1 - step / steps), "step 0 has 0.0, not 2."),
        (lambda step, steps, peak: peak * min(step / 10, (steps - step) / 40), "Right for 50"),
        (lambda step, steps, peak: min(step / 10, (50 - step) / 40), "step 5 has 1.0, not 0.5."),
    ],
}


def test_every_exercise_is_here():
    assert set(RIGHT) == set(WRONG) == set(CHECKS)
    assert min(map(len, WRONG.values())) >= 2


def test_the_lessons_ask_for_every_check():
    text = "".join(path.read_text("utf-8") for path in LESSONS)
    asked = re.findall(r'exercises\.check\(\\"([\d.]+)\\"', text)
    assert list(dict.fromkeys(asked)) == list(CHECKS)


@pytest.mark.parametrize(("number", "answer"), [*RIGHT.items(), *IN_PLACE.items()])
def test_right(number, answer):
    assert hint_for(number, answer) == ""
    assert hint_for(number, answer) == "", "the second time"


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [(number, *wrong) for number, several in WRONG.items() for wrong in several],
)
def test_wrong(number, answer, words):
    hint = hint_for(number, answer)
    assert hint.startswith("not yet. ")
    assert words in hint


@pytest.mark.parametrize("number", FUNCTIONS)
def test_an_answer_may_spoil_what_it_was_given(number):
    def spoiling(*arguments):
        result = RIGHT[number](*arguments)
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument.fill(0)
            elif isinstance(argument, list):
                argument.clear()
        return result

    assert hint_for(number, spoiling) == ""


def test_the_order_of_calls_does_not_matter():
    def data_of(number):
        given = []

        def answer(*arguments):
            given.append(copy.deepcopy(arguments))
            return RIGHT[number](*arguments)

        hint_for(number, answer)
        return given

    forwards = {number: data_of(number) for number in FUNCTIONS}
    backwards = {number: data_of(number) for number in reversed(FUNCTIONS)}
    np.testing.assert_equal(backwards, forwards)


@pytest.mark.parametrize("number", RIGHT)
def test_unanswered(number):
    assert hint_for(number, None) == "no answer yet."


@pytest.mark.parametrize("number", FUNCTIONS)
def test_unfinished_and_broken(number):
    assert hint_for(number, lambda *_: None) == "no answer yet."
    assert "ZeroDivisionError: division by zero" in hint_for(number, lambda *_: 1 / 0)


def test_check_prints(capsys):
    check("2.1", 79_510)
    check("2.1", 1)
    check("9.9", 1)
    right, wrong, unknown = capsys.readouterr().out.splitlines()
    assert right == "Exercise 2.1: right!"
    assert wrong.startswith("Exercise 2.1: not yet. ")
    assert "no exercise 9.9" in unknown
