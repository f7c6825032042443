"""Every exercise's check accepts the right answer and gives plausible wrong ones a fitting hint."""

import ast
import copy
import math
import re
from collections import Counter, OrderedDict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fmnist_utils.exercises import CHECKS, check, hint_for
from fmnist_utils.exercises.value import function

LESSONS = sorted((Path(__file__).parent.parent / "notebooks").glob("0*.ipynb"))


def one_hot_loop(labels):
    rows = [[0] * 10 for _ in labels]
    for row, label in zip(rows, labels, strict=True):
        row[label] = 1
    return rows


def nearest_mean(x, y, images, kind="float32", distance=np.square):
    means = np.stack([x[y == k].mean(axis=0) for k in range(10)]).astype(kind)
    return distance(images[:, None].astype(kind) - means).sum(axis=(2, 3)).argmin(axis=1)


def nearest_image(x, y, images):
    return [y[((x - image.astype(float)) ** 2).sum(axis=(1, 2)).argmin()] for image in images]


def exp_shares(z, axis=1):
    return np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


def softmax(z, shift=lambda z: z.max(axis=1, keepdims=True)):
    return exp_shares(z - shift(z))


def conv1d(x, k, b, stride, with_bias=True, last=1):
    starts = np.arange(0, len(x) - len(k) + last, stride)
    return np.stack([np.tensordot(x[t : t + len(k)], k, 2) for t in starts]) + b * with_bias


def pool(x, reduce=np.max, columns=2):
    r, c = x.shape[0] // 2, x.shape[1] // columns
    return reduce(x[: 2 * r, : columns * c].reshape(r, 2, c, columns), axis=(1, 3))


def pool_stacked(x):  # stops at an image of one row, as Keras does
    pairs = [np.maximum(x[i], x[i + 1]) for i in range(0, len(x) - 1, 2)]
    return np.stack([[max(row[i : i + 2]) for i in range(0, len(row) - 1, 2)] for row in pairs])


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


def stop_without_end(losses, patience):
    return epoch if (epoch := stop(losses, patience)) < len(losses) else None


def shift(images, n, fill=0):
    out = np.full_like(images, fill)
    out[..., n:] = images[..., : 28 - n]
    return out


def shift_from_the_end(images, n):
    out = np.zeros_like(images)
    out[..., n:] = images[..., :-n]
    return out


def shift_in_place(images, n):
    images[:] = np.roll(images, n, axis=2)
    images[..., :n] = 0


def majority(p):
    return np.stack([(p == digit).sum(axis=0) for digit in range(10)]).argmax(axis=0)


def majority_first_seen(p):
    return [Counter(column.tolist()).most_common(1)[0][0] for column in p.T]


def one_cycle(step, steps, peak, share=0.2):
    top = share * steps
    return peak * min(step / top, (steps - step) / (steps - top))


def cosine_cycle(step, steps, peak):
    top = steps / 5
    if step < top:
        return peak * step / top
    return peak * (1 + np.cos(np.pi * (step - top) / (steps - top))) / 2


def step_by_trying(W, x, y, rate):
    """The gradient by changing each weight a little."""

    def loss(W):
        return -(y * np.log(softmax(x @ W))).sum(axis=1).mean()

    slope, h = np.zeros_like(W), 1e-5
    for place in np.ndindex(W.shape):
        up, down = W.copy(), W.copy()
        up[place] += h
        down[place] -= h
        slope[place] = (loss(up) - loss(down)) / (2 * h)
    return W - rate * slope


def step_in_place(W, x, y, rate):
    W -= rate * x.T @ (softmax(x @ W) - y) / len(x)


def mostly_right(wrong):
    """The classes of the last 500 digits, so many of them wrong."""
    classes = DIGITS[-500:].copy()
    classes[:wrong] = (classes[:wrong] + 1) % 10
    return classes


def first_500(right):
    """The classes of the first 500 digits, so many of them right."""
    return np.r_[DIGITS[:right], (DIGITS[right:500] + 1) % 10]


def softmax_outputs(images, sharper=1.0):
    return softmax(sharper * np.random.default_rng(35).normal(size=(images, 10)))


def one_row(outputs, row):
    outputs[7] = row
    return outputs


def never_the_first(outputs):
    outputs[:, 0] = 0
    return outputs / outputs.sum(axis=1, keepdims=True)


def through_tanh(x, W, b, d, slope):
    return x.T @ (d * slope(np.tanh(x @ W + b)))


def selective(outputs, labels, threshold, at_least=np.greater_equal):
    answered = at_least(outputs.max(axis=1), threshold)
    return answered.mean(), (outputs.argmax(axis=1) == labels)[answered].mean()


