"""The run store's layout: what a finished run is, and how it is found again.

A run is one folder, written whole or not at all:

    run.json      recipe, profile, seed, data, versions, epochs run, parameters, seconds, metrics
    history.csv   one row an epoch
    test.npz      outputs on the test images and their labels, confusion matrix on the training
                  images (only where the test set was opened)
    model.keras   the trained model (not in the reference)
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from fmnist_utils import CourseError, evaluation, training
from fmnist_utils.backend import keras, tf
from fmnist_utils.data import Dataset
from fmnist_utils.profiles import Profile
from fmnist_utils.recipes import Recipe

VERSION = 2  # to be raised when a change in the code changes what a training gives


@dataclass(frozen=True)
class Run:
    """A finished training. `record` is run.json; the rest is read when it is asked for."""

    recipe: Recipe
    folder: Path
    record: dict

    @property
    def metrics(self) -> dict[str, float]:
        """Loss, accuracy, precision, recall, f1 with val_, and for published recipes also with
        train_ and test_, in front."""
        return self.record["metrics"]

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row an epoch: epoch, seconds, loss, accuracy, val_loss, val_accuracy."""
        return pd.read_csv(self.folder / "history.csv")

    @cached_property
    def _test(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "test.npz", allow_pickle=False) as arrays:
            return dict(arrays)

    @property
    def test_outputs(self) -> np.ndarray:
        """The network's outputs on the test images, float32 (n, 10); of published recipes only."""
        return self._test["outputs"].astype(np.float32)

    @property
    def test_labels(self) -> np.ndarray:
        """The test images' classes, uint8 (n,)."""
        return self._test["labels"]

    @property
    def train_confusion(self) -> pd.DataFrame:
        """The confusion matrix on the training images (of published recipes only)."""
        return evaluation.as_confusion(self._test["train_confusion"])

    @cached_property
    def model(self) -> keras.Model:
        return keras.models.load_model(self.folder / "model.keras")

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The network's outputs for uint8 images (n, 28, 28): float32 (n, 10)."""
        return training.predict(self.recipe, self.model, images)


def make_key(recipe: Recipe, dataset: Dataset, profile: Profile, seed: int) -> dict:
    """Everything that determines a run's result, as it stands in run.json."""
    facts = asdict(recipe)
    for told in ("source", "unstated", "reported"):  # what is said of a recipe changes no weight
        del facts[told]
    # Fields younger than the first reference runs, whose keys lack them.
    for young, usual in (("changes", {}), ("schedule", "constant"), ("weight_decay", 0.0),
                         ("label_smoothing", 0.0), ("class_weights", {}),
                         ("averaging", 0.0)):  # fmt: skip
        if facts[young] == usual:
            del facts[young]
    facts = {
        "recipe": facts,
        "data": dataset.fingerprint,
        "images": [profile.train_images, profile.validation_images, profile.test_images],
        "epochs": profile.epochs(recipe.epochs),
        "seed": seed,
        "opens_test": recipe.opens_test,
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "training": VERSION},
    }
    return json.loads(json.dumps(facts))


def folder_name(recipe: Recipe, profile: Profile, seed: int, key: dict) -> str:
    readable = re.sub(r"[^a-z0-9]+", "-", recipe.id.lower()).strip("-")[:40]
    return f"{readable}.{profile}.seed{seed}.{digest(key)}"


def digest(key: dict) -> str:
    """Eight hexadecimal digits that stand for a key."""
    return hashlib.blake2b(json.dumps(key, sort_keys=True).encode(), digest_size=4).hexdigest()


def find(
    recipe: Recipe, folder: Path, extra_files: Iterable[str] = (), key: dict | None = None
) -> Run | None:
    """The finished run that a folder holds; None if there is no such folder.

    Raises CourseError if the folder holds anything else: no run of this recipe, a part of one,
    or, where a key is given, a run with another key.
    """
    if not folder.exists():
        return None
    try:
        record = json.loads((folder / "run.json").read_text())
        found = record["key"]
        files = ["history.csv", *extra_files, *(["test.npz"] if found["opens_test"] else [])]
        whole = all((folder / name).is_file() for name in files) and record["metrics"]
        if whole and found["recipe"]["id"] == recipe.id and key in (None, found):
            return Run(recipe, folder, record)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise CourseError(
        f"{folder} is in the place of a finished run but is none; move it away and start again."
    )
