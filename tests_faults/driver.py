"""A `reproduce` of a few seconds, to be killed: two small models, two seeds, on the stand-in.

    python driver.py STORE REFERENCE JOBS

What is small here are the recipes, the profile and the data's name; all that writes is real.
"""

import sys
from dataclasses import replace
from pathlib import Path

from fmnist_utils import data
from fmnist_utils.cli.reproduce import reproduce
from fmnist_utils.profiles import PROFILES, Profile
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.reference import tables
from fmnist_utils.runs import jobs
from fmnist_utils.training import loop

SMALL = Profile("full", 600, 300, 300, 1.0, None, 1)
IDS = ("cnn-basic", "mlp-350-80")


def arrange(folder: Path) -> None:
    """Make everything small, and let the reference be `folder`."""
    PROFILES["full"] = SMALL
    for id in IDS:
        PUBLISHED[id] = replace(PUBLISHED[id], epochs=4)
    tables.FOLDER = folder
    loop.CHECKPOINT_SECONDS = 0.0
    drawn = data.stand_in("a fault test asks for it")
    few = {"train": drawn.train.take(range(8000)), "test": drawn.test.take(range(8000))}
    made = replace(drawn, source="Fashion-MNIST", **few)
    data.load = lambda profile=None: made
    jobs._data = data.load


if __name__ == "__main__":
    arrange(Path(sys.argv[2]))
    print("ready", flush=True)
    reproduce(list(IDS), 2, data.load(), int(sys.argv[3]))
