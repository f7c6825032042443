"""The network that answers for photos: one that comes trained, or one that is trained here."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fmnist_utils import data, evaluation, models, runs
from fmnist_utils.messages import CourseError
from fmnist_utils.profiles import Profile
from fmnist_utils.recipes import MODELS, SHIPPED
from fmnist_utils.training import Recipe

RECIPES = {**MODELS, **SHIPPED}


@dataclass(frozen=True)
class Network:
    """A trained network, and what is known of it.

    outputs: a function of uint8 images (n, 28, 28) that gives ten probabilities each. source: of
    the data that it was trained on. test_accuracy: a fraction. temperature: see `evaluation`.
    """

    outputs: Callable[[np.ndarray], np.ndarray]
    source: str
    test_accuracy: float
    temperature: float

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Probabilities at the network's temperature, for uint8 images (n, 28, 28): float32
        (n, 10)."""
        return evaluation.at_temperature(self.outputs(images), self.temperature)


def shipped(id: str) -> Network:
    """A network that comes trained with the course; CourseError for another."""
    card, model = models.card(id), models.shipped(id)

    def outputs(images: np.ndarray) -> np.ndarray:
        return model(images[..., None].astype("float32") / 255, training=False).numpy()

    return Network(
        outputs,
        card["data"].partition(":")[0],
        card["test"]["accuracy"],
        card["calibration"]["temperature"],
    )


def recipe_of(id: str) -> Recipe:
    """The model called `id`, one of the course's or one that comes trained.

    Raises CourseError if there is no such model, or if its outputs are no probabilities.
    """
    if id not in RECIPES:
        raise CourseError(f"{id!r} is not a model; choose one of {', '.join(RECIPES)}.")
    last = RECIPES[id].options.get("head", ("softmax",))[-1]
    if last != "softmax":
        raise CourseError(
            f"{id} ends in {last}, so its outputs are no probabilities; choose another --model."
        )
    return RECIPES[id]


def trained(recipe: Recipe, profile: Profile) -> Network:
    """The recipe's network, seed 0: found, or trained now; a line says which."""
    dataset = data.load(profile)
    found = runs.find(recipe, dataset, profile) is not None
    how = "was trained before" if found else "is trained first, and kept for the next time"
    print(f"{recipe.id} {how} (profile {profile}, {dataset.source}).", flush=True)
    run = runs.train(recipe, dataset, profile)
    return Network(
        run.predict,
        run.record["source"],
        run.metrics["test_accuracy"],
        evaluation.temperature(run.test_labels, run.test_outputs),
    )
