"""The checks of lesson 9's exercises: take it home."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import experiment, function, number


def check_selective(selective: Callable) -> str:
    outputs = np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5], [0.2, 0.8], [0.6, 0.4]])
    outputs = np.hstack([outputs, np.zeros((5, 8))])
    labels = np.array([0, 1, 1, 0, 0])  # right, right, wrong, wrong, right
    for threshold, right in ((0.65, (3 / 5, 2 / 3)), (0.8, (2 / 5, 1 / 2)), (0.0, (1, 3 / 5))):
        found = selective(outputs, labels, threshold)
        if found.shape != (2,):
            return f"Return two numbers, coverage and accuracy; yours has shape {found.shape}."
        if np.allclose(found, right):
            continue
        if np.allclose(found, right[::-1]):
            return "First the coverage, then the accuracy."
        if np.isclose(found[0], right[0]) and np.isclose(found[1], right[0] * right[1]):
            return "Of the images that it answers, how many are right? You divide by all."
        if np.isclose(found[1], 3 / 5):
            return "The accuracy is that of the images that it answers, not of all."
        if np.isclose(found[0], 1 - right[0]):
            return "Coverage is the share that it answers, not the share that it leaves open."
        if threshold == 0.8 and np.isclose(found[0], 1 / 5):
            return "It answers at the threshold itself, too: at least, not more than."
        return f"With threshold {threshold}, of 5 images it answers {5 * right[0]:.0f}."
    return ""


CHECKS: dict[str, Callable[[object], str]] = {
    "9.1": number(
        108.82,
        tolerance=0.005,
        hint="Each parameter is one number. How many bytes are 16 bits?",
        hints_for_wrong={
            217.64: "That is with 32 bits, four bytes a number.",
            435.28: "That is with 64 bits, eight bytes a number.",
            54.41: "That would be one byte a number; 16 bits are two.",
            870.56: "16 bits are two bytes.",
            108_820: "Those are bytes; how many thousands?",
            0.10882: "Those are megabytes; how many kilobytes?",
        },
    ),
    "9.2": number(
        4,
        hint="In which line does the network get something other than it was trained on?",
        hints_for_wrong={
            1: "Loading is fine: the file holds layers and weights.",
            2: "That is grey, and 28 × 28. (It squeezes the picture; photo.steps doesn't.)",
            3: "The background has to be dark, as in Fashion-MNIST.",
        },
    ),
    "9.3": function(check_selective),
    "9.4": number(
        0.93,
        tolerance=0.0005,
        per_cent=True,
        hint="Of 100 images, how many does each of the two get, and how many of these right?",
        hints_for_wrong={
            0.925: "The mean of the two would be right if each had half of the images.",
            0.95: "That is the network's. And the images that the person gets?",
            0.9: "That is the person's. And the images that the network answers?",
            0.57: "That is the network's part. Add the person's.",
            0.36: "That is the person's part. Add the network's.",
            0.92: "You have exchanged the two: the network gets 60 of 100.",
        },
    ),
    "9.5": experiment(images=100),
    "9.6": experiment(images=100),
}
