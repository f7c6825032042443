"""The checks of lesson 5's exercises: searching for hyperparameters."""

from collections.abc import Callable

from fmnist_utils.exercises.value import experiment, function, number, scalar


def check_early_stopping(epochs_trained: Callable) -> str:
    if scalar(epochs_trained([5, 4, 4.5, 4.2, 3], 2)) == 3:
        return "Stop after the epoch that uses patience up; the first epoch is number 1."
    for losses, patience, right, hint in (
        ([5, 4, 4.5, 4.2, 3], 2, 4, "Count the epochs without one that is better than the best."),
        ([1, 2, 3, 4, 5], 3, 4, "Count the epochs since the best one."),
        ([2, 3, 1], 1, 2, "A patience of 1 is used up by one epoch that isn't better."),
        ([3, 2, 2, 2, 2], 2, 4, "Equal is not better."),
        ([5, 4, 3, 2], 2, 4, "Patience never runs out: all epochs are trained."),
        ([3, 4, 2, 4, 1], 2, 5, "A better epoch sets the count back to 0."),
    ):
        if (found := scalar(epochs_trained(losses, patience))) != right:
            return (
                f"With losses {losses} and patience {patience}, yours trains {found:g} epochs. "
                f"{hint}"
            )
    return ""


CHECKS: dict[str, Callable[[object], str]] = {
    "5.1": number(
        208_000,
        hint="Multiply the numbers of values of the eleven hyperparameters.",
        hints_for_wrong={
            106_496: "0, .1, .2, .3, .4 are five values.",
            192_000: "128, 160, …, 512 are thirteen values.",
            104_000: "The learning rate is one of the eleven, too.",
            42: "Each value of one goes with each value of another: multiply, don't add.",
            11: "That is how many hyperparameters there are. How many values has each?",
            2**11: "Some hyperparameters have more than two values.",
        },
    ),
    "5.2": number(
        1 - 0.95**6,
        tolerance=0.005,
        per_cent=True,
        hint="Work out the chance that all six miss, first.",
        hints_for_wrong={
            0.3: "Adding up six times 5 % counts double hits twice.",
            0.95**6: "That is the chance that all six miss.",
            0.05**6: "That is the chance that all six are good.",
            6 * 0.05 * 0.95**5: "That is the chance of exactly one; more may be good.",
            0.05: "That is the chance of a single trial.",
        },
    ),
    "5.3": number(
        3,
        hint="Which set may decide when to stop, and which must not decide anything?",
        hints_for_wrong={
            1: "The split is fine.",
            2: "The callback is fine: it watches what fit gives it.",
            4: "Measuring on the test set at the end is what it is for.",
        },
    ),
    "5.4": function(check_early_stopping),
    "5.5": experiment(),
    "5.6": experiment(),
}
