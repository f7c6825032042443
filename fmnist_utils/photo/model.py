"""The model that answers for a photo: chosen, and trained where it hasn't been."""

from fmnist_utils import data, runs
from fmnist_utils.messages import CourseError
from fmnist_utils.profiles import Profile
from fmnist_utils.recipes import MODELS
from fmnist_utils.runs import Run
from fmnist_utils.training import Recipe


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
