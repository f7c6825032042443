"""The checks of lesson 1's exercises: the data."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import function, number


def check_one_hot(one_hot: Callable) -> str:
    for labels in (np.array([3, 0, 7, 3]), np.array([9]), np.arange(30, dtype="uint8") % 10):
        rows = one_hot(labels)
        if rows.shape == (10, len(labels)):
            return "You have a column for each label; make it a row."
        if rows.shape == (len(labels), labels.max() + 1) != (len(labels), 10):
            return "Ten columns, please, even if the highest classes don't occur among the labels."
        if rows.shape != (len(labels), 10):
            return f"{len(labels)} labels should give ({len(labels)}, 10); yours has {rows.shape}."
        if not (np.sort(rows) == [0] * 9 + [1]).all():
            return "Each row should hold a single 1 and nine 0s."
        if (rows.argmax(axis=1) != labels).any():
            return "The 1 should stand at the label."
    return ""


def check_nearest_mean(nearest_mean: Callable) -> str:
    rng = np.random.default_rng(14)
    # What is asked last differs from class 8 much in a few pixels, from class 9 a little in all;
    # and one image of class 0 is labelled 1.
    patterns = rng.integers(60, 190, (10, 28, 28))
    patterns[8:] = between = rng.integers(60, 70, (28, 28))
    patterns[8, :9, :9] += 125
    patterns[9] += 30
    labels = np.repeat(np.arange(10), 6).astype("uint8")
    images = patterns[labels] + rng.integers(-60, 60, (60, 28, 28))
    labels[0] = 1
    order = rng.permutation(60)
    asked = np.concatenate([images, between[None]]).astype("uint8")
    images = images.astype("uint8")

    means = np.stack([images[labels == label].mean(axis=0) for label in range(10)])
    differences = asked[:, None] - means
    right = (differences**2).sum(axis=(2, 3)).argmin(axis=1)
    found = nearest_mean(images[order], labels[order], asked)
    if found.shape != right.shape:
        return f"One label an image, please: shape {right.shape}, not {found.shape}."
    if np.array_equal(found, right):
        return ""
    if np.array_equal(found, abs(differences).sum(axis=(2, 3)).argmin(axis=1)):
        return "You add up absolute differences; the lesson's distance squares them."
    if np.array_equal(found[:60], labels):
        return "Compare with the mean of each class, not with single images."
    return (
        "Some images went to a mean that is farther away. Take the means of `train_images`, and "
        "the smallest distance; subtract as floats, for differences of uint8 wrap around."
    )


CHECKS: dict[str, Callable[[object], str]] = {
    "1.1": number(
        60_000 * 784 * 4 / 1e6,
        tolerance=0.005,
        hint="Multiply images × pixels × bytes; 1 MB is 10⁶ bytes.",
        hints_for_wrong={
            47.04: "That is one byte a pixel, uint8. How many has float32?",
            376.32: "That is eight bytes a pixel, float64. How many has float32?",
            60_000 * 784 * 4 / 2**20: "Those are units of 2²⁰ bytes (MiB); 1 MB is 10⁶ bytes.",
            188_160_000: "Those are bytes. How many millions of them?",
            0.18816: "That is in gigabytes.",
            219.52: "The test images are not among the 60,000.",
        },
    ),
    "1.2": function(check_one_hot),
    "1.3": number(
        90_000,
        tolerance=0.001,
        hint="Solve sqrt(p (1 - p) / n) = 0.001 for n.",
        hints_for_wrong={
            900: "That many give a whole point, .01. How large is a tenth of it?",
            9: "A point is .01, so .1 points are not .1. Or is that how many times as many?",
            300: "That is the square root of n.",
            90: "The standard error has to be squared, too.",
            900_000: "p (1 - p) is the variance of one answer, not p.",
            90_000 * 1.96**2: "That is for half a 95 % interval, 1.96 standard errors.",
            360_000: "That is for two standard errors.",
        },
    ),
    "1.4": function(check_nearest_mean),
    "1.5": number(
        2,
        hint="After which line does an image no longer stand beside its own label?",
        hints_for_wrong={
            1: "A random order is what one wants.",
            3: "That cuts images and labels at the same place.",
            4: "That cuts images and labels at the same place.",
        },
    ),
    # Of scikit-learn's digits: k = 1 is best on validation, with 289 of 297; k = 3 on test. Whoever
    # learns from all 1,297 before the test, which is allowed, has .96: the same, rounded.
    "1.6": number(
        478 / 500,
        tolerance=0.0005,
        per_cent=True,
        hint="First 1,000 to learn from, next 297 to choose k by, last 500 for the chosen k only.",
        hints_for_wrong={
            481 / 500: "That is the k that does best on the test set, and so was chosen by it.",
            484 / 500: "That is the k that does best on the test set, and so was chosen by it.",
            289 / 297: "That is the accuracy on the images by which you chose.",
            478: "That is how many are right; of how many?",
        },
    ),
}
