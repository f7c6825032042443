"""A run's files: what a finished run is, how it is written and read, here and in the reference.

A run is one folder, written whole or not at all:

    run.json      recipe, profile, seed, data, versions, epochs run, parameters, seconds, metrics
    history.csv   one row an epoch
    test.npz      outputs on the test images and their labels, confusion matrix on the training
                  images (only where the test set was opened)
    model.keras   the trained model (not in the reference, where outputs are rounded)
"""

import errno
import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from fmnist_utils import evaluation, training
from fmnist_utils.data import Dataset
from fmnist_utils.messages import CourseError
from fmnist_utils.models.backend import keras, tf
from fmnist_utils.profiles import Profile
from fmnist_utils.training import Recipe

VERSION = 2  # to be raised when a change in the code changes what a training gives
SAID_OF_A_RECIPE = ("source", "unstated", "reported")  # words and figures, which change no weight
ABOUT_TEACHERS = ("teacher", "teachers", "temperature")


@dataclass(frozen=True)
class Run:
    """A finished training. `record` is run.json; the rest is read when it is asked for."""

    recipe: Recipe
    folder: Path
    record: dict

    @property
    def metrics(self) -> dict[str, float]:
        """Loss (what was minimised, penalties included), cross-entropy, accuracy, precision,
        recall and f1 with val_, and where the test set was opened also with train_ and test_, in
        front; averaged_accuracy, over several views, with val_ or test_, where images are changed.
        (Runs of older versions have no cross-entropy.)"""
        return self.record["metrics"]

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row an epoch: epoch, seconds, loss, accuracy, val_loss, val_accuracy."""
        return pd.read_csv(self.folder / "history.csv")

    @cached_property
    def _test(self) -> dict[str, np.ndarray]:
        if not self.recipe.opens_test:
            raise CourseError(
                f"{self.recipe.id} leaves the test set closed; judge it on its validation images."
            )
        with np.load(self.folder / "test.npz", allow_pickle=False) as arrays:
            return dict(arrays)

    @property
    def test_outputs(self) -> np.ndarray:
        """The network's outputs on the test images, float32 (n, 10); only where the
        test set was opened."""
        return self._test["outputs"].astype(np.float32)

    @property
    def test_labels(self) -> np.ndarray:
        """The test images' classes, uint8 (n,)."""
        return self._test["labels"]

    @property
    def train_confusion(self) -> pd.DataFrame:
        """The confusion matrix on the training images (only where the test set was opened)."""
        return evaluation.as_confusion(self._test["train_confusion"])

    @cached_property
    def model(self) -> keras.Model:
        """Raises CourseError for a run of the reference, which has no models."""
        if not (self.folder / "model.keras").is_file():
            raise CourseError(
                f"{self.folder.name} is kept without its model; train it with `runs.train`."
            )
        return keras.models.load_model(self.folder / "model.keras")

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The network's outputs for uint8 images (n, 28, 28): float32 (n, 10)."""
        return training.predict(self.recipe, self.model, images)


def make_key(recipe: Recipe, dataset: Dataset, profile: Profile, seed: int) -> dict:
    """Everything that determines a run's result, as it stands in run.json."""
    key = {
        "recipe": _settings_of(recipe),
        "data": dataset.fingerprint,
        "images": [profile.train_images, profile.validation_images, profile.test_images],
        "epochs": profile.epochs(recipe.epochs),
        "seed": seed,
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "training": VERSION},
    }
    return json.loads(json.dumps(key))


def _settings_of(recipe: Recipe) -> dict:
    settings = {name: one for name, one in asdict(recipe).items() if name not in SAID_OF_A_RECIPE}
    if recipe.teacher is not None:
        return settings | {"teacher": _settings_of(recipe.teacher)}
    # As before there were teachers: runs of that time keep their keys.
    return {name: one for name, one in settings.items() if name not in ABOUT_TEACHERS}


def settings_digest(recipe: Recipe) -> str:
    """Eight digits for a recipe's settings and how trainings are made, whatever the data."""
    return digest({"recipe": _settings_of(recipe), "training": VERSION})


def folder_name(recipe: Recipe, profile: Profile, seed: int, key: dict) -> str:
    """What a run's folder in the run store is called; two keys, two names."""
    readable = re.sub(r"[^a-z0-9]+", "-", recipe.id.lower()).strip("-")[:40]
    return f"{readable}.{profile}.seed{seed}.{digest(key)}"


def digest(key: dict) -> str:
    """Eight hexadecimal digits that stand for a key."""
    return hashlib.blake2b(json.dumps(key, sort_keys=True).encode(), digest_size=4).hexdigest()


def read(recipe: Recipe, folder: Path, key: dict | None = None) -> Run | None:
    """The finished run that a folder holds; None if there is no such folder.

    key: of a run in the run store, which keeps its model; None: a run of the reference.
    Raises CourseError if the folder holds anything else: no run of this recipe, a part of one, or a
    run with another key.
    """
    if not folder.exists():
        return None
    try:
        record = json.loads((folder / "run.json").read_text("utf-8"))
        found = record["key"]
        files = ["history.csv"]
        files += ["test.npz"] if found["recipe"]["opens_test"] else []
        whole = "metrics" in record and all((folder / name).is_file() for name in files)
        whole = whole and (key is None or zipfile.is_zipfile(folder / "model.keras"))
        if whole and found["recipe"]["id"] == recipe.id and key in (None, found):
            return Run(recipe, folder, record)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise CourseError(
        f"{folder} is in the place of a finished run but is none; move it away and start again."
    )


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write a run into, which becomes `folder` once all is written.

    Where another process has finished the same run meanwhile, that one stays: it is equal.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
    unfinished.mkdir()
    try:
        yield unfinished
        try:
            unfinished.rename(folder)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write(
    folder: Path,
    record: dict,
    history: pd.DataFrame,
    model: keras.Model,
    test: dict[str, np.ndarray],
) -> None:
    """Write a run's files into an empty folder. test: what goes into test.npz; empty: nothing."""
    history.to_csv(folder / "history.csv", index=False)
    model.save(folder / "model.keras")
    if test:
        np.savez_compressed(folder / "test.npz", **test)
    (folder / "run.json").write_text(json.dumps(record, indent=1))


def write_without_model(folder: Path, run: Run) -> None:
    """Write a run that opened the test set as the reference keeps it, small."""
    (folder / "run.json").write_text(json.dumps(run.record, indent=1))
    run.history.round(6).to_csv(folder / "history.csv", index=False)
    write_arrays(
        folder / "test.npz",
        outputs=rounded(run.test_outputs),
        labels=run.test_labels,
        train_confusion=run.train_confusion.to_numpy(np.int32),
    )


def write_arrays(file: Path, **arrays: np.ndarray) -> None:
    """Write what `np.load` reads, as `np.savez_compressed` does, but packed by bzip2: a tenth less
    for rounded outputs."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def rounded(outputs: np.ndarray) -> np.ndarray:
    """Outputs (n, 10) as float16 with 7 significant bits, which compress well.

    The relative error is below 1 % for outputs above 6e-5, where float16 has all its bits, and no
    prediction changes: where rounding would make another output the largest, or equally large, the
    right one is raised.
    """
    mantissa, exponent = np.frexp(outputs)
    short = np.ldexp(np.round(128 * mantissa) / 128, exponent).astype(np.float16)
    winner = outputs.argmax(axis=1)
    lost = np.flatnonzero(short.argmax(axis=1) != winner)
    highest = short[lost].max(axis=1)
    short[lost, winner[lost]] = highest + np.maximum(np.abs(highest) / 512, np.float16(1e-6))
    return short
