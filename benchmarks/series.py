"""The whole series: how much of it is training, what a second run costs, and peak memory.

Runs all notebooks twice with a run store of their own, empty at first: the second time everything
that was trained is found again.

    python benchmarks/series.py [PROFILE…]
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from common import report

ROOT = Path(__file__).parent.parent


def run(profile: str, store: Path, out: Path) -> dict:
    subprocess.run(
        [sys.executable, "-m", "fmnist_utils", "run", "--profile", profile, "--out", str(out)],
        env=os.environ | {"FMNIST_RUNS_DIR": str(store)},
        cwd=ROOT,
        check=True,
    )
    return json.loads((out / "summary.json").read_text())


def main(*profiles: str) -> None:
    for profile in profiles or ("smoke", "lesson"):
        with tempfile.TemporaryDirectory() as place:
            store = Path(place) / "runs"
            first = run(profile, store, Path(place) / "first")
            trained = sum(
                json.loads(file.read_text())["train_seconds"] for file in store.glob("*/run.json")
            )
            second = run(profile, store, Path(place) / "second")
        table = pd.DataFrame(
            {
                "first, s": {n["name"]: n["seconds"] for n in first["notebooks"]},
                "second, s": {n["name"]: n["seconds"] for n in second["notebooks"]},
                "peak memory, MB": {n["name"]: n["peak_mb"] for n in first["notebooks"]},
            }
        )
        table["second / first"] = table["second, s"] / table["first, s"]
        whole = table["first, s"].sum()
        report(
            f"series-{profile}",
            table.rename_axis("notebook"),
            total_seconds=float(whole),
            training_seconds=float(trained),
            share_of_training=float(trained / whole),
            second_run_over_first=float(table["second, s"].sum() / whole),
            largest_peak_memory_MB=float(table["peak memory, MB"].max()),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
