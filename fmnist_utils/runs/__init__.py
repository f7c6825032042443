"""Trainings, each done once and found again; several at a time; what a finished run is."""

from fmnist_utils.data.places import run_store
from fmnist_utils.runs.files import Run
from fmnist_utils.runs.store import find, train, train_as_published

__all__ = ["Run", "find", "run_store", "train", "train_as_published"]
