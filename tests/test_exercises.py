"""Every exercise's check accepts a right answer and refuses at least two plausible wrong ones."""

import numpy as np
import pytest

from fmnist_utils.exercise_checks import CHECKS
from fmnist_utils.exercises import check, hint_for


def nearest_mean(x, y, images, kind="float32", axis=(2, 3)):
    means = np.stack([x[y == k].mean(axis=0) for k in range(10)]).astype(kind)
    return ((images[:, None].astype(kind) - means) ** 2).sum(axis=axis).argmin(axis=1)


def softmax(z, shift=True, axis=1):
    e = np.exp(z - z.max(axis=1, keepdims=True) * shift)
    return e / e.sum(axis=axis, keepdims=True)


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


def shift(images, n, fill=0):
    out = np.full_like(images, fill)
    out[..., n:] = images[..., :-n]
    return out


def majority(p, pick=np.argmax):
    votes = np.stack([(p == digit).sum(axis=0) for digit in range(10)])
    return pick(votes, axis=0)


def one_cycle(step, steps, peak, share=0.2):
    top = share * steps
    return peak * min(step / top, (steps - step) / (steps - top))


WEIGHTS = {k: 0.5 if k in (2, 6) else 1.0 for k in range(10)}
# number: (right answer, wrong answers)
ANSWERS = {
    "1.1": (188.16, [47.04, 376.32, 188_160_000]),
    "1.2": (lambda y: np.eye(10)[y], [lambda y: np.eye(10)[y].T, lambda y: np.eye(10)[y - 1]]),
    "1.3": (90_000, [900, 300]),
    "1.4": (nearest_mean, [lambda x, y, i: nearest_mean(x, y, i, "uint8"),
                           lambda x, y, i: np.zeros(len(i)), lambda x, y, i: np.zeros((60, 10))]),
    "2.1": (79_510, [79_400, 82_646, 784 * 100]),
    "2.2": (softmax, [lambda z: softmax(z, shift=False), lambda z: softmax(z, axis=0),
                      lambda z: z / z.sum(axis=1, keepdims=True)]),
    "2.3": (4, [1, 2, 3]),
    "2.4": (lambda y, p: -np.log(pick(y, p)).mean(),
            [lambda y, p: -np.log(pick(y, p)).sum(), lambda y, p: np.log(pick(y, p)).mean(),
             lambda y, p: -np.log10(pick(y, p)).mean(), lambda y, p: -np.log(p).mean()]),
    "3.1": ((12, 64), [(14, 64), (24, 64), (12, 28)]),
    "3.2": (9_024, [8_960, 384, 320]),
    "3.3": (np.log(1 + 9 / np.e), [0.0, np.log(10), np.e / (np.e + 9)]),
    "3.4": (conv1d, [lambda x, k, b: conv1d(x, k, b, with_bias=False),
                     lambda x, k, b: conv1d(x, k, b, last=0),
                     lambda x, k, b: conv1d(x, k[::-1], b)]),
    "4.1": ((14, 14, 8), [(12, 12, 8), (28, 28, 8), (14, 14, 1)]),
    "4.2": (10, [8, 5, 6]),
    "4.3": (lambda r, n: r.sum() / n.sum(), [lambda r, n: (r / n).mean(), lambda r, n: r.sum()]),
    "4.4": (pool, [lambda x: pool(x, np.mean), lambda x: pool(x, columns=1),
                   lambda x: x[: 2 * (len(x) // 2) : 2, ::2]]),
    "5.1": (208_000, [106_496, 192_000, 11, 1_024]),
    "5.2": (1 - 0.95**6, [0.3, 0.95**6, 0.05**6]),
    "5.3": (3, [1, 2, 4]),
    "5.4": (stop, [lambda v, p: stop(v, p, restart=False), lambda v, p: stop(v, p + 1),
                   lambda v, p: stop(v, p, better=lambda a, b: a <= b)]),
    "6.1": (1 / 3, [0.2, 0.4, 2 / 12]),
    "6.2": (WEIGHTS, [{k: 1.0 for k in range(10)}, {k: 1 / w for k, w in WEIGHTS.items()},
                      {2: 0.5, 6: 0.5}]),
    "6.3": (3, [1, 2, 4]),
    "6.4": (shift, [lambda x, n: np.roll(x, n, axis=2), lambda x, n: np.roll(x, n, axis=1),
                    lambda x, n: shift(x, n, fill=255)]),
    "7.1": (0.2236, [0.286, 0.405, 0.002236, 500]),
    "7.2": (1 - 0.95**20, [1.0, 0.95**20, 0.05]),
    "7.3": (2, [1, 3, 4]),
    "7.4": (majority, [lambda p: majority(p.T), lambda p: np.round(p.mean(axis=0)),
                       lambda p: np.median(p, axis=0), lambda p: p.max(axis=0),
                       lambda p: 9 - majority(9 - p)]),
    "8.1": (8_128_512, [41_472, 169_344, 84_672, 32_514_048]),
    "8.2": (2, [3, 4 / 3, 1.5]),
    "8.3": (2, [1, 3, 4]),
    "8.4": (one_cycle, [lambda step, steps, peak: one_cycle(step, steps, peak, share=0.5),
                        lambda step, steps, peak: peak * (1 - step / steps),
                        lambda step, steps, peak: peak * min(step / 10, (steps - step) / 40),
                        lambda step, steps, peak: min(step / 10, (50 - step) / 40)]),
}  # fmt: skip


def test_every_exercise_is_here():
    assert set(ANSWERS) == set(CHECKS)


@pytest.mark.parametrize("number", ANSWERS)
def test_right_and_wrong(number):
    right, wrong = ANSWERS[number]
    assert hint_for(number, right) == ""
    hints = [hint_for(number, answer) for answer in wrong]
    assert len(hints) >= 2
    assert all(hint.startswith("not yet. ") for hint in hints), hints


@pytest.mark.parametrize("number", ANSWERS)
def test_unanswered_and_broken(number):
    def unfinished(*_):
        return None

    def broken(*_):
        raise ZeroDivisionError("division by zero")

    assert hint_for(number, None) == "no answer yet."
    if callable(ANSWERS[number][0]):
        assert hint_for(number, unfinished) == "no answer yet."
        assert "ZeroDivisionError: division by zero" in hint_for(number, broken)


def test_check_prints(capsys):
    check("2.1", 79_510)
    check("2.1", 1)
    check("9.9", 1)
    right, wrong, unknown = capsys.readouterr().out.splitlines()
    assert right == "Exercise 2.1: right!"
    assert wrong.startswith("Exercise 2.1: not yet. ")
    assert "no exercise 9.9" in unknown
