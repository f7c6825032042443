"""The course's speed runs against the published fit of `cnn-tuned-augmented`: the ratio of times.

Of each an epoch in turn, as `training.fit` counts it, with its validation images where it watches
some; a whole training is that times its epochs. The published one stops early: its epochs are the
mean over the reference's seeds.

    python benchmarks/speedrun.py [ROUNDS]
"""

import sys

import pandas as pd
from common import report

from fmnist_utils import data, reference, training
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import MODELS

RIVAL = "cnn-tuned-augmented"


def main(rounds: int = 3) -> None:
    dataset, full = data.load(PROFILES["full"]), PROFILES["full"]
    known = reference.results().groupby("id", sort=False)
    ids = [RIVAL, *(id for id in MODELS if id.startswith("speedrun-"))]
    epochs = known.epochs_run.mean()[ids]
    times = pd.DataFrame(index=range(rounds), columns=ids, dtype=float)
    for number in range(rounds):
        for id in ids if number % 2 == 0 else reversed(ids):
            splits = dataset.split(MODELS[id].validation, full)
            _, history = training.fit(MODELS[id], splits, 2, number)  # the first one warms up
            times.loc[number, id] = history.seconds.iloc[-1] * epochs[id]
            print(number + 1, id, f"{times.loc[number, id] / 60:.1f} min", flush=True)
    shares = times.div(times[RIVAL], axis=0)
    table = pd.DataFrame(
        {
            "epochs": epochs,
            "minutes": times.median() / 60,
            "share of the published": shares.median(),
            "least": shares.min(),
            "most": shares.max(),
            "test accuracy": 100 * known.test_accuracy.mean()[ids],
            "averaged": 100 * known.averaged_accuracy.mean()[ids],
            "seeds": known.size()[ids],
        }
    ).rename_axis("model")
    report("speedrun", table, rounds=rounds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
