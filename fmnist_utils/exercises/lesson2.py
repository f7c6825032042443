"""The checks of lesson 2's exercises: the multilayer perceptron, and how it learns."""

from collections.abc import Callable

import numpy as np
from sklearn.datasets import load_digits

from fmnist_utils.exercises.value import Hint, array, function, number

HELD_OUT = 500  # of the digits


def _first_that_fits(found: np.ndarray, answers: list[tuple[np.ndarray, str]], hint: str) -> str:
    for wrong, told in answers:
        if found.shape == wrong.shape and np.allclose(found, wrong, atol=1e-4):
            return told
    return hint


def check_step(one_step: Callable) -> str:
    draw = np.random.default_rng(22)
    W, x = draw.normal(size=(3, 4)), draw.normal(size=(5, 3))
    y, rate = np.eye(4)[[0, 3, 1, 3, 2]], 0.25
    exponentials = np.exp(x @ W)
    error = exponentials / exponentials.sum(axis=1, keepdims=True) - y
    slope = x.T @ error / len(x)
    found = one_step(W, x, y, rate)
    if found.shape != W.shape:
        return f"The new weights have the shape of the old, {W.shape}; yours have {found.shape}."
    return _first_that_fits(
        found,
        [
            (W - rate * slope, ""),
            (W + rate * slope, "That step goes uphill."),
            (W - rate * len(x) * slope, "The loss is a mean over the images: divide by how many."),
            (W - rate * slope / 4, "Divide by the number of images only, not by the classes."),
            (W - slope, "Where is the learning rate?"),
            (W - rate * x.T @ (error + y) / len(x), "The error is probability minus truth: p - y."),
            (slope, "That is the gradient; now take a step against it."),
            (rate * slope, "That is the step; subtract it from the weights."),
            (-rate * slope, "That is the step; add it to the weights."),
        ],
        "Take from W the learning rate times x transposed times (p - y), a mean over the images.",
    )


def check_gradient(gradient: Callable) -> str:
    draw = np.random.default_rng(23)
    x, W = draw.normal(size=(5, 3)), draw.normal(size=(3, 4))
    b, d_h = draw.normal(size=4), draw.normal(size=(5, 4))
    z = x @ W + b
    h = np.tanh(z)
    right = x.T @ (d_h * (1 - h**2))
    found = gradient(x, W, b, d_h)
    if found.shape == W.T.shape:
        return "Nearly: the gradient has the shape of W, and yours is turned on its side."
    if found.shape != W.shape:
        return f"The gradient has the shape of W, {W.shape}; yours has {found.shape}."
    return _first_that_fits(
        found,
        [
            (right, ""),
            (right / len(x), "d_h holds the mean's slopes already: don't divide once more."),
            (x.T @ d_h, "On its way to z the slope is multiplied by that of tanh."),
            (x.T @ (d_h * (1 - h)), "The slope of tanh is 1 minus its square."),
            (x.T @ (d_h * h), "That multiplies by tanh itself; take its slope, 1 - tanh²."),
            (x.T @ (d_h * (z > 0)), "That is the slope of ReLU; this layer has tanh."),
            (x.T @ (d_h * (1 - np.tanh(h) ** 2)), "tanh of tanh: h has been through it already."),
            (x.T @ (d_h * (1 - np.tanh(x @ W) ** 2)), "The bias is missing in z."),
            (W - right, "Return the gradient, not the new weights."),
            (-right, "The gradient points uphill; the minus comes with the step."),
        ],
        "First the slopes with respect to z, d_h times the slope of tanh; then x transposed times.",
    )


def check_digits(answer: object) -> str:
    predicted = array(answer, f"an array of {HELD_OUT} classes")
    if predicted.ndim == 2 and predicted.shape[1] == 10:
        return "These are probabilities; the class is the place of the largest: argmax(axis=1)."
    if predicted.shape != (HELD_OUT,):
        return (
            f"{HELD_OUT} classes, please, one for each of the last digits; not {predicted.shape}."
        )
    if not np.isin(predicted, range(10)).all():
        raise Hint("Classes are whole numbers from 0 to 9.")
    labels = load_digits().target
    right = int((predicted == labels[-HELD_OUT:]).sum())
    if right == HELD_OUT:
        return "All right? No network does that. Are these the labels themselves?"
    if right >= 440:
        return ""
    if (predicted == labels[:HELD_OUT]).mean() > 0.8:
        return "These are the first 500 digits; hand over the last 500."
    if right < 100:
        return (
            f"{right} of 500 are right, hardly more than by guessing. Do pixels and labels still "
            "belong together, and did the loss fall?"
        )
    return f"{right} of 500 are right; 440 can be had. More epochs, or pixels from 0 to 1?"


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
    "2.2": function(check_step, in_place=True),
    "2.3": function(check_gradient),
    "2.4": number(
        4,
        hint="Compare, line by line, what happens to the training and to the test images.",
        hints_for_wrong={
            1: "Loading is fine.",
            2: "This is as it should be. Is it done to both sets?",
            3: "Training is fine.",
        },
    ),
    "2.5": number(
        8,
        tolerance=0.25,
        hint="How many times fewer steps do batches of 256 take? Try a step so much longer.",
        hints_for_wrong={
            14: "`sgd` gives one loss a batch: 512 images are 16, or 2.",
            0.08: "That is the learning rate; by which factor did you raise it?",
            0.125: "The learning rate has to be raised: the factor is more than 1.",
            1: "With the same learning rate they got less far, as the figure shows.",
            0.01: "That is the learning rate of the small batches.",
        },
    ),
    "2.6": check_digits,
}
