"""The exercises whose answer is a number, and how near to it an answer must come."""

from collections.abc import Callable

import numpy as np

# Exercises whose answer is a number: the answer, how exact it must be (relative), the hint, and
# better hints for some wrong answers.
# fmt: off
NUMBERS: dict[str, tuple[float, float, str, dict[float, str]]] = {
    "1.1": (60_000 * 784 * 4 / 1e6, 0.01, "Multiply images × pixels × bytes; 1 MB is 10⁶ bytes.", {
        47: "That is one byte a pixel, uint8. How many has float32?",
        376: "That is eight bytes a pixel, float64. How many has float32?"}),
    "1.3": (90_000, 0.001, "Solve sqrt(p (1 - p) / n) = 0.001 for n.", {
        900: "You took .1 for .1 points; a point is .01, so .1 points are .001.",
        300: "You forgot to square."}),
    "2.1": (79_510, 0, "Each Dense layer has inputs × units weights, and units biases.", {
        79_400: "Almost: every unit has a bias, too.",
        82_646: "There is no batch normalisation in this one."}),
    "2.3": (4, 0, "Compare, line by line, what happens to the training and to the test images.", {
        1: "Loading is fine.", 2: "This is as it should be. Is it done to both sets?",
        3: "Training is fine."}),
    "3.2": (9_024, 0, "One filter has kernel × features weights and a bias.", {
        8_960: "Almost: every filter has a bias.",
        384: "A kernel covers all 28 features of a row, not one."}),
    "3.3": (float(np.log(1 + 9 / np.e)), 0.005, "The second softmax gets at best one 1 and nine "
            "0s. Work out what it makes of them, then take -log.", {
        2.3026: "That is the loss of guessing; the best case is a little better."}),
    "4.2": (10, 0, "Every layer adds (kernel - 1) × the product of the strides so far.", {
        8: "You stopped before the last pooling.",
        5: "Strides multiply: after a pooling of 2, a step is two pixels of the image."}),
    "5.1": (208_000, 0, "Multiply the numbers of values of the eleven hyperparameters.", {
        106_496: "0, .1, .2, .3, .4 are five values.",
        192_000: "128, 160, …, 512 are thirteen values."}),
    "5.2": (1 - 0.95**6, 0.005, "Work out the chance that all six miss, first.", {
        0.3: "Adding up six times 5 % counts double hits twice.",
        0.735: "That is the chance that all six miss."}),
    "5.3": (3, 0, "Which set may decide when to stop, and which must not decide anything?", {
        1: "The split is fine.", 2: "The callback is fine: it watches what fit gives it.",
        4: "Measuring on the test set at the end is what it is for."}),
    "6.1": (1 / 3, 0.005, "Ten classes had one share each; now two of them have two.", {
        0.2: "That is the share before.", 0.4: "The whole has grown, too."}),
    "6.3": (3, 0, "After which line does an image no longer stand beside its own label?", {
        1: "The copies are fine.", 2: "The copies get the labels of their originals: fine.",
        4: "Fit takes what it gets."}),
    "7.1": (100 * 500**0.5 / 10_000, 0.01, "Of 10,000 differences, 500 are 1 or -1. What is their "
            "standard deviation, and what that of their mean?", {
        0.286: "That is the error of one model's accuracy. Both see the same images.",
        0.405: "That would be so if each had test images of its own.",
        0.0022: "In points, please: per cent."}),
    "7.2": (1 - 0.95**20, 0.005, "Work out the chance that all twenty tests stay silent, first.", {
        1.0: "Adding up twenty times 5 % counts some cases twice.",
        0.358: "That is the chance that all stay silent."}),
    "7.3": (2, 0, "At which step do the test images decide something?", {
        1: "Training is fine.", 3: "The average is fine: nothing is chosen there.",
        4: "Measuring on the test set at the end is what it is for."}),
    "8.1": (9 * 48 * 96 * 196, 0, "Each of the 3 × 3 × 48 × 96 weights is used once a place.", {
        41_472: "Those are the weights; each is used at every place.",
        169_344: "Each new map looks at all 48 old ones, not at one.",
        84_672: "Each of the 96 new maps has filters of its own."}),
    "8.2": (2, 0.001, "How many seconds does the epoch take then?", {
        3: "Only the convolutions get faster; the other 10 seconds stay."}),
    "8.3": (2, 0, "A model's first call compiles. Whose compiling is measured?", {
        1: "That call isn't timed. What did it do for the new model?",
        3: "The new model has been called before, so it is measured fairly.",
        4: "The ratio is the right way round."}),
}
# fmt: on


def number_check(
    right: float, tolerance: float, hint: str, better: dict[float, str]
) -> Callable[[object], str]:
    def compare(answer: object) -> str:
        value = float(answer)
        if abs(value - right) <= tolerance * right:
            return ""
        return next((text for near, text in better.items() if abs(value / near - 1) < 0.01), hint)

    return compare
