"""From the start of Python to the first trained batch, against importing TensorFlow alone.

python benchmarks/start.py [ROUNDS]
"""

import subprocess
import sys

import numpy as np
import pandas as pd
from common import in_turns, report

FLOOR = "import tensorflow"
FIRST_BATCH = """
from fmnist_utils import setup
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.training import loop
profile, seed, fashion = setup("lesson")  # as the lessons do
recipe = PUBLISHED["mlp-350-80"]
train, validation, test = fashion.split(recipe.validation, profile)
model = recipe.build()
x = loop.inputs(recipe, train.images[:32])
model.train_on_batch(x, loop.targets(recipe, train.labels[:32]))
"""


def main(rounds: int = 5) -> None:
    def python(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)

    works = [lambda: python(FLOOR), lambda: python(FIRST_BATCH)]
    in_turns(*works, rounds=1)  # fills the disk's cache
    times = in_turns(*works, rounds=rounds)
    table = pd.DataFrame(times, columns=["importing TensorFlow, s", "first trained batch, s"])
    table["ratio"] = table.iloc[:, 1] / table.iloc[:, 0]
    report(
        "start",
        table.rename_axis("round"),
        median_ratio=float(np.median(table.ratio)),
        least=float(table.ratio.min()),
        most=float(table.ratio.max()),
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
