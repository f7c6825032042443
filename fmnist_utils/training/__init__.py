"""What determines a training (`Recipe`), and how it is done: fitting, changing images, going on."""

from fmnist_utils.training.augmentation import add_copies, renew, transform, views
from fmnist_utils.training.loop import evaluate, fit, predict
from fmnist_utils.training.recipe import Recipe
from fmnist_utils.training.teaching import Teachers

__all__ = [
    "Recipe",
    "Teachers",
    "add_copies",
    "evaluate",
    "fit",
    "predict",
    "renew",
    "transform",
    "views",
]
