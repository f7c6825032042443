"""One search by two workers against the same search by one: trials an hour of each.

And what is lost when one of the two is killed in the middle of a trial.

Both have the same number of trials, on an SQLite file of their own; each worker has one thread,
so that two have twice the machine that one has.

    python benchmarks/workers.py [TRIALS] [ROUNDS]
"""

import datetime
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import optuna
import pandas as pd
from common import in_turns, report


def start(workers: int, trials: int, storage: str) -> list[subprocess.Popen]:
    command = [
        sys.executable,
        "-m",
        "fmnist_utils",
        "tune",
        "mlp",
        "--profile",
        "lesson",
        "--trials",
        str(trials),
        "--method",
        "random",
        "--storage",
        storage,
    ]
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1"}
    return [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        for _ in range(workers)
    ]


def end(crowd: list[subprocess.Popen]) -> None:
    if any([process.wait() for process in crowd]):
        raise SystemExit("a worker failed")


def search(workers: int, trials: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        end(start(workers, trials, f"sqlite:///{place}/trials.db"))


def found(storage: str) -> list[optuna.trial.FrozenTrial]:
    try:
        (name,) = optuna.get_all_study_names(storage)
        return optuna.load_study(study_name=name, storage=storage).trials
    except Exception:  # its tables are still being made
        return []


def with_a_kill(trials: int) -> dict[str, float]:
    """Kill one of two workers in its second trial or later; the other one goes on to the end."""
    with tempfile.TemporaryDirectory() as place:
        storage = f"sqlite:///{place}/trials.db"
        victim, other = start(2, trials, storage)
        mine: list[optuna.trial.FrozenTrial] = []
        while not (
            len(mine) > 1
            and mine[-1].state == optuna.trial.TrialState.RUNNING
            and mine[-1].user_attrs.get("seconds", 0) > 1
        ):
            time.sleep(0.1)
            mine = [
                t
                for t in found(storage)
                if t.user_attrs.get("worker", "").endswith(f":{victim.pid}")
            ]
        victim.kill()
        killed = datetime.datetime.now()
        victim.wait()
        end([other])
        done = [
            trial
            for trial in found(storage)
            if trial.state.is_finished() and trial.state != optuna.trial.TrialState.FAIL
        ]
        numbers = {trial.number for trial in done}
        lost = [trial for trial in mine if trial.number not in numbers]
    return {
        "trials lost with the killed worker": len(lost),
        "seconds lost": sum((killed - trial.datetime_start).total_seconds() for trial in lost),
        "trials finished after all": len(done),
    }


def main(trials: int = 20, rounds: int = 3) -> None:
    times = in_turns(lambda: search(1, trials), lambda: search(2, trials), rounds=rounds)
    table = pd.DataFrame(times, columns=["one worker, s", "two workers, s"]).rename_axis("round")
    table["ratio"] = table.iloc[:, 0] / table.iloc[:, 1]
    report(
        "workers",
        table,
        median_ratio=float(np.median(table.ratio)),
        least=float(table.ratio.min()),
        most=float(table.ratio.max()),
        trials=trials,
        **with_a_kill(trials),
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
