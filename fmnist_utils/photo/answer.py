"""A network's answer in words. (Without TensorFlow: a photo that is none is refused at once.)"""

from collections.abc import Callable

import numpy as np

from fmnist_utils.data import CLASS_NAMES

SURE = 0.6  # below this probability the answer is called unsure
COVER = 6  # pixels of the side of the square that covers a place


def best_three(probabilities: np.ndarray) -> str:
    """The best three of ten classes in per cent, and whether the network is unsure.

    probabilities: float (10,), one output a class.
    """
    best = np.argsort(-probabilities, kind="stable")[:3]
    lines = [f"  {CLASS_NAMES[digit]:<12}{100 * probabilities[digit]:6.1f} %" for digit in best]
    if unsure(probabilities):
        first, second = (CLASS_NAMES[digit] for digit in best[:2])
        lines.append(f"  The network is unsure: {first} is its best guess, {second} the next.")
    return "\n".join(lines)


def unsure(probabilities: np.ndarray) -> bool:
    """Whether the largest of ten probabilities is too small to rely on."""
    return bool(probabilities.max() < SURE)


def occlusion(predict: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """How far the probability of the network's answer falls where the image is covered: (28, 28).

    A square of 6 x 6 pixels, painted black, goes over the image in steps of two; each pixel gets
    the mean over all squares that covered it. (Lesson 4 writes it out.)
    predict: probabilities (n, 10) for uint8 images (n, 28, 28). image: uint8 (28, 28).
    """
    corners = range(0, len(image) - COVER + 1, 2)
    places = [
        np.s_[row : row + COVER, column : column + COVER] for row in corners for column in corners
    ]
    covered = np.repeat(image[None], len(places) + 1, axis=0)
    for picture, place in zip(covered, places, strict=False):
        picture[place] = 0
    found = predict(covered)
    chances = found[:, found[-1].argmax()]  # the last one is the image itself
    fall, times = np.zeros(image.shape), np.zeros(image.shape)
    for chance, place in zip(chances, places, strict=False):
        fall[place] += chances[-1] - chance
        times[place] += 1
    return fall / times


def reliance(source: str, test_accuracy: float) -> str:
    """What such an answer is worth, in one or two lines.

    source: of the data that the model was trained on. test_accuracy: a fraction.
    """
    if source != "Fashion-MNIST":
        return (
            "This model has learned from the drawn stand-in, not from Fashion-MNIST: what it says "
            "about a real photo means nothing."
        )
    return (
        f"This model names {100 * test_accuracy:.0f} % of Fashion-MNIST's test images rightly. "
        "Expect less on your photos:\nit has seen one shop's pictures only, and gives one of its "
        "ten names even to a teapot."
    )