DIGITS = load_digits().target
# Right or wrong, four seeds of one way and three of another, whose verdicts leave no doubt: 19 in
# 20 against every second, and two draws of the same.
DRAW = np.random.default_rng(0).random((7, 400))
BETTER, WORSE = DRAW[:4] < 0.95, DRAW[4:] < 0.5
ALIKE = (DRAW[:3] < 0.8, DRAW[3:6] < 0.8)
WEIGHTS = {k: 0.5 if k in (2, 6) else 1.0 for k in range(10)}
RIGHT = {
    "1.1": 188.16,
    "1.2": lambda y: np.eye(10)[y],
    "1.3": 90_000,
    "1.4": nearest_mean,
    "1.5": 2,
    "1.6": 0.956,
    "2.1": 79_510,
    "2.2": lambda W, x, y, rate: W - rate * x.T @ (softmax(x @ W) - y) / len(x),
    "2.3": lambda x, W, b, d: x.T @ (d / np.cosh(x @ W + b) ** 2),
    "2.4": 4,
    "2.5": 8,
    "2.6": mostly_right(30),
    "3.1": (12, 64),
    "3.2": 9_024,
    "3.3": np.log(1 + 9 / np.e),
    "3.4": conv1d,
    "3.5": softmax_outputs(200, sharper=3),
    "3.6": lambda images: images.transpose(0, 2, 1).copy(),
    "4.1": (14, 14, 8),
    "4.2": 14,
    "4.3": lambda right, size: right.sum() / size.sum(),
    "4.4": pool,
    "4.5": 2,
    "4.6": 650,
    "5.1": 208_000,
    "5.2": 1 - 0.95**6,
    "5.3": 3,
    "5.4": stop,
    "6.1": 8 / 16,
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
    "9.1": 108.82,
    "9.2": 4,
    "9.3": lambda outputs, labels, threshold: selective(outputs, labels, threshold),
    "9.4": 0.93,
}
EXPERIMENTS = ("5.5", "5.6", "6.5", "6.6", "7.5", "7.6", "8.5", "8.6", "9.5", "9.6")
RIGHT |= {number: (BETTER, WORSE, "helps") for number in EXPERIMENTS}
RIGHT = {number: RIGHT[number] for number in sorted(RIGHT)}


