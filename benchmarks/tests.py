"""Where the time of `make test` goes, file by file.

python benchmarks/tests.py
"""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
from common import report

ROOT = Path(__file__).parent.parent


def main() -> None:
    command = re.search(r"-m (pytest -n 2 .*)", (ROOT / "Makefile").read_text())[1].split()
    environment = {
        "FMNIST_PROFILE": "smoke",
        "MPLBACKEND": "agg",
        "TF_NUM_INTRAOP_THREADS": "1",
        "FMNIST_RUNS_DIR": str(ROOT / "build" / "bench-test-runs"),
    }
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *command, "--durations=0", "-q"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env=os.environ | environment,
    )
    whole = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"Some tests failed, so their times say little:\n{done.stdout[-3000:]}")
    spent: Counter[str] = Counter()
    for took, where in re.findall(r"^([\d.]+)s \w+ +([^:\s]+)", done.stdout, re.M):
        spent[where] += float(took)
    table = pd.DataFrame({"seconds": spent}).sort_values("seconds", ascending=False)
    report(
        "tests",
        table.rename_axis("file"),
        minutes_in_all=float(whole / 60),
        outcome=done.stdout.strip().splitlines()[-1],
    )


if __name__ == "__main__":
    main()
