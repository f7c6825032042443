"""Training, so that the same seed gives the same model and an interruption loses little."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fmnist_utils import CourseError
from fmnist_utils.augmentation import add_copies
from fmnist_utils.backend import keras, make_repeatable, tf
from fmnist_utils.data import Part, Splits
from fmnist_utils.recipes import Recipe

CHECKPOINT_SECONDS = 10.0  # an interrupted run loses at most this, or one epoch


def inputs(recipe: Recipe, images: np.ndarray) -> np.ndarray:
    """The images as the recipe's network takes them.

    images: uint8 (n, 28, 28). Returns float32, (n, 28, 28) or, for 2-D convolutions,
    (n, 28, 28, 1); values 0 to 1, or 0 to 255 where the recipe says "raw".
    """
    pixels = (
        images.astype("float32") if isinstance(images, np.ndarray) else tf.cast(images, tf.float32)
    )
    if recipe.scaling == "unit":
        pixels /= 255
    return pixels[..., None] if recipe.architecture == "conv2d" else pixels


def targets(recipe: Recipe, labels: np.ndarray) -> np.ndarray:
    """The labels as the recipe's loss takes them: integers (n,), or one-hot rows (n, 10)."""
    if recipe.loss == "categorical_crossentropy":
        return keras.utils.to_categorical(labels, 10)
    return labels.astype("int32")


