"""Training, so that the same seed gives the same model and an interruption loses little."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fmnist_utils.data import ImageSet, Splits, check_images
from fmnist_utils.messages import Held, stop_if_interrupted
from fmnist_utils.models import whitening
from fmnist_utils.models.backend import forget_graphs, keras, make_repeatable, tf
from fmnist_utils.training import checkpoint
from fmnist_utils.training.augmentation import enlarge, renew, views
from fmnist_utils.training.recipe import Recipe

MEAN, DEVIATION = 0.2860, 0.3530  # of all training pixels, as fractions of 255 (lesson 1)
CHECKPOINT_SECONDS = 10.0  # an interrupted run loses at most this and one epoch
SLICE = 0.25  # seconds, about; between two slices of an epoch a signal can act
JUDGED = 250  # images at a time; with 500, the maps of cnn-pool4 would take 170 MB more


def inputs(recipe: Recipe, images: np.ndarray) -> np.ndarray:
    """The images as the recipe's network takes them.

    images: uint8 (n, 28, 28). Returns float32, (n, 28, 28) or, for 2-D convolutions,
    (n, 28, 28, 1); values as the recipe's scaling says.
    """
    pixels = (
        images.astype("float32") if isinstance(images, np.ndarray) else tf.cast(images, tf.float32)
    )
    if recipe.scaling != "raw":
        pixels /= 255
    if recipe.scaling == "standard":
        pixels = (pixels - MEAN) / DEVIATION
    return pixels[..., None] if recipe.architecture == "conv2d" else pixels


def targets(recipe: Recipe, labels: np.ndarray) -> np.ndarray:
    """The labels as the recipe's loss takes them: integers (n,), or one-hot rows (n, 10)."""
    if recipe.loss == "categorical_crossentropy":
        return keras.utils.to_categorical(labels, 10).astype("float32")
    return labels.astype("int32")


def predict(
    recipe: Recipe, model: keras.Model, images: np.ndarray, averaged: bool = False
) -> np.ndarray:
    """The network's ten outputs for each image, uint8 (n, 28, 28): float32 (n, 10).

    averaged: the mean of its outputs for several views of each image; see `augmentation.views`.
    Raises ValueError for anything else than such images, or for none.
    """
    if not len(check_images(images)):
        raise ValueError("There are no images to predict.")
    if averaged:
        return sum(share * predict(recipe, model, view) for share, view in views(images))
    # Called directly: model.predict would first compile a graph, for each of a lesson's many
    # models, and TensorFlow would warn about it.
    blocks = (inputs(recipe, images[i : i + JUDGED]) for i in range(0, len(images), JUDGED))
    return np.concatenate([model(block, training=False).numpy() for block in blocks])


