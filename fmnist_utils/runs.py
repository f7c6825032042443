"""The run store: every training is done once, kept as plain files, and found again.

A run is one folder, written whole or not at all:

    run.json      recipe, profile, seed, data, versions, epochs run, parameters, seconds, metrics
    history.csv   one row an epoch
    test.npz      the outputs on the test images (only where the test set was opened)
    model.keras   the trained model
"""

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from fmnist_utils import CourseError, data, evaluation, training
from fmnist_utils.backend import keras, tf
from fmnist_utils.data import Dataset, Splits
from fmnist_utils.places import run_store
from fmnist_utils.profiles import Profile, check_seed
from fmnist_utils.progress import Line
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
    def test_outputs(self) -> np.ndarray:
        """The network's outputs on the test images, float32 (n, 10)."""
        with np.load(self.folder / "test.npz", allow_pickle=False) as arrays:
            return arrays["outputs"]

    @cached_property
    def model(self) -> keras.Model:
        return keras.models.load_model(self.folder / "model.keras")

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The network's outputs for uint8 images (n, 28, 28): float32 (n, 10)."""
        return training.predict(self.recipe, self.model, images)


def train(
    recipes: Recipe | Iterable[Recipe], dataset: Dataset, profile: Profile, seed: int = 0
) -> Run | list[Run]:
    """Train a recipe, or each of several; what was trained before is found instead.

    The test set is opened for published recipes only, once, after the last epoch; a variant is
    judged on the validation images. Returns a Run, or a list of them in the order given.
    """
    check_seed(seed)
    data.refuse_stand_in(dataset, profile)
    alone, line, done = isinstance(recipes, Recipe), Line(), []
    todo = [recipes] if alone else list(recipes)
    for number, recipe in enumerate(todo, start=1):
        before = "" if alone else f"{number} of {len(todo)} · "
        done.append(_train_one(recipe, dataset, profile, seed, line, before))
    line.close(_summary(done[0]) if alone else f"{len(done)} models trained")
    return done[0] if alone else done


def _summary(run: Run) -> str:
    last = run.history.iloc[-1]
    text = f"{run.recipe.id} · {len(run.history)} epochs · loss {last.loss:.3f}"
    text += f" · accuracy {last.accuracy:.3f}"
    if "val_accuracy" in last:
        text += f" · validation accuracy {last.val_accuracy:.3f}"
    return text


def _train_one(
    recipe: Recipe, dataset: Dataset, profile: Profile, seed: int, line: Line, before: str
) -> Run:
    key = _key(recipe, dataset, profile, seed)
    folder = run_store() / _folder_name(recipe, profile, seed, key)
    if (found := _load(recipe, folder, key)) is not None:
        return found
    epochs = profile.epochs(recipe.epochs)
    line.show(f"{before}{recipe.id} · preparing")

    def report(epoch: int, logs: dict[str, float]) -> None:
        line.show(f"{before}{recipe.id} · epoch {epoch} of {epochs} · loss {logs['loss']:.3f}"
                  f" · accuracy {logs['accuracy']:.3f}")  # fmt: skip

    splits = data.split(dataset, recipe.validation, profile)
    checkpoints = folder.with_name(f"{folder.name}.checkpoints")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise CourseError(
            f"Runs can't be kept in {folder.parent} ({error.strerror}); set FMNIST_RUNS_DIR to a "
            "folder that you may write to."
        ) from None
    try:
        model, history = training.fit(recipe, splits, epochs, seed, checkpoints, report)
        record = {
            "key": key,
            "source": dataset.source,
            "profile": profile.name,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "epochs_run": len(history),
            "parameters": model.count_params(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "threads": int(os.environ.get("TF_NUM_INTRAOP_THREADS") or os.cpu_count() or 1),
            "train_seconds": round(float(history.seconds.sum()), 3),
            "metrics": _measure(recipe, model, splits, temporary),
        }
        history.to_csv(temporary / "history.csv", index=False)
        model.save(temporary / "model.keras")
        (temporary / "run.json").write_text(json.dumps(record, indent=1))
        if not folder.exists():  # else another process was first, with the same result
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return Run(recipe, folder, record)


def _measure(recipe: Recipe, model: keras.Model, splits: Splits, folder: Path) -> dict[str, float]:
    metrics, parts = {}, {"val": splits.validation}
    if recipe.reported:
        parts |= {"train": splits.train, "test": splits.test}
    for name, part in parts.items():
        if len(part.labels):
            outputs = training.predict(recipe, model, part.images)
            values = evaluation.scores(part.labels, outputs, recipe.loss)
            metrics |= {f"{name}_{metric}": value for metric, value in values.items()}
            if name == "train":
                confusion = evaluation.confusion(part.labels, outputs).to_numpy()
    if recipe.reported:
        np.savez_compressed(folder / "test.npz", outputs=outputs, train_confusion=confusion)
    return metrics


def _key(recipe: Recipe, dataset: Dataset, profile: Profile, seed: int) -> dict:
    """Everything that determines a run's result, as it stands in run.json."""
    facts = asdict(recipe)
    for told in ("source", "unstated", "reported"):  # what is said of a recipe changes no weight
        del facts[told]
    facts = {
        "recipe": facts,
        "data": dataset.fingerprint,
        "images": [profile.train_images, profile.validation_images, profile.test_images],
        "epochs": profile.epochs(recipe.epochs),
        "seed": seed,
        "opens_test": bool(recipe.reported),
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "training": VERSION},
    }
    return json.loads(json.dumps(facts))


def _folder_name(recipe: Recipe, profile: Profile, seed: int, key: dict) -> str:
    readable = re.sub(r"[^a-z0-9]+", "-", recipe.id.lower()).strip("-")[:40]
    digest = hashlib.blake2b(json.dumps(key, sort_keys=True).encode(), digest_size=4).hexdigest()
    return f"{readable}.{profile}.seed{seed}.{digest}"


def _load(recipe: Recipe, folder: Path, key: dict) -> Run | None:
    if not folder.exists():
        return None
    try:
        record = json.loads((folder / "run.json").read_text())
        files = ["history.csv", "model.keras", *(["test.npz"] if key["opens_test"] else [])]
        if record["key"] == key and all((folder / name).is_file() for name in files):
            return Run(recipe, folder, record)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise CourseError(
        f"{folder} is in the place of a finished run but is none; move it away and start again."
    )
