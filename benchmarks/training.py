"""The course's training against the reports' own way, `model.fit` on NumPy arrays.

Same model, same batches in the same order, same optimizer: images per second of each, and the
ratio. Then where an epoch's time goes, and how near it comes to the machine's matrix product.

    python benchmarks/training.py [IMAGES] [ROUNDS] [ID…]
"""

import sys

import numpy as np
import pandas as pd
from common import in_turns, report, seconds

from fmnist_utils import data
from fmnist_utils.data import ImageSet
from fmnist_utils.models.backend import forget_graphs, make_repeatable, tf
from fmnist_utils.models.layers import multiplications
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.training import Recipe, loop


def peak() -> float:
    """Multiply-adds a second of a large matrix product, in 10⁹."""
    a = tf.random.normal((2048, 2048))
    product = tf.function(lambda: tf.linalg.matmul(a, a))
    product()
    return 2048**3 / min(seconds(lambda: product().numpy()) for _ in range(5)) / 1e9


def compare(recipe: Recipe, part: ImageSet, rounds: int) -> dict[str, float]:
    order = np.random.default_rng(0).permutation(len(part.labels))
    x, y = loop.inputs(recipe, part.images), loop.targets(recipe, part.labels)

    make_repeatable(0)
    plain = recipe.build()

    def as_reported() -> None:
        found = plain.fit(x[order], y[order], recipe.batch_size, shuffle=False, verbose=0).history
        accuracies[0] = found["accuracy"][0]

    make_repeatable(0)
    ours = recipe.build()
    epoch = loop.compiled_epoch(recipe, ours, ours.train_step, recipe.batch_size)
    given = tf.constant(part.images), tf.constant(y)

    def as_here() -> None:
        accuracies[1] = epoch(*given, order)["accuracy"]

    accuracies = [0.0, 0.0]
    in_turns(as_reported, as_here, 1)  # the first epoch compiles
    times = in_turns(as_reported, as_here, rounds)
    ratios = times[:, 0] / times[:, 1]

    forward = loop.compiled_epoch(recipe, ours, ours.test_step, recipe.batch_size)
    forward(*given, order)
    only_forward = min(seconds(lambda: forward(*given, order)) for _ in range(2))
    whole = times[:, 1].min()
    # Backwards costs about twice as much as forwards: three products in all.
    work = sum(map(multiplications, ours.layers))
    speed = 3 * work * len(order) / whole / 1e9
    return {
        "plain, images/s": len(order) / np.median(times[:, 0]),
        "course, images/s": len(order) / np.median(times[:, 1]),
        "ratio": np.median(ratios),
        "least": ratios.min(),
        "most": ratios.max(),
        "forward, share": only_forward / whole,
        "10⁹ multiply-adds/s": speed,
        "accuracy, plain": accuracies[0],
        "accuracy, course": accuracies[1],
    }


def main(images: int = 12_000, rounds: int = 3, *ids: str) -> None:
    part = data.load().train.take(range(images))
    rows, limit = {}, peak()
    for id in ids or [id for id in PUBLISHED if not id.endswith("-augmented")]:
        forget_graphs()
        rows[id] = compare(PUBLISHED[id], part, rounds)
        print(f"{id}: {rows[id]['ratio']:.2f}", flush=True)
    table = pd.DataFrame(rows).T.rename_axis("model")
    table["of the peak"] = table["10⁹ multiply-adds/s"] / limit
    report(
        "training",
        table,
        geometric_mean_of_the_ratios=float(np.exp(np.log(table.ratio).mean())),
        slowest_ratio=float(table.ratio.min()),
        peak_of_the_matrix_product=limit,
        images=images,
        rounds=rounds,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