def evaluate(recipe: Recipe, model: keras.Model, part: ImageSet) -> tuple[np.ndarray, float]:
    """The outputs as `predict` gives them, and the loss as `model.evaluate` does.

    That is not always the loss of the outputs: it includes the weight penalties; and a last layer
    with sigmoid hands its scores to the cross-entropy, which puts them through a softmax.
    """
    outputs, total = [], 0.0
    for start in range(0, len(part.labels), JUDGED):
        block = slice(start, start + JUDGED)
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
    teachers: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[keras.Model, pd.DataFrame]:
    """Build the recipe's model and train it; return it with its history.

    Each epoch's order depends on nothing but seed and epoch, so a run that goes on from a
    checkpoint in the folder `checkpoints` ends, bit for bit, like one that was never stopped.
    report: called after each epoch with the epoch (from 1) and its row of the history.
    teachers: what the recipe's teachers answer to images, uint8 (n, 28, 28), as float32 (n, 10);
        see `Teachers`. They see the images that the network sees, changed in each epoch, and it
        learns their answers instead of the labels; `accuracy` is how often it agrees with them.
    Raises ValueError if the recipe has a teacher and none comes with it, or the other way round.

    The history has one row an epoch: epoch, seconds, loss, accuracy and, where there are
    validation images, val_loss and val_accuracy (accuracies as fractions). With averaged weights,
    the last two are those of the running weights, but in the last row those of their average.
    """
    if (recipe.teacher is None) != (teachers is None):
        raise ValueError(
            f"{recipe.id or 'The recipe'} learns from a teacher's answers or from none."
        )
    forget_graphs()
    make_repeatable(seed)
    splits = enlarge(splits, recipe.augmentation, seed)
    train = splits.train
    model = recipe.build(epochs * -(-len(train.labels) // recipe.batch_size))
    # Else the graph would hold, for each of the optimizer's variables, a branch that makes it.
    model.optimizer.build(model.trainable_variables)
    if recipe.options.get("whitening"):
        whitening.fit(model, inputs(recipe, train.images[: whitening.IMAGES]))
    learn = compiled_epoch(recipe, model, model.train_step, recipe.batch_size)
    if not recipe.changes:  # else each epoch brings images of its own
        wanted = teachers(train.images) if teachers else targets(recipe, train.labels)
        seen = tf.constant(train.images), tf.constant(wanted)
    if len(splits.validation.labels):
        watch = compiled_epoch(recipe, model, model.test_step, JUDGED)
        images, labels = splits.validation
        order_kept = np.arange(len(labels))
        watched = tf.constant(images), tf.constant(targets(recipe, labels)), order_kept

    def judge() -> dict[str, float]:
        if not len(splits.validation.labels):
            return {}
        return {f"val_{name}": value for name, value in watch(*watched).items()}

    rows = checkpoint.resume(model, checkpoints) if checkpoints else []
    saved = time.monotonic()
    while len(rows) < epochs and not _out_of_patience(rows, recipe.patience):
        start = time.monotonic()
        order = np.random.default_rng([seed, len(rows)]).permutation(len(train.labels))
        if recipe.changes:
            images, shares = renew(train, recipe.changes, seed, len(rows))
            if teachers:
                seen = images, teachers(images)
            elif recipe.loss == "categorical_crossentropy":
                seen = images, shares
            else:
                seen = images, targets(recipe, train.labels)
        row = learn(*seen, order) | judge()
        rows.append({"epoch": len(rows) + 1, "seconds": time.monotonic() - start} | row)
        report(len(rows), rows[-1])
        if checkpoints and time.monotonic() - saved >= CHECKPOINT_SECONDS:
            checkpoint.save(model, rows, checkpoints)
            saved = time.monotonic()
    if recipe.averaging:
        model.optimizer.finalize_variable_values(model.trainable_variables)
        rows[-1] |= judge()
    return model, pd.DataFrame(rows)


def compiled_epoch(
    recipe: Recipe, model: keras.Model, step: Callable, batch_size: int
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]:
    """A function of images, targets and an order that takes a step for each batch.

    step: the model's train_step or test_step. The function returns loss and accuracy of the whole,
    as `model.fit(images[order], targets[order], batch_size, shuffle=False)` or `model.evaluate` do.
    """
    # All batches are one TensorFlow graph, which also picks their images: for networks as small
    # as these, coming back to Python for every batch would cost as much as the training.
    weights = tf.constant([recipe.class_weights.get(label, 1.0) for label in range(10)])
    weighted = recipe.class_weights and step == model.train_step
    none = np.zeros(1, np.uint8)
    like = tf.constant(targets(recipe, none))
    # The variables of loss and metrics can't be made inside the graph's loop.
    first = model(inputs(recipe, np.zeros((1, 28, 28), np.uint8)))
    model.compute_loss(y=like, y_pred=first)
    model.compute_metrics(None, like, first)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 28, 28], tf.uint8),
            tf.TensorSpec([None, *like.shape[1:]], like.dtype),
            tf.TensorSpec([None], tf.int32),
        ]
    )
    def all_batches(images: tf.Tensor, labels: tf.Tensor, order: tf.Tensor) -> None:
        for start in tf.range(0, tf.size(order), batch_size):
            batch = order[start : start + batch_size]
            x, y = inputs(recipe, tf.gather(images, batch)), tf.gather(labels, batch)
            classes = tf.argmax(y, axis=1) if y.shape.rank == 2 else y
            step((x, y, tf.gather(weights, classes)) if weighted else (x, y))

    with Held():  # interrupted, TensorFlow may make another graph
        graph = all_batches.get_concrete_function()
    steps = 1  # of a slice

    def run(images: np.ndarray, labels: np.ndarray, order: np.ndarray) -> dict[str, float]:
        nonlocal steps
        model.reset_metrics()
        seen, left = (tf.constant(images), tf.constant(labels)), tf.constant(order, tf.int32)
        while len(left):
            begun, part = time.perf_counter(), left[: steps * batch_size]
            graph(*seen, part)
            stop_if_interrupted()
            left, taken = left[len(part) :], -(-len(part) // batch_size)
            steps = max(1, int(taken * SLICE / (time.perf_counter() - begun)))
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
