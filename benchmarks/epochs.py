"""What an epoch takes, in turns: on one machine, in one run.

Of the rungs of the speed run and what is added to them (lesson 8), or of all models of the course
and the networks of `frontier.py` (lesson 7). Of each the second of two epochs over 12,000 images is
timed, with as many validation images as belong to these; 60,000 take five times as long. Each
round goes into the reference as soon as it is whole: `epochs/ladder.csv` or `epochs/models.csv`, a
row for each round and a column for each id, in seconds. Run it on a quiet machine.

    python benchmarks/epochs.py {ladder,models} [ROUNDS]
"""

import sys
import time

import numpy as np
import pandas as pd
from common import report
from frontier import PEERS, fit_peer

from fmnist_utils import data, training
from fmnist_utils.data import ImageSet, Splits
from fmnist_utils.models.backend import keras
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import ADDITIONS, INGREDIENTS, MODELS, STUDIES
from fmnist_utils.reference import tables
from fmnist_utils.training import Recipe

IMAGES = 12_000
LADDER = ["plain", *INGREDIENTS, *ADDITIONS]
WHAT: dict[str, dict[str, Recipe | str]] = {
    "ladder": {f"speedrun / {name}": STUDIES["speedrun"][f"speedrun / {name}"] for name in LADDER},
    "models": dict(MODELS) | {name: name for name in PEERS},
}


class Watch(keras.callbacks.Callback):
    """The time of the second half of a training's batches, the first of which are slower."""

    def __init__(self, batches: int) -> None:
        self.half = batches // 2
        self.seen, self.begun, self.seconds = 0, 0.0, 0.0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.seen += 1
        if self.seen == self.half:
            self.begun = time.perf_counter()
        self.seconds = time.perf_counter() - self.begun


def undecided(images: np.ndarray) -> np.ndarray:
    """In the place of a teacher: what asking one takes isn't counted."""
    return np.full((len(images), 10), 0.1, np.float32)


def seconds(what: Recipe | str, part: ImageSet) -> float:
    if isinstance(what, str):
        watch = Watch(2 * -(-len(part.labels) // PEERS[what].batch_size))
        fit_peer(PEERS[what], part, 2, 0, watch)
        return watch.seconds * 5
    held_out = {"none": 0, "first 5,000": 1_000, "last 20 %": 2_400}[what.validation]
    validation, train = part.take(range(held_out)), part.take(range(held_out, len(part.labels)))
    teachers = None if what.teacher is None else undecided
    splits = Splits(train, validation, test=part.take(range(0)))
    _, history = training.fit(what, splits, 2, 0, teachers=teachers)
    return history.seconds.iloc[-1] * 5


def main(name: str, rounds: int = 3) -> None:
    part = data.load(PROFILES["full"]).train.take(range(IMAGES))
    rows = []
    for number in range(rounds):
        ids = np.roll(list(WHAT[name]), -number * len(WHAT[name]) // rounds)  # others go first
        times = {id: seconds(WHAT[name][id], part) for id in ids}
        rows.append([times[id] for id in WHAT[name]])
        table = pd.DataFrame(rows, columns=list(WHAT[name])).rename_axis("round")
        tables.write_table(table.round(3).reset_index(), tables.FOLDER / "epochs" / f"{name}.csv")
        print("round", number + 1, f"{sum(times.values()):.0f} s", flush=True)
    report(f"epochs-{name}", table.agg(["median", "min", "max"]).T.rename_axis("id"), rounds=rounds)


if __name__ == "__main__":
    if sys.argv[1:2] not in [[name] for name in WHAT]:
        sys.exit(f"error: say which: {' or '.join(WHAT)}")
    main(sys.argv[1], *map(int, sys.argv[2:]))
