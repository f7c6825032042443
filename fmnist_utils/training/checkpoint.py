"""What an interrupted training needs to go on as if it had never been stopped.

Keras's BackupAndRestore writes weights and epoch one after the other, and forgets the state of the
dropout layers: a run that goes on from it differs from one that was never stopped. Renaming a
finished folder can't be half done.
"""

import contextlib
import json
import os
import shutil
from pathlib import Path

from fmnist_utils.messages import CourseError, Held
from fmnist_utils.models.backend import keras


def _dropout_states(model: keras.Model) -> list[keras.Variable]:
    generators = (getattr(layer, "seed_generator", None) for layer in model.layers)
    return [generator.state for generator in generators if generator is not None]


def save(model: keras.Model, rows: list[dict], checkpoints: Path) -> None:
    """Keep a model in training, whole or not at all, in place of what was kept before."""
    done = checkpoints / f"epoch-{len(rows):04d}"
    unfinished = checkpoints / f"{done.name}.{os.getpid()}.tmp"
    dropout = [state.numpy().tolist() for state in _dropout_states(model)]
    # Another process may train the same run: what it has written first is the same, and when it
    # has finished it clears the folder away.
    with Held():
        try:
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir(parents=True)
                model.save_weights(unfinished / "state.weights.h5")
                history = json.dumps({"rows": rows, "dropout": dropout})
                (unfinished / "history.json").write_text(history)
                if not done.exists():
                    unfinished.rename(done)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        for older in checkpoints.glob("epoch-????"):
            if older.name < done.name:
                shutil.rmtree(older, ignore_errors=True)


def resume(model: keras.Model, checkpoints: Path) -> list[dict]:
    """Bring a new model to where an interrupted training of it was; returns its history so far.

    The model's optimizer must have its variables already. One row an epoch,
    none if nothing has been kept. Raises CourseError if the newest checkpoint can't be read.
    """
    found = sorted(checkpoints.glob("epoch-????"))
    if not found:
        return []
    try:
        history = json.loads((found[-1] / "history.json").read_text())
        model.load_weights(found[-1] / "state.weights.h5")
        for state, value in zip(_dropout_states(model), history["dropout"], strict=True):
            state.assign(value)
        return history["rows"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        if not found[-1].exists():  # another process trains the same, and has gone on
            return resume(model, checkpoints)
        raise CourseError(
            f"The interrupted run in {found[-1]} can't go on ({type(error).__name__}); delete that "
            "folder and start again."
        ) from None
