"""What is in your photos? A model's answer, in words."""

import numpy as np

from fmnist_utils import data, runs
from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.errors import CourseError
from fmnist_utils.profiles import Profile
from fmnist_utils.recipes import MODELS
from fmnist_utils.runs import Run
from fmnist_utils.training import Recipe

SURE = 0.6  # below this probability the answer is called unsure


def recipe_of(id: str) -> Recipe:
    """The model called `id`.

    Raises CourseError if there is no such model, or if its outputs are no probabilities.
    """
    if id not in MODELS:
        raise CourseError(f"{id!r} is not a model; choose one of {', '.join(MODELS)}.")
    last = MODELS[id].options.get("head", ("softmax",))[-1]
    if last != "softmax":
        raise CourseError(
            f"{id} ends in {last}, so its outputs are no probabilities; choose another --model."
        )
    return MODELS[id]


def trained(recipe: Recipe, profile: Profile) -> Run:
    """The recipe's model, seed 0: found, or trained now; a line says which."""
    dataset = data.load(profile)
    found = runs.find(recipe, dataset, profile) is not None
    how = "was trained before" if found else "is trained first, and kept for the next time"
    print(f"{recipe.id} {how} (profile {profile}, {dataset.source}).", flush=True)
    return runs.train(recipe, dataset, profile)


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


def reliance(run: Run) -> str:
    """What such an answer is worth, in one or two lines."""
    if run.record["source"] != "Fashion-MNIST":
        return (
            "This model has learned from the drawn stand-in, not from Fashion-MNIST: what it says "
            "about a real photo means nothing."
        )
    return (
        f"This model names {100 * run.metrics['test_accuracy']:.0f} % of Fashion-MNIST's test "
        "images rightly, and fewer photos:\nit has seen nothing but a shop's pictures, and gives "
        "one of its ten names even to a teapot."
    )