def predict(recipe: Recipe, model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The network's ten outputs for each uint8 image: float32 (n, 10)."""
    # Called directly: model.predict would first compile a graph, for each of a lesson's many
    # models, and TensorFlow would warn about it.
    blocks = (inputs(recipe, images[i : i + 500]) for i in range(0, len(images) or 1, 500))
    return np.concatenate([model(block, training=False).numpy() for block in blocks])


def evaluate(recipe: Recipe, model: keras.Model, part: Part) -> tuple[np.ndarray, float]:
    """The outputs as `predict` gives them, and the loss as `model.evaluate` does.

    That is not always the loss of the outputs: it includes the weight penalties; and a last layer
    with sigmoid hands its scores to the cross-entropy, which puts them through a softmax.
    """
    outputs, total = [], 0.0
    for start in range(0, len(part.labels), 500):
        block = slice(start, start + 500)
        y = targets(recipe, part.labels[block])
        found = model(inputs(recipe, part.images[block]), training=False)
        total += float(model.compute_loss(y=y, y_pred=found)) * len(y)
        outputs.append(found.numpy())
    return np.concatenate(outputs), total / len(part.labels)


def fit(
    recipe: Recipe,
    splits: Splits,
    epochs: int,
    seed: int,
    checkpoints: Path | None = None,
    report: Callable[[int, dict[str, float]], None] = lambda epoch, logs: None,
) -> tuple[keras.Model, pd.DataFrame]:
    """Build the recipe's model and train it; return it with its history.

    Each epoch's order depends on nothing but seed and epoch, so a run that goes on from a
    checkpoint in the folder `checkpoints` ends, bit for bit, like one that was never stopped.
    report: called after each epoch with the epoch (from 1) and its row of the history.

    The history has one row an epoch: epoch, seconds, loss, accuracy and, where there are
    validation images, val_loss and val_accuracy (accuracies as fractions).
    """
    keras.utils.clear_session()  # lets go of the graphs of the models before this one
    make_repeatable(seed)
    model = recipe.build()
    train = add_copies(splits.train, recipe.augmentation, seed)
    learn = _compile(recipe, model, train, model.train_step, recipe.batch_size)
    watched = np.arange(len(splits.validation.labels))
    if len(watched):
        watch = _compile(recipe, model, splits.validation, model.test_step, 500)
    rows = _resume(model, checkpoints)
    saved = time.monotonic()
    while len(rows) < epochs and not _out_of_patience(rows, recipe.patience):
        start = time.monotonic()
        order = np.random.default_rng([seed, len(rows)]).permutation(len(train.labels))
        row = learn(order)
        if len(watched):
            row |= {f"val_{name}": value for name, value in watch(watched).items()}
        rows.append({"epoch": len(rows) + 1, "seconds": time.monotonic() - start} | row)
        report(len(rows), rows[-1])
        if checkpoints and time.monotonic() - saved >= CHECKPOINT_SECONDS:
            _save(model, rows, checkpoints)
            saved = time.monotonic()
    return model, pd.DataFrame(rows)


def _compile(
    recipe: Recipe, model: keras.Model, part: Part, step: Callable, batch_size: int
) -> Callable[[np.ndarray], dict[str, float]]:
    """A function that takes a step for each batch of images in the order that it is given.

    step: the model's train_step or test_step. The function returns loss and accuracy of the whole,
    as `model.fit(images[order], labels[order], batch_size, shuffle=False)` or `model.evaluate` do.
    """
    # All batches are one TensorFlow graph, which also picks their images: for networks as small
    # as these, coming back to Python for every batch would cost as much as the training.
    images, labels = tf.constant(part.images), tf.constant(targets(recipe, part.labels))
    # The variables of loss and metrics can't be made inside the graph's loop.
    first = inputs(recipe, images[:1])
    model.compute_loss(first, labels[:1], model(first))
    model.compute_metrics(first, labels[:1], model(first))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def all_batches(order: tf.Tensor) -> None:
        for start in tf.range(0, tf.size(order), batch_size):
            batch = order[start : start + batch_size]
            step((inputs(recipe, tf.gather(images, batch)), tf.gather(labels, batch)))

    graph = all_batches.get_concrete_function()

    def run(order: np.ndarray) -> dict[str, float]:
        model.reset_metrics()
        graph(tf.constant(order, tf.int32))
        return {name: float(value) for name, value in model.get_metrics_result().items()}

    return run


def _out_of_patience(rows: list[dict], patience: int | None) -> bool:
    """Whether the last `patience` epochs brought no better val_loss than all before them."""
    if patience is None:
        return False
    patience = max(patience, 1)  # as in Keras
    if len(rows) <= patience:
        return False
    losses = [row["val_loss"] for row in rows]
    best = min(losses[:-patience])
    return not any(loss < best for loss in losses[-patience:])


# Keras's BackupAndRestore writes weights and epoch one after the other, and forgets the state of
# the dropout layers: a run that goes on from it differs from one that was never stopped. Renaming
# a finished folder can't be half done.


def _dropout_states(model: keras.Model) -> list[keras.Variable]:
    generators = (getattr(layer, "seed_generator", None) for layer in model.layers)
    return [generator.state for generator in generators if generator is not None]


def _save(model: keras.Model, rows: list[dict], checkpoints: Path) -> None:
    done = checkpoints / f"epoch-{len(rows):04d}"
    unfinished = checkpoints / f"{done.name}.{os.getpid()}.tmp"
    dropout = [state.numpy().tolist() for state in _dropout_states(model)]
    # Another process may train the same run: what it has written first is the same, and when it
    # has finished it clears the folder away.
    with contextlib.suppress(FileNotFoundError, FileExistsError):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        model.save_weights(unfinished / "state.weights.h5")
        (unfinished / "history.json").write_text(json.dumps({"rows": rows, "dropout": dropout}))
        if not done.exists():
            unfinished.rename(done)
    shutil.rmtree(unfinished, ignore_errors=True)
    for older in checkpoints.glob("epoch-????"):
        if older.name < done.name:
            shutil.rmtree(older, ignore_errors=True)


def _resume(model: keras.Model, checkpoints: Path | None) -> list[dict]:
    found = sorted(checkpoints.glob("epoch-????")) if checkpoints else []
    if not found:
        return []
    try:
        history = json.loads((found[-1] / "history.json").read_text())
        model.optimizer.build(model.trainable_variables)
        model.load_weights(found[-1] / "state.weights.h5")
        for state, value in zip(_dropout_states(model), history["dropout"], strict=True):
            state.assign(value)
        return history["rows"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"The interrupted run in {found[-1]} can't go on ({type(error).__name__}); delete that "
            "folder and start again."
        ) from None
