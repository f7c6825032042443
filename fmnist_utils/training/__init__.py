"""What determines a training (`Recipe`), and how it is done: fitting, changing images, going on."""

from fmnist_utils.training.augmentation import add_copies, renew, transform, views
from fmnist_utils.training.loop import evaluate, fit, predict, soften
from fmnist_utils.training.recipe import Recipe

__all__ = [
    "Recipe",
    "add_copies",
    "evaluate",
    "fit",
    "predict",
    "renew",
    "soften",
    "transform",
    "views",
]
