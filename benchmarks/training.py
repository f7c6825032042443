"""The course's training against the reports' own way, `model.fit` on NumPy arrays.

And against Keras's own fast path: the same `fit`, compiled with `steps_per_execution=32`, which
comes back to Python after every 32 steps only. (The last time there are as many as are left over.)
Same model, same batches in the same order, same optimizer, same accuracy at the end; of all three
one epoch is timed, without what is done once a training. Images per second of each, and the ratios.
Then where an epoch's time goes, and how near it comes to the machine's matrix product.

    python benchmarks/training.py [IMAGES] [ROUNDS] [ID…]
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from common import in_turns, report, seconds

from fmnist_utils import data
from fmnist_utils.data import ImageSet
from fmnist_utils.models.backend import forget_graphs, keras, make_repeatable, tf
from fmnist_utils.models.layers import multiplications
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.training import Recipe, loop


STEPS = 32
KERAS = "steps_per_execution"
RATIOS = ["ratio to plain", f"ratio to {KERAS}"]


def peak() -> float:
    """Multiply-adds a second of a large matrix product, in 10⁹."""
    a = tf.random.normal((2048, 2048))
    product = tf.function(lambda: tf.linalg.matmul(a, a))
    product()
    return 2048**3 / min(seconds(lambda: product().numpy()) for _ in range(5)) / 1e9


class Watch(keras.callbacks.Callback):
    """Times an epoch inside `fit`, without what each call of it prepares: that is once a training,
    and with as few images as here it would count for much."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        self.seconds, self.accuracy = time.perf_counter() - self.begun, logs["accuracy"]


def compare(recipe: Recipe, part: ImageSet, rounds: int) -> dict[str, float]:
    order = np.random.default_rng(0).permutation(len(part.labels))
    x, y = loop.inputs(recipe, part.images), loop.targets(recipe, part.labels)
    in_order = x[order], y[order]
    accuracy = {}

    def by_keras(steps: int) -> Callable[[], float]:
        make_repeatable(0)
        model, watch = recipe.build(), Watch()
        model.compile(model.optimizer, model.loss, metrics=["accuracy"], steps_per_execution=steps)

        def fit() -> float:
            settings = dict(shuffle=False, verbose=0, callbacks=[watch])
            model.fit(*in_order, recipe.batch_size, **settings)
            accuracy[steps] = watch.accuracy
            return watch.seconds

        return fit

    plain, fast = by_keras(1), by_keras(STEPS)
    make_repeatable(0)
    ours = recipe.build()
    epoch = loop.compiled_epoch(recipe, ours, ours.train_step, recipe.batch_size)
    given = tf.constant(part.images), tf.constant(y)

    def as_here() -> None:
        accuracy["course"] = epoch(*given, order)["accuracy"]

    in_turns(plain, fast, as_here, rounds=1)  # the first epoch compiles
    times = in_turns(plain, fast, as_here, rounds=rounds)

    forward = loop.compiled_epoch(recipe, ours, ours.test_step, recipe.batch_size)
    forward(*given, order)
    only_forward = min(seconds(lambda: forward(*given, order)) for _ in range(2))
    whole = times[:, 2].min()
    # Backwards costs about twice as much as forwards: three products in all.
    work = sum(map(multiplications, ours.layers))
    row = {}
    for column, name in enumerate(("plain", KERAS, "course")):
        row[f"{name}, images/s"] = len(order) / np.median(times[:, column])
    for column, name in enumerate(("plain", KERAS)):
        ratios = times[:, column] / times[:, 2]
        row[f"ratio to {name}"] = np.median(ratios)
        row |= {f"{name}, least": ratios.min(), f"{name}, most": ratios.max()}
    return row | {
        "forward, share": only_forward / whole,
        "10⁹ multiply-adds/s": 3 * work * len(order) / whole / 1e9,
        "accuracy, plain": accuracy[1],
        f"accuracy, {KERAS}": accuracy[STEPS],
        "accuracy, course": accuracy["course"],
    }


def main(images: int = 12_000, rounds: int = 3, *ids: str) -> None:
    part = data.load().train.take(range(images))
    rows, limit = {}, peak()
    for id in ids or [id for id in PUBLISHED if not id.endswith("-augmented")]:
        forget_graphs()
        rows[id] = compare(PUBLISHED[id], part, rounds)
        print(id, *(f"{rows[id][ratio]:.2f}" for ratio in RATIOS), flush=True)
    table = pd.DataFrame(rows).T.rename_axis("model")
    table["of the peak"] = table["10⁹ multiply-adds/s"] / limit
    report(
        "training",
        table,
        geometric_means=np.exp(np.log(table[RATIOS]).mean()).to_dict(),
        slowest=table[RATIOS].min().to_dict(),
        peak_of_the_matrix_product=limit,
        images=images,
        rounds=rounds,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
