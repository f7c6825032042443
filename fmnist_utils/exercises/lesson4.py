"""The checks of lesson 4's exercises: convolution in two dimensions."""

import contextlib
from collections.abc import Callable

import numpy as np

from fmnist_utils.exercises.value import array, function, number, shape

check_width = number(
    14,
    hint="Every layer adds (kernel - 1) × the product of the strides so far.",
    hints_for_wrong={
        12: "You stopped before the last pooling, or added up the sizes.",
        9: "Strides multiply: after a pooling of 2, a step is two pixels of the image.",
        11: "Poolings see more, too.",
        7: "Poolings see more, too, and their strides multiply.",
        4: "That is after the first pooling.",
        196: "How wide, not how many pixels in all.",
    },
)


def check_receptive_field(answer: object) -> str:
    sizes = array(answer, "one number")
    return check_width(sizes[0] if sizes.shape == (2,) and sizes[0] == sizes[1] else answer)


check_share = number(
    66 / 68,
    tolerance=1e-4,
    per_cent=True,
    hint="How many were right, of how many in all?",
    hints_for_wrong={
        2.5 / 3: "The last batch is smaller; its images must not count more than the others.",
        1: "The last batch counts, too.",
        66 / 96: "The last batch is smaller: there are fewer images in all.",
        66: "That is how many were right. Of how many?",
        68 / 66: "The other way round: an accuracy is at most 1.",
    },
)


def check_accuracy(accuracy: Callable) -> str:
    return check_share(accuracy(np.array([32, 32, 2]), np.array([32, 32, 4])))


def check_max_pool(max_pool: Callable) -> str:
    rng = np.random.default_rng(44)
    for rows, columns in ((7, 6), (4, 9), (2, 3), (8, 8)):
        image = rng.normal(size=(rows, columns)) - 5
        r, c = rows // 2, columns // 2
        blocks = image[: 2 * r, : 2 * c].reshape(r, 2, c, 2)
        found = max_pool(image)
        if found.shape != (r, c):
            return (
                f"A {rows} × {columns} image gives {r} × {c} (an odd row or column is dropped, "
                f"blocks don't overlap), not {found.shape}."
            )
        if np.allclose(found, blocks.mean(axis=(1, 3))):
            return "That is average pooling."
        if np.allclose(found, blocks.min(axis=(1, 3))):
            return "You take the smallest of each block."
        if not np.allclose(found, blocks.max(axis=(1, 3))):
            return "Take the largest of each 2 × 2 block, from the upper left corner on."
    with contextlib.suppress(Exception):  # Keras doesn't take an image without a whole block either
        if max_pool(np.ones((1, 6))).size:
            return "A 1 × 6 image holds no whole block: nothing is left of it."
    return ""


CHECKS: dict[str, Callable[[object], str]] = {
    "4.1": shape(
        (14, 14, 8),
        hint="With padding 'same' the size is 28 / stride; then the filters.",
        hints_for_wrong={
            (14, 14): "And how many feature maps?",
            (14, 8): "Rows and columns, both.",
            (14, 14, 1): "Every filter makes a feature map of its own.",
            (12, 12, 8): "That is without padding.",
            (28, 28, 8): "That would be a stride of 1.",
            (24, 24, 8): "That is without padding, and with a stride of 1.",
            (8, 14, 14): "First the rows and columns, then the feature maps.",
            (14, 14, 5): "5 is the size of the kernel, not the number of filters.",
        },
    ),
    "4.2": check_receptive_field,
    "4.3": function(check_accuracy),
    "4.4": function(check_max_pool),
    "4.5": number(
        2,
        hint="Which of the two networks knows which pixels are neighbours?",
        hints_for_wrong={
            1: "An MLP's weights can take the pixels' new order, and all is as before.",
            3: "Whom do the pixels' places concern? Train both, and compare.",
            4: "To one of them the neighbours of a pixel matter. Train both, and compare.",
        },
    ),
    "4.6": number(
        650,
        hint="The convolution has 3 × 3 weights and a bias a filter, the last layer 32 inputs.",
        hints_for_wrong={
            330: "That is the last layer. And the convolution?",
            320: "That is the convolution. And the last layer?",
            640: "The ten units of the last layer have biases, too.",
            618: "Every filter has a bias, too.",
            54_410: "The pooling leaves one number a map: the last layer reads 32, not 5,408.",
            216_650: "The pooling leaves one number a map, not 26 × 26 of them.",
        },
    ),
}
