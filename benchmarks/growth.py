"""How seconds and memory grow with the number of training images, the batch and the network.

Each row is one process of its own, so that its peak memory is its own, too: one epoch after a
first one that compiles.

    python benchmarks/growth.py
"""

import json
import subprocess
import sys

import pandas as pd
from common import report

ONE = """
import json, resource, sys, time
import numpy as np
from fmnist_utils import data
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.training import loop
images, batch, width = map(int, sys.argv[1:])
part = data.load().train.take(range(images))
recipe = PUBLISHED["mlp-350-80"].but("growth", batch_size=batch, widths=(width, 80))
model = recipe.build()
epoch = loop.compiled_epoch(recipe, model, model.train_step, batch)
given = part.images, loop.targets(recipe, part.labels), np.arange(images)
epoch(*given)
start = time.perf_counter()
epoch(*given)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
peak *= (1 if sys.platform == "darwin" else 1024) / 1e6
print(json.dumps([time.perf_counter() - start, peak, model.count_params()]))
"""
USUAL = {"images": 20_000, "batch": 64, "width": 256}
VARIED = {
    "images": (1_000, 5_000, 20_000, 60_000),
    "batch": (16, 64, 256, 1024),
    "width": (64, 256, 1024, 4096),
}


def main() -> None:
    rows = []
    for name, values in VARIED.items():
        for value in values:
            settings = USUAL | {name: value}
            command = [sys.executable, "-c", ONE, *map(str, settings.values())]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, peak, parameters = json.loads(done.stdout.splitlines()[-1])
            rows.append(
                {
                    "varied": name,
                    **settings,
                    "parameters": parameters,
                    "images/s": settings["images"] / seconds,
                    "seconds": seconds,
                    "peak memory, MB": peak,
                }
            )
            print(name, value, round(seconds, 2), flush=True)
    table = pd.DataFrame(rows).set_index("varied")
    grown = table.loc["images"]
    report(
        "growth",
        table,
        seconds_60k_over_1k=float(grown.seconds.iloc[-1] / grown.seconds.iloc[0]),
        memory_60k_minus_1k_MB=float(grown.iloc[-1, -1] - grown.iloc[0, -1]),
    )


if __name__ == "__main__":
    main()