class Tensor:
    """What tensors of TensorFlow, Keras and PyTorch have in common."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values.astype(dtype or self.values.dtype)

    def __float__(self):
        return float(self.values)

    def __int__(self):
        return int(self.values)


FORMS = {
    "list": lambda value: np.asarray(value).tolist(),
    "tuple": lambda value: tuple(value) if np.ndim(value) else value,
    "float32": lambda value: np.asarray(value, "float32"),
    "float64": lambda value: np.asarray(value, "float64"),
    "tensor": Tensor,
    "list of tensors": lambda value: [Tensor(v) for v in np.atleast_1d(value)],
    "object": lambda value: np.asarray(value, object),
}
# number: right answers of other forms than those
ALSO_RIGHT = {
    "1.1": [188, 188.2, 190, np.float32(188.16)],
    "1.2": [one_hot_loop, lambda y: y[:, None] == np.arange(10)],
    "1.3": [90_000.00000000001, 9e4],
    "1.4": [lambda a, b, c, kind="float64": nearest_mean(a, b, c, kind).astype("uint8")],
    "1.6": [95.6, 0.96, 96],
    "2.1": [np.uint32(79_510)],
    "2.2": [
        step_by_trying,
        step_in_place,
        lambda W, x, y, rate: step_by_trying(W, x, y, rate).round(4),
        lambda W, x, y, rate: (W.astype("f") - rate * x.T @ (softmax(x @ W) - y) / 5).tolist(),
    ],
    "2.3": [lambda x, W, b, d: through_tanh(x, W, b, d, lambda h: (1 - h) * (1 + h))],
    "2.5": [7, 9.5, 10],
    "2.6": [mostly_right(1), mostly_right(60), mostly_right(20).astype("float32")],
    "3.1": [(12.0, 64.0)],
    "3.3": [1.46, 1.461, 1.4612, 1.5],
    "3.4": [
        lambda x, k, b, s: conv1d(x.astype("float32"), k.astype("float32"), b, s).tolist(),
        lambda x, k, b, s: conv1d(x, k, b, 1)[::s].round(2),
    ],
    "3.5": [
        softmax_outputs(30, sharper=2),
        softmax_outputs(200, sharper=3).round(2),
        softmax_outputs(200, sharper=1.2),  # its largest is .363 on average
        1.05 * softmax_outputs(200, sharper=3),
        never_the_first(softmax_outputs(200, sharper=3)),
    ],
    "3.6": [
        lambda images: images.swapaxes(1, 2).round(4),
        lambda images: np.rot90(images, axes=(1, 2)),
        lambda images: np.rot90(images, -1, axes=(1, 2)),
        lambda images: np.stack(
            [[list(column) for column in zip(*x, strict=True)] for x in images]
        ),
        lambda images: np.einsum("nrc->ncr", images)[:, ::-1, ::-1],
    ],
    "4.2": [(14, 14), [14, 14], np.array([14])],
    "4.3": [
        lambda right, size: 100 * right.sum() / size.sum(),
        lambda a, b: round(sum(a) / sum(b), 2),
        lambda right, size: 97.06,
        lambda right, size: np.average(right / size, weights=size),
    ],
    "4.4": [pool_stacked, lambda x: np.array(pool(x)).tolist()],
    "5.2": [26.5, 26, 26.49, 0.26, 0.265, np.float32(0.2649)],
    "5.4": [stop_emptying, lambda v, p, verbose=False: np.int64(stop(np.array(v), p))],
    "6.1": [50, 50.0, Fraction(1, 2)],
    "6.2": [
        {np.int64(k): np.float32(w) for k, w in WEIGHTS.items()},
        {k: 2 * w for k, w in reversed(WEIGHTS.items())},
        {k: 5 / 6 * w * 1.2 for k, w in WEIGHTS.items()},
        Counter({k: int(2 * w) for k, w in WEIGHTS.items()}),
        OrderedDict(WEIGHTS),
        {k: 0.4167 if w < 1 else 0.8333 for k, w in WEIGHTS.items()},
    ],
    "6.4": [
        shift_in_place,
        lambda images, pixels: np.pad(images, ((0, 0), (0, 0), (pixels, 0)))[..., :28],
        lambda images, pixels: shift(images, pixels).astype("float32"),
    ],
    "7.1": [0.22, 0.224, 0.2236, 0.22360679],
    "7.2": [64.2, 64, 64.15, 0.64, 0.642],
    "7.4": [lambda p: [np.bincount(column).argmax() for column in p.T]],
    "8.1": [8_128_512.0, 8.13e6, 8.1e6],
    **{
        number: [
            (WORSE, BETTER, "harms"),
            [*ALIKE, "undecided"],
            (BETTER.astype(int), WORSE.tolist(), " Helps"),
        ]
        for number in EXPERIMENTS
    },
    "9.1": [109, 108.8, 110],
    "9.3": [lambda o, y, t: list(selective(o, y, t))],
    "9.4": [93, 0.93000001, 92.99],
    "8.4": [
        lambda now, total, peak: np.interp(now, [0, total / 5, total], [0, peak, 0]),
        lambda now, total, peak: one_cycle(now, total, peak) + 1e-7,
    ],
}
FUNCTIONS = [number for number, answer in RIGHT.items() if callable(answer)]
# number: wrong answers, each with words that tell its hint from the check's others
WRONG_VALUES = {
    "1.1": "47.04: That is one byte | 376.32: That is eight bytes | 179.44: units of 2²⁰ bytes | "
    "188160000: Those are bytes. | 0.188: in gigabytes | 219.52: The test images are not | "
    "0.003136: Multiply images × pixels × bytes",
    "1.3": "900: a whole point | 9: A point is .01 | 300: the square root of n | 90: has to be "
    "squared | 900000: variance of one answer | 345744: half a 95 % interval | 360000: two "
    "standard errors | 10000: Solve sqrt(",
    "1.5": "1: A random order is | 3: That cuts images and labels | 4: That cuts images and labels "
    "| 5: After which line does an image",
    "1.6": "0.962: does best on the test set | 0.968: does best on the test set | 0.973: by which "
    "you chose | 478: of how many? | 0.95: First 1,000 to learn from",
    "2.1": "79400: Almost: every unit has a bias | 79500: The ten units of the last layer | 79410: "
    "The hundred units of the first | 79402: not one in all | 78500: That is the first layer. | "
    "82646: There is no batch normalisation | 78400: Each Dense layer has",
    "2.4": "1: Loading is fine. | 2: This is as it should be. | 3: Training is fine. | 5: Compare, "
    "line by line | [2, 4]: This should be one number; yours has shape (2,).",
    "2.5": "0.08: That is the learning rate; by | 0.125: The learning rate has to be raised | 1: "
    "they got less far | 0.01: of the small batches | 16: gives one loss a batch | 12: one loss a "
    "batch | 4: How many times | 10.6: one loss a batch | 17.4: one loss a batch | 0.061: That is "
    "the learning rate; by | 0.101: has to be raised | 0.0076: of the small batches",
    "3.1": "(24, 64): before the pooling | (14, 64): Without padding | (12, 28): up to the filters "
    "| (12, 32): Pooling goes along the steps | (64, 12): First the steps | (12, 12, 64): in one "
    "direction only | (12,): And the features? | (None, 12, 64): Leave the batch out. | (1, 12, "
    "28): up to the filters | (13, 64): A kernel of 5 fits | 768: a tuple with one number a "
    "dimension",
    "3.2": "8960: Almost: every filter has a bias. | 8961: a bias of its own | 384: A kernel "
    "covers all 28 features of a row, not one. | 320: features of a row, and every filter has a "
    "bias | 141: That is one filter | 1664: A 1-D kernel isn't 5 × 5 | 9000: One filter has kernel "
    "× features",
    "3.3": "2.3026: That is the loss of guessing | 2.3: That is the loss of guessing | 0.23197: "
    "That is the probability | -1.4612: Logarithms of probabilities are negative | 0.63457: not "
    "that to base 10 | 2.108: not that to base 2 | 2.4612: What stands above the sum? | 0.0: The "
    "second softmax gets",
    "4.1": "(14, 14): And how many feature maps? | (14, 8): Rows and columns, both. | "
    "(14, 14, 1): a feature map of its own | (None, "
    "14, 14, 8): Leave the batch out. | (1, 14, 14, 8): Leave the batch out. | (None, 14, 14, 1): "
    "a feature map of its own | (12, 12, 8): That is without padding. | (28, 28, 8): a stride of "
    "1. | (24, 24, 8): without padding, and with a stride of 1. | (8, 14, 14): First the rows and "
    "columns | (14, 14, 5): the size of the kernel | (13, 13, 8): With padding 'same' | (1, 14, "
    "8): With padding 'same' | 14: a tuple with one number a dimension",
    "4.2": "12: You stopped before | (12, 12): You stopped before | 9: Strides multiply | 11: see "
    "more, too. | 7: too, and their | 4: after the first pooling | 196: How wide, not how many | "
    "6: Every layer adds | (5, 14): yours has shape (2,).",
    "4.5": "1: An MLP's weights can | 3: Whom do the | 4: To one of them | 5: Which of the two",
    "4.6": "330: That is the last layer. | 320: That is the convolution. | 640: units of the last "
    "layer have | 618: Every filter has | 54410: the last layer reads 32 | 216650: not 26 × 26 | "
    "651: The convolution has",
    "5.1": "106496: 0, .1, .2, .3, .4 are five values. | 192000: 128, 160, …, 512 are thirteen "
    "values. | 104000: The learning rate is one | 42: multiply, don't add | 11: That is how many "
    "hyperparameters | 2048: more than two values | 208001: Multiply the numbers of values",
    "5.2": "0.3: Adding up six times | 30: Adding up six times | 0.73509: That is the chance that "
    "all six miss. | 1.5625e-08: that all six are good | 0.232: the chance of exactly one | 5: "
    "the chance of a single trial | 0.27: Work out the chance",
    "5.3": "1: The split is fine. | 2: The callback is fine | 4: Measuring on the test set | 5: "
    "Which set may decide",
    "6.1": "0.2: That is the share before. | 20: That is the share before. | 0.8: The whole has "
    "grown, too. | 0.25: how much are both? | 0.333: with one copy | 0.4286: the originals are "
    "still there | 1: not of those of the other | 0.6: Ten classes had one",
    "6.3": "1: The copies are fine. | 2: The copies get the labels | 4: Fit takes what it gets. | "
    "5: After which line",
    "7.1": "0.286: That is the error of one model's accuracy. | 0.29: That is the error of one "
    "model's accuracy. | 0.405: That would be so if each | 0.0022: In points, please | 0.002236: "
    "In points, please | 22.36: That goes with one difference | 0.218: p (1 - p) goes with 1 and "
    "0 | 500: Of 10,000 differences",
    "7.2": "1.0: Adding up twenty times | 100: Adding up twenty times | 0.35849: That is the "
    "chance that all stay silent. | 0.377: the chance of exactly one | 5: the chance of a single "
    "test | 9.5367e-27: that none stays silent | 0.7: Work out the chance | 0: Work out the chance",
    "7.3": "1: Training is fine. | 3: The average is fine | 4: Measuring on the test set | 5: At "
    "which step",
    "8.1": "41472: Those are the weights | 169344: Each new map looks at all 48 | 84672: Each of "
    "the 96 new maps | 903168: 3 × 3 places of the old map | 5971968: With padding 'same' | "
    "8147328: A bias is added | 16257024: multiplications and additions | 8.13: not how many "
    "millions | 32514048: Each of the 3 × 3 × 48 × 96 weights",
    "8.2": "3: Only the convolutions get faster | 20: Those are the seconds | 0.5: The other way "
    "round | 1.3333: How many seconds does | 1.5: How many seconds does",
    "9.1": "217.64: That is with 32 bits | 435.28: That is with 64 bits | 54.41: one byte a number "
    "| 870.56: 16 bits are two bytes. | 108820: Those are bytes | 0.109: Those are megabytes | "
    "100: Each parameter is one number",
    "9.2": "1: Loading is fine | 2: That is grey, and 28 | 3: The background has to be dark | 5: "
    "In which line",
    "9.4": "0.925: The mean of the two | 92.5: The mean of the two | 0.95: That is the network's. "
    "| 90: That is the person's. | 0.57: That is the network's part. | 0.36: That is the person's "
    "part. | 0.92: You have exchanged | 0.8: Of 100 images",
    "8.3": "1: That call isn't timed. | 3: The new model has been called before | 4: The ratio is "
    "the right way round. | 5: A model's first call compiles.",
}
WRONG = {
    "1.2": [
        (lambda y: np.eye(y.max() + 1)[y], "Ten columns, please"),
        (lambda y: np.eye(10)[y].T, "a column for each label"),
        (lambda y: np.eye(11)[y], "should give (4, 10); yours has (4, 11)."),
        (lambda y: np.eye(10)[y][:4], "30 labels should give (30, 10); yours has (4, 10)."),
        (lambda y: np.ones((len(y), 10)), "Each row should hold a single 1"),
        (lambda y: np.full((len(y), 10), 0.1), "Each row should hold a single 1"),
        (lambda y: np.eye(10)[y - 1], "The 1 should stand at the label."),
        (lambda y: np.eye(10)[np.maximum(y, 1)], "The 1 should stand at the label."),
    ],
    "1.4": [
        (
            lambda x, y, i: nearest_mean(x, y, i, "uint8"),
            "the smallest distance; subtract as floats",
        ),
        (lambda x, y, i: nearest_mean(x, y, i, distance=abs), "You add up absolute differences"),
        (nearest_image, "Compare with the mean of each class"),
        (lambda x, y, i: np.zeros(len(i)), "a mean that is farther away"),
        (lambda x, y, i: np.zeros((len(i), 10)), "shape (61,), not (61, 10)."),
    ],
    "2.2": [
        (lambda W, x, y, rate: W + rate * x.T @ (softmax(x @ W) - y) / 5, "goes uphill."),
        (lambda W, x, y, rate: W - rate * x.T @ (softmax(x @ W) - y), "divide by how many."),
        (lambda W, x, y, rate: W - rate * x.T @ (softmax(x @ W) - y) / y.size, "not by the class"),
        (lambda W, x, y, rate: W - x.T @ (softmax(x @ W) - y) / 5, "Where is the learning rate?"),
        (lambda W, x, y, rate: W - rate * x.T @ softmax(x @ W) / 5, "minus truth: p - y."),
        (lambda W, x, y, rate: x.T @ (softmax(x @ W) - y) / 5, "now take a step against it."),
        (lambda W, x, y, rate: rate * x.T @ (softmax(x @ W) - y) / 5, "subtract it"),
        (lambda W, x, y, rate: rate * x.T @ (y - softmax(x @ W)) / 5, "add it to the weights"),
        (lambda W, x, y, rate: W, "Take from W the learning rate times x transposed"),
        (lambda W, x, y, rate: W.T, "the shape of the old, (3, 4); yours have (4, 3)."),
    ],
    "2.3": [
        (lambda x, W, b, d: through_tanh(x, W, b, d, lambda h: (1 - h**2) / 5), "once more."),
        (lambda x, W, b, d: x.T @ d, "multiplied by that of tanh."),
        (lambda x, W, b, d: through_tanh(x, W, b, d, lambda h: 1 - h), "1 minus its square."),
        (lambda x, W, b, d: through_tanh(x, W, b, d, lambda h: h), "multiplies by tanh itself"),
        (lambda x, W, b, d: through_tanh(x, W, b, d, lambda h: h > 0), "the slope of ReLU"),
        (lambda x, W, b, d: through_tanh(x, W, b, d, lambda h: 1 - np.tanh(h) ** 2), "of tanh: h"),
        (lambda x, W, b, d: through_tanh(x, W, 0, d, lambda h: 1 - h**2), "The bias is missing"),
        (lambda x, W, b, d: through_tanh(x, W, b, d, lambda h: h**2 - 1), "comes with the step."),
        (lambda x, W, b, d: through_tanh(x, W, b, d, lambda h: 1 - h**2).T, "turned on its side."),
        (lambda x, W, b, d: W - x.T @ (d / np.cosh(x @ W + b) ** 2), "not the new weights."),
        (lambda x, W, b, d: d, "the shape of W, (3, 4); yours has (5, 4)."),
        (lambda x, W, b, d: np.ones_like(W), "First the slopes with respect to z"),
    ],
    "2.6": [
        (np.eye(10)[mostly_right(30)], "argmax(axis=1)"),
        (mostly_right(30)[:499], "one for each of the last digits; not (499,)."),
        (mostly_right(30) + 0.5, "Classes are whole numbers from 0 to 9."),
        (mostly_right(0), "Are these the labels themselves?"),
        (np.r_[mostly_right(30)[:499], 10], "Classes are whole numbers from 0 to 9."),
        (first_500(401), "These are the first 500 digits"),
        (first_500(400), "hardly more than by guessing."),
        (mostly_right(401), "99 of 500 are right, hardly more than by guessing."),
        (mostly_right(400), "100 of 500 are right; 440 can be had."),
        (mostly_right(61), "439 of 500 are right; 440 can be had."),
    ],
    "3.4": [
        (lambda x, k, b, s: conv1d(x, k, b, s, with_bias=False), "Every filter adds its bias."),
        (lambda x, k, b, s: conv1d(x, k, 0 * b, s).round(2), "Every filter adds its bias."),
        (lambda x, k, b, s: conv1d(x, k, k[..., 0].size * b, s), "Add the bias once a step"),
        (lambda x, k, b, s: conv1d(x, k, b, 1), "by one row at a time, whatever the stride."),
        (lambda x, k, b, s: conv1d(x, k, b, s, last=0), "of 3 and a stride of 2 give 3 steps"),
        (lambda x, k, b, s: conv1d(x, k, b, s)[: 7 - 2 * s], "and a stride of 3 give 2 steps"),
        (
            lambda x, k, b, s: conv1d(np.pad(x, ((1, 1), (0, 0))), k, b, s),
            "stops before",
        ),
        (lambda x, k, b, s: conv1d(x, k[::-1], b, s), "The kernel is not turned round."),
        (lambda x, k, b, s: np.maximum(conv1d(x, k, b, s), 0), "with a ReLU behind it."),
        (lambda x, k, b, s: conv1d(x, k[:, ::-1], b, s), "At each step: multiply the rows"),
    ],
    "3.5": [
        (softmax_outputs(200, sharper=3).argmax(axis=1), "ten columns, one a class"),
        (softmax_outputs(200, sharper=3).T, "yours have shape (10, 200)."),
        (np.full((200, 10), np.nan), "the loss diverged."),
        (one_row(softmax_outputs(200, sharper=3), np.nan), "the loss diverged."),
        (np.tanh(softmax_outputs(200, sharper=3) - 0.2), "A probability is never negative."),
        (np.sqrt(softmax_outputs(200, sharper=3)), "Each row should sum to 1."),
        (np.log(softmax_outputs(200, sharper=3)), "A probability is never negative."),
        (100 * softmax_outputs(200, sharper=3), "These seem to be per cent"),
        (94.5 * softmax_outputs(200, sharper=3), "These seem to be per cent"),
        (93.5 * softmax_outputs(200, sharper=3), "Each row should sum to 1."),
        (1.063 * softmax_outputs(200, sharper=3), "Each row should sum to 1."),
        (np.eye(10)[np.arange(200) % 10], "These are classes, as one-hot rows"),
        (np.tile(softmax_outputs(1, sharper=3), (200, 1)), "the same class for every image"),
        (softmax_outputs(200, sharper=0.2), "hardly surer than a guess."),
        (one_row(softmax_outputs(200, sharper=0.2), np.eye(10)[3]), "hardly surer than a guess."),
    ],
    "3.6": [
        (lambda images: images, "Nothing has changed"),
        (lambda images: images.round(4), "Nothing has changed"),
        (lambda images: images[:, ::-1], "Upside down"),
        (lambda images: images[:, :, ::-1], "Mirrored"),
        (lambda images: images.T, "stay (4, 28, 28); yours have shape (28, 28, 4)."),
        (lambda images: images.T.reshape(images.shape), "That mixes the images."),
        (lambda images: np.roll(images.swapaxes(1, 2), 1, axis=1), "Swap rows and columns"),
    ],
    "4.3": [
        (lambda right, size: (right / size).mean(), "The last batch is smaller; its images must"),
        (lambda right, size: 100 * (right / size).mean(), "The last batch is smaller; its images"),
        (lambda right, size: (right[:-1] / size[:-1]).mean(), "The last batch counts"),
        (lambda right, size: right.sum() / (3 * size[0]), "there are fewer images in all"),
        (lambda right, size: right.sum(), "Of how many?"),
        (lambda right, size: size.sum() / right.sum(), "The other way round"),
        (lambda right, size: right / size, "This should be one number; yours has shape (3,)."),
        (lambda right, size: size.sum(), "How many were right, of"),
    ],
    "4.4": [
        (lambda x: pool(x, np.mean), "average pooling"),
        (lambda x: pool(x, np.min), "the smallest"),
        (lambda x: pool(x, columns=1), "A 7 × 6 image gives 3 × 3"),
        (lambda x: pool(np.pad(x, ((0, 1), (0, 1)))), "A 7 × 6 image gives 3 × 3"),
        (lambda x: pool(x)[:3, :3], "A 4 × 9 image gives 2 × 4"),
        (lambda x: pool(np.pad(x, ((0, 0), (0, 1)))), "A 4 × 9 image gives 2 × 4"),
        (lambda x: pool(x[:, : len(x)]), "A 4 × 9 image gives 2 × 4"),
        (lambda x: pool(x) if len(x) > 1 else x, "A 1 × 6 image holds no whole block"),
        (lambda x: x[: 2 * (len(x) // 2) : 2, : 2 * (x.shape[1] // 2) : 2], "Take the largest"),
        (lambda x: pool(x[len(x) % 2 :]), "Take the largest"),
    ],
    "5.4": [
        (lambda v, p: stop(v, p, restart=False), "A better epoch sets the count back"),
        (lambda v, p: stop(v, p + 1), "[5, 4, 4.5, 4.2, 3] and patience 2, yours trains 5 epochs."),
        (lambda v, p: stop_emptying(v, p + 1), "[5, 4, 4.5, 4.2, 3] and patience 2"),
        (lambda v, p: stop(v, p) - 1, "the first epoch is number 1."),
        (lambda v, p: stop(v, max(p, 2)), "A patience of 1 is used up"),
        (lambda v, p: stop(v, p, lambda loss, best: loss <= best), "Equal is not better."),
        (lambda v, p: stop(v + [9] * p, p), "Patience never runs out"),
        (stop_without_end, "Sometimes your function returns nothing"),
        (lambda v, p: (stop(v, p), min(v)), "yours has shape (2,)."),
    ],
    "6.2": [
        ({k: 1.0 for k in range(10)}, "With equal weights"),
        ({k: 1 / w for k, w in WEIGHTS.items()}, "The other way round"),
        ({k: w if w == 1 else 1 / 3 for k, w in WEIGHTS.items()}, "Weight × number of images"),
        ({k: -w for k, w in WEIGHTS.items()}, "weights are positive"),
        (WEIGHTS | {3: 0}, "weights are positive"),
        ({2: 0.5, 6: 0.5}, "its keys are 0 to 9."),
        ({str(k): w for k, w in WEIGHTS.items()}, "its keys are 0 to 9."),
        ([0.5, 0.5], "Ten weights, please"),
    ],
    "6.4": [
        (lambda x, n: np.roll(x, n, axis=2), "What leaves on the right"),
        (lambda x, n: np.roll(x, n, axis=1), "along the last axis, not the rows"),
        (lambda x, n: shift(x.swapaxes(1, 2), n).swapaxes(1, 2), "That is down"),
        (lambda x, n: shift(x[..., ::-1], n)[..., ::-1], "That is to the left."),
        (lambda x, n: x, "Nothing has moved."),
        (lambda x, n: shift(x, n, fill=255), "the first 3 columns should be black"),
        (lambda x, n: x[..., :-n], "(3, 28, 28), not (3, 28, 25)."),
        (lambda x, n: shift(x, n + 1), "With 3 pixels, column 0 of the image"),
        (lambda x, n: shift(x, 3), "With 5 pixels, the first 5 columns"),
        (shift_from_the_end, "With 0 pixels all should stay."),
        (lambda x, n: shift(x, max(n, 1)), "With 0 pixels all should stay."),
    ],
    "7.4": [
        (lambda p: p, "shape (3,), not (3, 3)."),
        (lambda p: majority(p.T), "[[1, 2, 3], [1, 2, 4], [5, 2, 4]], one member a row"),
        (lambda p: np.round(p.mean(axis=0)), "yours says [2, 2, 4]. Count the votes"),
        (lambda p: np.median(p, axis=0), "if they aren't half of all"),
        (lambda p: p.max(axis=0), "yours says [5, 2, 4]. Count the votes"),
        (lambda p: 9 - majority(9 - p), "[[7, 3], [2, 8]], one member a row, yours says [7, 8]."),
        (majority_first_seen, "yours says [7, 3]. Equally many votes"),
    ],
    **{
        number: [
            ((BETTER, WORSE), "This should be three things"),
            ((BETTER, WORSE, "undecided"), "Chance alone would hardly make"),
            ((BETTER, WORSE, "harms"), "The other way round"),
            ((*ALIKE, "helps"), "Chance alone would make"),
            ((BETTER, WORSE, "holds"), "one of helps, harms, undecided"),
            ((BETTER, WORSE, 0.01), "one of helps, harms, undecided"),
            ((BETTER[:2], WORSE, "helps"), "2 seeds say little"),
            ((BETTER[0], WORSE, "helps"), "a row for each seed and a column for each image"),
            ((BETTER[:, :300], WORSE, "helps"), "a row for each seed and a column for each image"),
            ((BETTER[:, :50], WORSE[:, :50], "helps"), "50 are fewer than"),
            ((100 * BETTER, WORSE, "helps"), "Right is 1 (or True), wrong is 0"),
            ((BETTER[[0, 0, 1]], WORSE, "helps"), "was the seed changed"),
            ((BETTER, DRAW[4:] < 0.1, "helps"), "learned next to nothing"),
            ((WORSE, WORSE, "undecided"), "was the change ever made?"),
        ]
        for number in EXPERIMENTS
    },
    "9.3": [
        (lambda o, y, t: selective(o, y, t)[::-1], "First the coverage"),
        (lambda o, y, t: (selective(o, y, t)[0], np.prod(selective(o, y, t))), "You divide by all"),
        (lambda o, y, t: (selective(o, y, t)[0], 0.6), "not of all"),
        (
            lambda o, y, t: (1 - selective(o, y, t)[0], selective(o, y, t)[1]),
            "not the share that it leaves open",
        ),
        (lambda o, y, t: selective(o, y, t, np.greater), "at least, not more than"),
        (lambda o, y, t: selective(o, y, t)[0], "yours has shape ()"),
        (lambda o, y, t: (1.0, 0.5), "With threshold 0.65, of 5 images it answers 3."),
        (lambda o, y, t: selective(o, y, t) if t != 0.8 else (0.8, 0.2), "0.8, of 5 images it"),
        (lambda o, y, t: selective(o, y, t) if t else (0.9, 0.8), "0.0, of 5 images it answers 5."),
    ],
    "8.4": [
        (lambda step, steps, peak: one_cycle(step, steps, peak, share=0.5), "not 0.4."),
        (lambda step, steps, peak: peak * (1 - step / steps), "step 0 has 0.0, not 2."),
        (lambda step, steps, peak: peak * min(step / 10, (steps - step) / 40), "Right for 50"),
        (lambda step, steps, peak: min(step / 10, (50 - step) / 40), "step 5 has 1.0, not 0.5."),
        (lambda step, steps, peak: one_cycle(step, steps, 2), "rates should grow with the peak"),
        (cosine_cycle, "step 20 has 1.5, not 1.71."),
        (lambda step, steps, peak: [one_cycle(step, steps, peak)] * 2, "yours has shape (2,)."),
    ],
}
for number, several in WRONG_VALUES.items():
    pairs = (one.split(": ", 1) for one in several.split(" | "))
    WRONG[number] = [(ast.literal_eval(value), words) for value, words in pairs]


def test_the_number_may_be_a_number(capsys):
    for number in ("2.1", " 2.1", 2.1):
        check(number, None)
    assert capsys.readouterr().out == 3 * "Exercise 2.1: no answer yet.\n"


def test_every_exercise_is_here():
    assert set(RIGHT) == set(WRONG) == set(CHECKS)
    assert min(map(len, WRONG.values())) >= 2


def test_the_lessons_ask_for_every_check():
    text = "".join(path.read_text("utf-8") for path in LESSONS)
    asked = re.findall(r'exercises\.check\(\\"([\d.]+)\\"', text)
    assert list(dict.fromkeys(asked)) == list(CHECKS)


@pytest.mark.parametrize(
    ("number", "answer"),
    [*RIGHT.items(), *[(number, answer) for number, more in ALSO_RIGHT.items() for answer in more]],
)
def test_right(number, answer):
    assert hint_for(number, answer) == ""
    assert hint_for(number, answer) == "", "the second time"


def test_neighbours_of_digits():
    """The figures that the check of 1.6 knows: of the k asked for, which is best where."""
    x, labels = load_digits(return_X_y=True)
    distance = ((x[:, None] - x[None, :1297]) ** 2).sum(axis=2)  # to what may be learned from

    def right(k, rows, learned):
        near = labels[np.argsort(distance[rows, :learned], axis=1, kind="stable")[:, :k]]
        return sum(
            np.bincount(row).argmax() == y for row, y in zip(near, labels[rows], strict=True)
        )

    validation, test = slice(1000, 1297), slice(1297, None)
    ks = (1, 3, 5, 9, 15, 25)
    assert max(ks, key=lambda k: right(k, validation, 1000)) == 1
    assert max(ks, key=lambda k: right(k, test, 1000)) == 3
    assert right(1, validation, 1000) == 289
    assert [right(k, test, n) for k in (1, 3) for n in (1000, 1297)] == [478, 480, 481, 484]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", RIGHT)
def test_right_in_any_form(number, form):
    answer, formed = RIGHT[number], FORMS[form]
    if number in FUNCTIONS:
        assert hint_for(number, lambda *arguments: formed(answer(*arguments))) == ""
    elif number in EXPERIMENTS:
        assert hint_for(number, [*map(formed, answer[:2]), answer[2]]) == ""
    else:
        assert hint_for(number, formed(list(answer.values()) if number == "6.2" else answer)) == ""


def test_what_an_experiment_needs_at_least():
    better, worse = (np.resize(way, (len(way), 200)) for way in (BETTER, WORSE))
    assert hint_for("8.5", (better, worse, "helps")) == ""
    assert "199 are fewer than 200" in hint_for("8.5", (better[:, 1:], worse[:, 1:], "helps"))
    for number in ("9.5", "9.6"):
        assert hint_for(number, (better[:, :100], worse[:, :100], "helps")) == ""
        few = better[:, :99], worse[:, :99], "helps"
        assert "99 are fewer than 100" in hint_for(number, few)
    assert "2 seeds say little" in hint_for("8.5", (better[:2], worse, "helps"))
    few = np.arange(200) < 40  # a fifth are right
    ways = [np.stack([np.roll(few, move) for move in moves]) for moves in ((0, 5, 9), (3, 8, 1))]
    assert hint_for("8.5", (*ways, "undecided")) == ""
    ways[1][0, 3] = False
    assert "learned next to nothing" in hint_for("8.5", (*ways, "undecided"))


@pytest.mark.parametrize(
    ("gained", "lost", "verdict"),
    [(12, 3, "helps"), (15, 6, "undecided"), (3, 12, "harms")],  # p = 0.023, 0.053, 0.023
)
def test_the_verdict_of_an_experiment_is_that_of_p_alone(gained, lost, verdict):
    """Nine tenths of a point; each seed has one image of its own."""
    ways = np.zeros((2, 3, 1000))
    ways[:, :, :600] = ways[0, :, 600 : 600 + gained] = ways[1, :, 700 : 700 + lost] = 1
    ways[0, range(3), range(900, 903)] = ways[1, range(3), range(910, 913)] = 1
    for said in ("helps", "harms", "undecided"):
        assert (hint_for("8.5", (*ways, said)) == "") == (said == verdict)


def test_a_function_that_divides_by_zero_is_judged_without_a_warning(recwarn):
    checked = function(lambda tried: f"found {tried(np.zeros(2))}")
    assert checked(lambda x: x / 0) == "found [nan nan]"
    assert not recwarn.list


TOLERANCES = {"1.1": 0.005, "1.3": 0.001, "3.3": 0.005, "5.2": 0.005, "6.1": 0.005, "7.1": 0.005}
TOLERANCES |= {"1.6": 0.0005, "2.5": 0.25}
TOLERANCES |= {"7.2": 0.005, "8.1": 1e-4, "9.1": 0.005, "9.4": 0.0005}


@pytest.mark.parametrize("number", TOLERANCES)
@pytest.mark.parametrize("side", [-1, 1])
def test_a_number_may_be_off_by_so_much_and_no_more(number, side):
    exact = {"1.1": 188.16, "7.1": 5**0.5 / 10}.get(number, RIGHT[number])
    assert hint_for(number, exact * (1 + 0.999 * side * TOLERANCES[number])) == ""
    assert hint_for(number, exact * (1 + 1.001 * side * TOLERANCES[number])) != ""


@pytest.mark.filterwarnings("error")  # a wrong answer may overflow: nobody sees a warning of it
@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [(number, *wrong) for number, several in WRONG.items() for wrong in several],
)
def test_wrong(number, answer, words):
    hint = hint_for(number, answer)
    assert hint.startswith("not yet. ")
    assert words in hint


@pytest.mark.parametrize("number", RIGHT)
def test_what_is_no_answer_is_told_so(number):
    def of(value):
        return hint_for(number, (lambda *_: value) if number in FUNCTIONS else value)

    assert "; this text in quotes can't be read as one." in of("4")
    assert "; this generator can't be read as one." in of(digit for digit in range(4))
    assert "; this function can't be read as one." in of(test_wrong)
    for value in (math.nan, 1e300, -1, [], [[1], [2, 3]], np.zeros((2, 3, 4, 5)), {}):
        assert re.match("not yet[.] (?!Your answer stopped).", of(value)), value
    if number in FUNCTIONS:
        assert "its name, without brackets" in hint_for(number, np.zeros(3))


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
    assert hint_for(number, None) == hint_for(number, ...) == "no answer yet."


@pytest.mark.parametrize("number", FUNCTIONS)
def test_unfinished_and_broken(number):
    assert hint_for(number, lambda *_: None) == "no answer yet."
    assert "ZeroDivisionError: division by zero" in hint_for(number, lambda *_: 1 / 0)


def test_check_prints(capsys):
    check("2.1", 79_510)
    check("2.1", 1)
    check("9.0", 1)
    right, wrong, unknown = capsys.readouterr().out.splitlines()
    assert right == "Exercise 2.1: right!"
    assert wrong.startswith("Exercise 2.1: not yet. ")
    assert "no exercise 9.0" in unknown
