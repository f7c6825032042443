"""What changing every image anew costs, beside Keras's preprocessing layers and beside an epoch.

The same changes, of the same size, to the same images; then the share that they have in an epoch
of the published tuned CNN, measured in the same run.

    python benchmarks/augmentation.py [IMAGES] [ROUNDS]
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from common import in_turns, report, seconds

from fmnist_utils import data
from fmnist_utils.models.backend import keras, make_repeatable, tf
from fmnist_utils.recipes import PUBLISHED, SCHEMES
from fmnist_utils.training import loop, renew

layers = keras.layers
BLACK = dict(fill_mode="constant", fill_value=0.0)
# Each change as Keras offers it, of the size that the study has.
KERAS = {
    "flip": lambda: layers.RandomFlip("horizontal"),
    "shift": lambda: layers.RandomTranslation(2 / 28, 2 / 28, **BLACK),
    "rotation": lambda: layers.RandomRotation(10 / 360, **BLACK),
    "zoom": lambda: layers.RandomZoom((-0.1, 0.1), **BLACK),
    "erase": lambda: layers.RandomErasing(1.0, (8 * 8 / 784, 8 * 8 / 784), fill_value=0.0),
    "mixup": lambda: layers.MixUp(0.2),
}


def by_keras(changes: dict, images: np.ndarray, labels: np.ndarray) -> Callable[[], None]:
    chain = [KERAS[name]() for name in changes]

    @tf.function
    def change(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        given = {"images": x, "labels": y}
        for layer in chain:
            if isinstance(layer, layers.MixUp):
                given = layer(given, training=True)
            else:
                given["images"] = layer(given["images"], training=True)
        return given["images"]

    def batches() -> None:
        for start in range(0, len(images), 500):  # such batches as suit the layers
            change(images[start : start + 500], labels[start : start + 500])

    return batches


def main(images: int = 12_000, rounds: int = 3) -> None:
    part = data.load().train.take(range(images))
    recipe = PUBLISHED["cnn-tuned"]
    make_repeatable(0)
    model = recipe.build()
    step = loop.compiled_epoch(recipe, model, model.train_step, recipe.batch_size)
    y = loop.targets(recipe, part.labels)
    order = np.random.default_rng(0).permutation(len(y))
    step(part.images, y, order)
    epoch = min(seconds(lambda: step(part.images, y, order)) for _ in range(rounds))

    floats = tf.constant(part.images[..., None].astype("float32"))
    rows = {}
    for scheme, settings in SCHEMES.items():
        if changes := settings.get("changes"):
            theirs = by_keras(changes, floats, tf.constant(y))
            ours = lambda changes=changes: renew(part, changes, 0, 0)  # noqa: E731
            in_turns(theirs, ours, rounds=1)
            times = in_turns(theirs, ours, rounds=rounds)
            rows[scheme] = {
                "Keras layers, s": np.median(times[:, 0]),
                "course, s": np.median(times[:, 1]),
                "ratio": np.median(times[:, 0] / times[:, 1]),
                "share of an epoch": np.median(times[:, 1]) / epoch,
            }
            print(f"{scheme}: {rows[scheme]['ratio']:.2f}", flush=True)
    table = pd.DataFrame(rows).T.rename_axis("scheme")
    report(
        "augmentation",
        table,
        largest_share_of_an_epoch=float(table["share of an epoch"].max()),
        an_epoch_of_the_tuned_cnn=float(epoch),
        images=images,
        rounds=rounds,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
