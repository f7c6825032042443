"""A `reproduce` of a few seconds, to be killed: two small models, two seeds, on the stand-in.

    python driver.py STORE REFERENCE JOBS

What is small here are the recipes, the profile and the data's name; all that writes is real.
"""

import sys
from dataclasses import replace
from pathlib import Path

from fmnist_utils import data, jobs, reference, reproducing, training
from fmnist_utils.profiles import PROFILES, Profile
from fmnist_utils.published import PUBLISHED

SMALL = Profile("full", 600, 300, 300, 1.0, None, 1)
IDS = ("cnn-basic", "mlp-350-80")


def arrange(folder: Path) -> None:
    """Make everything small, and let the reference be `folder`."""
    PROFILES["full"] = SMALL
    for id in IDS:
        PUBLISHED[id] = replace(PUBLISHED[id], epochs=4)
    reference.FOLDER = folder
    training.CHECKPOINT_SECONDS = 0.0
    drawn = data.stand_in("a fault test asks for it")
    cut = [data.Part(part.images[:8000], part.labels[:8000]) for part in (drawn.train, drawn.test)]
    made = replace(drawn, train=cut[0], test=cut[1], source="Fashion-MNIST")
    data.load = lambda profile=None: made
    jobs._data = data.load


if __name__ == "__main__":
    arrange(Path(sys.argv[2]))
    print("ready", flush=True)
    reproducing.reproduce(list(IDS), 2, data.load(), int(sys.argv[3]))
