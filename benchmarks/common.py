"""What all benchmarks share: two ways side by side, their ratio, a table and a JSON file.

Times on shared machines are noisy, so nothing here is a time to quote: the two ways take turns in
one process, and what counts is the ratio of each pair, its median, least and most.
"""

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fmnist_utils.data import places
from fmnist_utils.models.backend import keras, tf

RESULTS = Path(__file__).parent / "results"


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(first: Callable[[], object], second: Callable[[], object], rounds: int) -> np.ndarray:
    """Seconds of each, (rounds, 2); in every other round the second goes first."""
    times = np.empty((rounds, 2))
    for number in range(rounds):
        for column in (0, 1) if number % 2 == 0 else (1, 0):
            times[number, column] = seconds((first, second)[column])
    return times


def report(name: str, table: pd.DataFrame, **findings: object) -> None:
    """Print a table and what follows from it, and keep both in `benchmarks/results/`."""
    print(f"\n{name}\n{table.to_string(float_format=lambda x: f'{x:,.2f}')}")
    for what, value in findings.items():
        print(
            f"{what.replace('_', ' ')}: {value:,.3g}"
            if isinstance(value, float)
            else f"{what.replace('_', ' ')}: {value}"
        )
    machine = {
        "cores": places.cores(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    rows = json.loads(table.reset_index().to_json(orient="records"))
    RESULTS.mkdir(exist_ok=True)
    content = {"machine": machine, "findings": findings, "table": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1, default=float) + "\n")
