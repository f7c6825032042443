"""Search spaces: which hyperparameters, in which ranges, and the recipe that a choice makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from fmnist_utils import CourseError, course
from fmnist_utils.recipes import Recipe


@dataclass(frozen=True)
class Search:
    """space: each hyperparameter's range. recipe: makes a recipe of one value for each of them.
    trials: how many, if nothing else is asked for."""

    space: Mapping[str, BaseDistribution]
    recipe: Callable[[dict], Recipe]
    trials: int


def _mlp(chosen: dict) -> Recipe:
    return course.mlp(**chosen, id="mlp-searched", epochs=20)


def _cnn(chosen: dict) -> Recipe:
    return course.cnn(**chosen, id="cnn-searched", epochs=8)


_COMMON: dict[str, BaseDistribution] = {
    "learning_rate": FloatDistribution(3e-4, 3e-2, log=True),
    "weight_decay": FloatDistribution(1e-3, 0.3, log=True),
    "label_smoothing": FloatDistribution(0.0, 0.15, step=0.05),
    "batch_size": CategoricalDistribution((64, 128, 256, 512)),
    "schedule": CategoricalDistribution(("constant", "one cycle")),
}
SEARCHES = {
    "mlp": Search(
        {"layers": IntDistribution(1, 4), "width": IntDistribution(128, 1024, step=128),
         "dropout": FloatDistribution(0.0, 0.6, step=0.1),
         "input_dropout": FloatDistribution(0.0, 0.4, step=0.1)} | _COMMON, _mlp, 40),
    "cnn": Search(
        {"width": IntDistribution(8, 32, step=8),
         "dropout": FloatDistribution(0.0, 0.6, step=0.1)} | _COMMON, _cnn, 30),
}  # fmt: skip


def check(search: Search) -> Recipe:
    """The recipe of the space's first corner; raises CourseError if a corner can't be built."""
    if not search.space:
        raise CourseError("The search space is empty: give at least one hyperparameter a range.")
    for end in (1, 0):
        corner = {}
        for name, d in search.space.items():
            if not isinstance(d, BaseDistribution):
                raise CourseError(
                    f"The range of {name!r} is {d!r}; give one of optuna.distributions, such as "
                    "FloatDistribution(0.0, 0.5)."
                )
            ends = d.choices if isinstance(d, CategoricalDistribution) else (d.low, d.high)
            corner[name] = ends[-end]
        try:
            recipe = search.recipe(corner)
            recipe.build()
        except (KeyError, TypeError, ValueError) as error:
            raise CourseError(
                f"The search space holds what can't be built ({corner}): {error}"
            ) from None
    return recipe
