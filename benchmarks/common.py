"""What all benchmarks share: ways side by side, their ratios, a table and a JSON file.

Times on shared machines are noisy, so nothing here is a time to quote: the ways take turns in one
process, and what counts is their ratio in each round, its median, least and most.
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
    """How long the work takes; one that returns a float has timed itself."""
    start = time.perf_counter()
    own = work()
    return own if isinstance(own, float) else time.perf_counter() - start


def in_turns(*works: Callable[[], object], rounds: int) -> np.ndarray:
    """Seconds of each, (rounds, works); another one goes first in each round."""
    times = np.empty((rounds, len(works)))
    for number in range(rounds):
        for column in np.roll(range(len(works)), -number):
            times[number, column] = seconds(works[column])
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
