"""Searches for hyperparameters: with Optuna, by one worker or many; and as published."""

from fmnist_utils.recipes.spaces import SPACES, SearchSpace
from fmnist_utils.tuning.search import METHODS, PRUNING, table, tune

__all__ = ["METHODS", "PRUNING", "SPACES", "SearchSpace", "table", "tune"]
