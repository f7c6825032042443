"""The checks of lesson 6's exercises: augmentation."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import array, experiment, function, number


def check_class_weights(answer: object) -> str:
    if hasattr(answer, "keys"):
        if set(answer.keys()) != set(range(10)):
            return "Give a dictionary with a weight for each class; its keys are 0 to 9."
        answer = [answer[label] for label in range(10)]
    weights = array(answer, "a dictionary {0: …, 1: …} with a number for each class")
    if weights.shape != (10,):
        return "Ten weights, please, in a dictionary: one for each class from 0 to 9."
    if not (weights > 0).all():
        return "Every class should count: weights are positive."
    images = np.where(np.isin(np.arange(10), [2, 6]), 2, 1)
    for wrong, hint in (
        (1 / images, ""),
        (np.ones(10), "With equal weights the two classes with twice as many images count double."),
        (images, "The other way round: these would count four times as much as the others."),
    ):
        if np.allclose(weights / weights[0], wrong, rtol=1e-3):
            return hint
    return "Weight × number of images should be the same for every class."


def check_shift(shift_right: Callable) -> str:
    images = np.random.default_rng(64).integers(1, 255, (3, 28, 28)).astype("uint8")
    for pixels in (3, 5):
        found = shift_right(images, pixels)
        right, left, down = np.zeros((3, *images.shape))
        right[:, :, pixels:] = images[:, :, :-pixels]
        left[:, :, :-pixels] = images[:, :, pixels:]
        down[:, pixels:] = images[:, :-pixels]
        if found.shape != images.shape:
            return f"The shape should stay {images.shape}, not {found.shape}."
        for wrong, hint in (
            (images, "Nothing has moved."),
            (left, "That is to the left."),
            (down, "That is down; the columns are along the last axis."),
            (np.roll(images, pixels, axis=2), "What leaves on the right must not come back."),
            (np.roll(images, pixels, axis=1), "The columns are along the last axis, not the rows."),
        ):
            if np.array_equal(found, wrong):
                return hint
        if found[:, :, :pixels].any():
            return f"With {pixels} pixels, the first {pixels} columns should be black (0)."
        if not np.array_equal(found, right):
            return f"With {pixels} pixels, column 0 of the image should stand at column {pixels}."
    try:
        found = shift_right(images, 0)
    except ValueError:
        found = None
    same = np.array_equal(found, images)
    return "" if same else "With 0 pixels all should stay. What is images[:, :, :-0]?"


CHECKS: dict[str, Callable[[object], str]] = {
    "6.1": number(
        0.5,
        tolerance=0.005,
        per_cent=True,
        hint="Ten classes had one share each; now two of them have four.",
        hints_for_wrong={
            0.2: "That is the share before.",
            0.8: "The whole has grown, too.",
            0.25: "That is one of the two; how much are both?",
            1 / 3: "That is with one copy of each.",
            6 / 14: "Three copies, and the originals are still there.",
            1: "Of all images, not of those of the other classes.",
        },
    ),
    "6.2": check_class_weights,
    "6.3": number(
        3,
        hint="After which line does an image no longer stand beside its own label?",
        hints_for_wrong={
            1: "The copies are fine.",
            2: "The copies get the labels of their originals: fine.",
            4: "Fit takes what it gets.",
        },
    ),
    "6.4": function(check_shift, in_place=True),
    "6.5": experiment(),
    "6.6": experiment(),
}
