"""Every training is done once: kept in the run store, whole or not at all, and found again."""

import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fmnist_utils import CourseError, data, evaluation, store, training
from fmnist_utils.backend import keras
from fmnist_utils.data import Dataset, Splits
from fmnist_utils.places import run_store
from fmnist_utils.profiles import Profile, check_seed
from fmnist_utils.progress import Line
from fmnist_utils.recipes import Recipe
from fmnist_utils.store import Run


def train(
    recipes: Recipe | Iterable[Recipe],
    dataset: Dataset,
    profile: Profile,
    seed: int = 0,
    place: Path | None = None,
) -> Run | list[Run]:
    """Train a recipe, or each of several; what was trained before is found instead.

    The test set is opened once, after the last epoch, and only if the recipe's `opens_test` says
    so; a variant is judged on the validation images. Returns a Run, or a list of them in the order
    given.
    place: the run store's folder, if not the usual one.
    """
    check_seed(seed)
    data.refuse_stand_in(dataset, profile)
    alone, line, done = isinstance(recipes, Recipe), Line(), []
    todo = [recipes] if alone else list(recipes)
    for number, recipe in enumerate(todo, start=1):
        before = "" if alone else f"{number} of {len(todo)} · "
        done.append(_train(recipe, dataset, profile, seed, place or run_store(), line, before))
    line.close(_summary(done[0]) if alone else f"{len(done)} models trained")
    return done[0] if alone else done


def find(recipe: Recipe, dataset: Dataset, profile: Profile, seed: int = 0) -> Run | None:
    """What `train` would find; None if it would have to train."""
    key = store.make_key(recipe, dataset, profile, seed)
    folder = run_store() / store.folder_name(recipe, profile, seed, key)
    return store.find(recipe, folder, ("model.keras",), key)


def _summary(run: Run) -> str:
    last = run.history.iloc[-1]
    text = f"{run.recipe.id} · {len(run.history)} epochs · loss {last.loss:.3f}"
    text += f" · accuracy {last.accuracy:.3f}"
    return text + (f" · validation accuracy {last.val_accuracy:.3f}" if "val_loss" in last else "")


def _train(
    recipe: Recipe, dataset: Dataset, profile: Profile, seed: int, place: Path,
    line: Line, before: str,
) -> Run:  # fmt: skip
    key = store.make_key(recipe, dataset, profile, seed)
    folder = place / store.folder_name(recipe, profile, seed, key)
    if (found := store.find(recipe, folder, ("model.keras",), key)) is not None:
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
    except OSError as error:
        # (HDF5's own messages run over several lines.)
        why = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
        raise CourseError(
            f"Runs can't be kept in {folder.parent} ({why}); make room there, or set "
            "FMNIST_RUNS_DIR to another folder that you may write to."
        ) from None
    shutil.rmtree(checkpoints, ignore_errors=True)
    return Run(recipe, folder, record)


def _measure(recipe: Recipe, model: keras.Model, splits: Splits, folder: Path) -> dict[str, float]:
    metrics, parts = {}, {"val": splits.validation}
    if recipe.opens_test:
        parts |= {"train": splits.train, "test": splits.test}
    for name, part in parts.items():
        if len(part.labels):
            outputs, loss = training.evaluate(recipe, model, part)
            values = evaluation.scores(part.labels, outputs) | {"loss": loss}
            metrics |= {f"{name}_{metric}": value for metric, value in values.items()}
            if name != "train" and recipe.changes:
                outputs_averaged = training.predict(recipe, model, part.images, averaged=True)
                right = outputs_averaged.argmax(axis=1) == part.labels
                metrics[f"{name}_averaged_accuracy"] = float(right.mean())
            if name == "train":
                confusion = evaluation.confusion(part.labels, outputs).to_numpy()
    if recipe.opens_test:
        np.savez_compressed(
            folder / "test.npz",
            outputs=outputs,
            labels=splits.test.labels,
            train_confusion=confusion,
        )
    return metrics
