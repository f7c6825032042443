"""Your own photo: read with mistrust, brought into Fashion-MNIST's form, and answered for."""

from fmnist_utils.photo.answer import best_three
from fmnist_utils.photo.steps import prepare, steps

__all__ = ["best_three", "prepare", "steps"]
