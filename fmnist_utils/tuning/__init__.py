"""Searches for hyperparameters: with Optuna, by one worker or many; and as published."""

from fmnist_utils.recipes.spaces import SPACES, SearchSpace
from fmnist_utils.tuning.search import SAMPLERS, table, tune
from fmnist_utils.tuning.storage import PRUNING

__all__ = ["PRUNING", "SAMPLERS", "SPACES", "SearchSpace", "table", "tune"]
