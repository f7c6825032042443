"""A `reproduce` of a few seconds, to be stopped: two small models, two seeds, on the stand-in; or
small searches.

    python driver.py STORE REFERENCE JOBS [SEARCH …]

What is small here are the recipes, the profiles and the data's name; all that writes is real.
"""

import sys
from dataclasses import replace
from pathlib import Path

from fmnist_utils.__main__ import run

IDS = ("cnn-basic", "mlp-350-80")


def arrange(folder: Path) -> None:
    """Make everything small, and let the reference be `folder`."""
    # Imported here, as by the command itself: signals find everything prepared.
    from fmnist_utils import data, tuning
    from fmnist_utils.cli import reproduce
    from fmnist_utils.profiles import PROFILES, Profile
    from fmnist_utils.recipes import PUBLISHED
    from fmnist_utils.reference import tables
    from fmnist_utils.runs import jobs
    from fmnist_utils.training import loop
    from fmnist_utils.tuning import published

    PROFILES["full"] = Profile("full", 600, 300, 300, 1.0, None, 1)
    PROFILES["lesson"] = Profile("lesson", 600, 300, 300, 1.0, 4, 1)
    for id in (*IDS, "mlp-tuned"):
        PUBLISHED[id] = replace(PUBLISHED[id], epochs=4, validation="first 5,000")
    published.SEARCHES = {"search-mlp": (published.mlp, 3)}
    tuning.SPACES["mlp"] = replace(tuning.SPACES["mlp"], trials=3)
    reproduce.TUNER_SEEDS = (0,)
    tables.FOLDER = folder
    loop.CHECKPOINT_SECONDS = 0.0
    drawn = data.stand_in("a fault test asks for it")
    few = {"train": drawn.train.take(range(8000)), "test": drawn.test.take(range(8000))}
    made = replace(drawn, source="Fashion-MNIST", **few)
    data.load = lambda profile=None: made
    jobs._data = data.load


def main() -> int:
    arrange(Path(sys.argv[2]))
    from fmnist_utils import data
    from fmnist_utils.cli.reproduce import reproduce

    print("ready", flush=True)
    reproduce(sys.argv[4:] or list(IDS), 2, data.load(), int(sys.argv[3]))
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
if __name__ == "__mp_main__":  # a process that makes one of several at a time
    arrange(Path(sys.argv[2]))
