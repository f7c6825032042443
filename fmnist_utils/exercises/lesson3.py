"""The checks of lesson 3's exercises: convolution in one dimension."""

from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import array, function, number, shape


def check_conv1d(conv1d: Callable) -> str:
    rng = np.random.default_rng(34)
    for rows, size, stride, filters in ((7, 3, 2, 2), (9, 4, 3, 3)):
        image, kernel = rng.normal(size=(rows, 4)), rng.normal(size=(size, 4, filters))
        bias = 10.0 * (-1) ** np.arange(filters) + np.arange(filters)
        starts = range(0, rows - size + 1, stride)
        windows = np.stack([image[i : i + size] for i in starts])
        sums = np.tensordot(windows, kernel, 2)
        found = conv1d(image, kernel, bias, stride)
        if found.shape == (rows - size + 1, filters):
            return "That moves the kernel by one row at a time, whatever the stride."
        if found.shape == (-(-rows // stride), filters):
            return "Without padding the kernel stops before it reaches over the end."
        if found.shape != sums.shape:
            return (
                f"{rows} rows, a kernel of {size} and a stride of {stride} give {len(starts)} "
                f"steps, with {filters} filters: {sums.shape}, not {found.shape}."
            )
        for wrong, hint in (
            (sums, "Every filter adds its bias."),
            (sums + size * 4 * bias, "Add the bias once a step, after the sum."),
            (np.tensordot(windows, kernel[::-1], 2) + bias, "The kernel is not turned round."),
            (np.maximum(sums + bias, 0), "That is a convolution with a ReLU behind it."),
        ):
            if np.allclose(found, wrong, atol=0.01):
                return hint
        if not np.allclose(found, sums + bias, atol=0.01):
            return (
                "At each step: multiply the rows under the kernel with it, sum over rows and "
                "features."
            )
    return ""


def check_outputs(answer: object) -> str:
    outputs = array(answer, "the network's outputs, ten for each image")
    if outputs.ndim != 2 or outputs.shape[1] != 10:
        return f"The outputs have ten columns, one a class; yours have shape {outputs.shape}."
    if np.isnan(outputs).any():
        return "They aren't numbers: the loss diverged. Which activation can't divide by 0?"
    if (outputs < 0).any():
        return "A probability is never negative. Which activation doesn't give negative numbers?"
    if np.allclose(outputs.sum(axis=1), 100, atol=6):
        return "These seem to be per cent; hand in the outputs as they are."
    if not np.allclose(outputs.sum(axis=1), 1, atol=0.06):  # with two digits, ten may be off by .05
        return "Each row should sum to 1. Which activation sees to that?"
    if np.isin(outputs, (0, 1)).all():
        return "These are classes, as one-hot rows; hand in what `predict` gives."
    if len(np.unique(outputs.argmax(axis=1))) == 1:
        return "The network names the same class for every image: it has learned nothing."
    if outputs.max(axis=1).mean() < 0.35:
        return "These are hardly surer than a guess. Has the network been trained?"
    return ""


def check_as_columns(as_columns: Callable) -> str:
    images = np.random.default_rng(36).normal(size=(4, 28, 28))
    found = as_columns(images)
    if found.shape != images.shape:
        return f"Four images stay (4, 28, 28); yours have shape {found.shape}."
    columns = images.swapaxes(1, 2)
    for right in (columns, columns[:, ::-1], columns[..., ::-1], columns[:, ::-1, ::-1]):
        if np.allclose(found, right, atol=1e-4):
            return ""
    for wrong, hint in (
        (images, "Nothing has changed: the steps are still the rows."),
        (images[:, ::-1], "Upside down: the steps are still the rows, from the last to the first."),
        (images[..., ::-1], "Mirrored: the steps are still the rows."),
        (images.T.reshape(images.shape), "That mixes the images. Keep the first axis as it is."),
    ):
        if np.allclose(found, wrong, atol=1e-4):
            return hint
    return "Swap rows and columns of each image: step t becomes column t, with its 28 pixels."


CHECKS: dict[str, Callable[[object], str]] = {
    "3.1": shape(
        (12, 64),
        hint="A kernel of 5 fits 28 - 5 + 1 times; pooling by 2 halves that.",
        hints_for_wrong={
            (24, 64): "That is before the pooling.",
            (14, 64): "Without padding a kernel of 5 doesn't fit 28 times.",
            (12, 28): "How many features come out is up to the filters.",
            (12, 32): "Pooling goes along the steps; the features stay as many.",
            (64, 12): "First the steps, then the features.",
            (12, 12, 64): "A 1-D kernel moves in one direction only: steps and features.",
            (12,): "And the features?",
        },
    ),
    "3.2": number(
        9_024,
        hint="One filter has kernel × features weights and a bias.",
        hints_for_wrong={
            8_960: "Almost: every filter has a bias.",
            8_961: "Every filter has a bias of its own.",
            384: "A kernel covers all 28 features of a row, not one.",
            320: "A kernel covers all 28 features of a row, and every filter has a bias.",
            141: "That is one filter; there are 64.",
            1_664: "A 1-D kernel isn't 5 × 5: it covers five whole rows.",
        },
    ),
    "3.3": number(
        float(np.log(1 + 9 / np.e)),
        tolerance=0.005,
        hint="The second softmax gets at best one 1 and nine 0s. Work out what it makes of them, "
        "then take -log.",
        hints_for_wrong={
            np.log(10): "That is the loss of guessing; the best case is a little better.",
            np.e / (np.e + 9): "That is the probability; the loss is its -log.",
            -np.log(1 + 9 / np.e): "Logarithms of probabilities are negative; the loss is not.",
            np.log10(1 + 9 / np.e): "The loss has the natural logarithm, not that to base 10.",
            np.log2(1 + 9 / np.e): "The loss has the natural logarithm, not that to base 2.",
            np.log(np.e + 9): "That is -log of 1 / sum. What stands above the sum?",
        },
    ),
    "3.4": function(check_conv1d),
    "3.5": check_outputs,
    "3.6": function(check_as_columns),
}
