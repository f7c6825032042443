"""Search spaces: which hyperparameters, in which ranges, and the recipe that a choice makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from fmnist_utils.recipes import course
from fmnist_utils.training import Recipe


@dataclass(frozen=True)
class SearchSpace:
    """ranges: of each hyperparameter. recipe: makes a recipe of one value for each of them.
    trials: how many, if nothing else is asked for."""

    ranges: Mapping[str, BaseDistribution]
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
SPACES = {
    "mlp": SearchSpace(
        {
            "layers": IntDistribution(1, 4),
            "width": IntDistribution(128, 1024, step=128),
            "dropout": FloatDistribution(0.0, 0.6, step=0.1),
            "input_dropout": FloatDistribution(0.0, 0.4, step=0.1),
        }
        | _COMMON,
        _mlp,
        40,
    ),
    "cnn": SearchSpace(
        {"width": IntDistribution(8, 32, step=8), "dropout": FloatDistribution(0.0, 0.6, step=0.1)}
        | _COMMON,
        _cnn,
        30,
    ),
}
