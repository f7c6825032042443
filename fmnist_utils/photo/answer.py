"""A network's answer in words. (Without TensorFlow: a photo that is none is refused at once.)"""

import numpy as np

from fmnist_utils.data import CLASS_NAMES

SURE = 0.6  # below this probability the answer is called unsure


def best_three(probabilities: np.ndarray) -> str:
    """The best three of ten classes in per cent, and whether the network is unsure.

    probabilities: float (10,), one output a class.
    """
    best = np.argsort(-probabilities, kind="stable")[:3]
    lines = [f"  {CLASS_NAMES[digit]:<12}{100 * probabilities[digit]:6.1f} %" for digit in best]
    if probabilities[best[0]] < SURE:
        first, second = (CLASS_NAMES[digit] for digit in best[:2])
        lines.append(f"  The network is unsure: {first} is its best guess, {second} the next.")
    return "\n".join(lines)


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
        f"This model names {100 * test_accuracy:.0f} % of Fashion-MNIST's test "
        "images rightly, and fewer photos:\nit has seen nothing but a shop's pictures, and gives "
        "one of its ten names even to a teapot."
    )
