"""Every training is done once: kept in the run store, whole or not at all, and found again."""

import os
import platform
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fmnist_utils import data, evaluation, training
from fmnist_utils.data import Dataset, Splits, places
from fmnist_utils.data.places import run_store
from fmnist_utils.messages import CourseError, Held, Line
from fmnist_utils.models.backend import keras
from fmnist_utils.profiles import Profile, check_seed
from fmnist_utils.runs import files
from fmnist_utils.runs.files import Run
from fmnist_utils.training import Recipe


def train(
    recipes: Recipe | Iterable[Recipe],
    dataset: Dataset,
    profile: Profile,
    seed: int = 0,
    folder: Path | None = None,
) -> Run | list[Run]:
    """Train a recipe, or each of several; what was trained before is found instead.

    The test set is opened once, after the last epoch, and only if the recipe's `opens_test` says
    so; a variant is judged on the validation images. A recipe's teachers are trained first.
    Returns a Run, or a list of them in the order given.
    folder: of the run store, if not the usual one.
    Raises CourseError for an impossible seed, for the stand-in under the profile `full`, for what
    is in a run's place but is none, and where runs can't be kept.
    """
    seed = check_seed(seed)
    data.refuse_stand_in(dataset, profile)
    only_one, done = isinstance(recipes, Recipe), []
    todo = [recipes] if only_one else list(recipes)
    with Line() as line:
        for number, recipe in enumerate(todo, start=1):
            before = "" if only_one else f"{number} of {len(todo)} · "
            done.append(_train(recipe, dataset, profile, seed, folder or run_store(), line, before))
        line.close(_summary(done[0]) if only_one else f"{len(done)} models trained")
    return done[0] if only_one else done


def train_as_published(recipe: Recipe, dataset: Dataset, profile: Profile, seed: int = 0) -> Run:
    """As `train`, but on all images and for all epochs, whatever the profile; only in `smoke`, and
    on the stand-in, no more than that profile has."""
    return train(recipe, dataset, data.as_published(profile, dataset), seed)


def find(recipe: Recipe, dataset: Dataset, profile: Profile, seed: int = 0) -> Run | None:
    """What `train` would find; None if it would have to train. Raises CourseError for an impossible
    seed, and for what is in the run's place but is none."""
    seed = check_seed(seed)
    key = files.make_key(recipe, dataset, profile, seed)
    folder = run_store() / files.folder_name(recipe, profile, seed, key)
    return files.read(recipe, folder, key)


def _summary(run: Run) -> str:
    last = run.history.iloc[-1]
    text = f"{run.recipe.id} · {len(run.history)} epochs · loss {last.loss:.3f}"
    text += f" · accuracy {last.accuracy:.3f}"
    return text + (f" · validation accuracy {last.val_accuracy:.3f}" if "val_loss" in last else "")


def _train(
    recipe: Recipe,
    dataset: Dataset,
    profile: Profile,
    seed: int,
    store: Path,
    line: Line,
    before: str,
) -> Run:
    key = files.make_key(recipe, dataset, profile, seed)
    folder = store / files.folder_name(recipe, profile, seed, key)
    if (found := files.read(recipe, folder, key)) is not None:
        return found
    epochs = profile.epochs(recipe.epochs)
    line.show(f"{before}{recipe.id} · preparing")

    def report(epoch: int, logs: dict[str, float]) -> None:
        line.show(
            f"{before}{recipe.id} · epoch {epoch} of {epochs} · loss {logs['loss']:.3f}"
            f" · accuracy {logs['accuracy']:.3f}"
        )

    splits = dataset.split(recipe.validation, profile)
    teachers = None
    if recipe.teacher is not None:
        trained = [
            _train(recipe.teacher, dataset, profile, number, store, line, before).model
            for number in range(recipe.teachers)
        ]
        teachers = training.Teachers(recipe.teacher, trained, recipe.temperature)
    checkpoints = folder.with_name(f"{folder.name}.checkpoints")
    try:
        # Begun before the training: a store that can't be written to costs no hours.
        with Held() as held:
            with files.new_folder(folder) as unfinished:
                with held.taken():
                    model, history = training.fit(
                        recipe, splits, epochs, seed, checkpoints, report, teachers
                    )
                    metrics, test = _measure(recipe, model, splits)
                record = {
                    "key": key,
                    "source": dataset.source,
                    "profile": profile.name,
                    "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "epochs_run": len(history),
                    "parameters": model.count_params(),
                    "python": platform.python_version(),
                    "numpy": np.__version__,
                    "threads": places.threads(),
                    "train_seconds": round(float(history.seconds.sum()), 3),
                    "metrics": metrics,
                }
                files.write(unfinished, record, history, model, test)
            shutil.rmtree(checkpoints, ignore_errors=True)
    except OSError as error:
        # (HDF5's own messages run over several lines.)
        why = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
        raise CourseError(
            f"Runs can't be kept in {folder.parent} ({why}); make room there, or set "
            "FMNIST_RUNS_DIR to another folder that you may write to."
        ) from None
    return Run(recipe, folder, record)


def _measure(
    recipe: Recipe, model: keras.Model, splits: Splits
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The run's metrics, and what it keeps of the test set: nothing, if that stays closed."""
    parts = {"val": splits.validation} if len(splits.validation.labels) else {}
    if recipe.opens_test:
        parts |= {"train": splits.train, "test": splits.test}
    metrics, outputs = {}, {}
    for name, part in parts.items():
        outputs[name], loss = training.evaluate(recipe, model, part)
        values = {"loss": loss} | evaluation.scores(part.labels, outputs[name])
        metrics |= {f"{name}_{metric}": value for metric, value in values.items()}
        if name != "train" and recipe.changes:
            averaged = training.predict(recipe, model, part.images, averaged=True)
            right = averaged.argmax(axis=1) == part.labels
            metrics[f"{name}_averaged_accuracy"] = float(right.mean())
    if not recipe.opens_test:
        return metrics, {}
    confusion = evaluation.confusion(splits.train.labels, outputs["train"])
    return metrics, {
        "outputs": outputs["test"],
        "labels": splits.test.labels,
        "train_confusion": confusion.to_numpy(),
    }
