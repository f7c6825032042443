"""One search by two workers against the same search by one: trials an hour of each.

Both have the same number of trials, on an SQLite file of their own; each worker has one thread,
so that two have twice the machine that one has.

    python benchmarks/workers.py [TRIALS] [ROUNDS]
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
from common import in_turns, report


def search(workers: int, trials: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "fmnist_utils", "tune", "mlp", "--profile", "lesson",
                   "--trials", str(trials), "--sampler", "random",
                   "--storage", f"sqlite:///{place}/trials.db"]  # fmt: skip
        environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1"}
        crowd = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
                 for _ in range(workers)]  # fmt: skip
        if any(process.wait() for process in crowd):
            raise SystemExit("a worker failed")


def main(trials: int = 20, rounds: int = 3) -> None:
    times = in_turns(lambda: search(1, trials), lambda: search(2, trials), rounds)
    table = pd.DataFrame(times, columns=["one worker, s", "two workers, s"]).rename_axis("round")
    table["ratio"] = table.iloc[:, 0] / table.iloc[:, 1]
    report(
        "workers", table, median_ratio=float(np.median(table.ratio)),
        least=float(table.ratio.min()), most=float(table.ratio.max()), trials=trials,
    )  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
