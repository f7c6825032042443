"""SIGINT, SIGTERM and SIGHUP at random moments: each long command ends soon and tidily, and the
next start goes on, to what it would have been, bit for bit."""

import contextlib
import csv
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import optuna
import pandas as pd
import psutil
import pytest
from conftest import SEED
from test_kills import HERE, finished, metrics, outcome, start

from fmnist_utils import tuning

MOMENTS = int(os.environ.get("FAULT_MOMENTS", "20"))
# A step takes a quarter of a second at most, and ending 5 seconds; this is for a busy machine.
PATIENCE = 60

LESSON = """
from fmnist_utils import runs, setup
from fmnist_utils.recipes import PUBLISHED
profile, seed, dataset = setup(profile, seed)
trained = runs.train([PUBLISHED["mlp-350-80"], PUBLISHED["cnn-basic"]], dataset, profile, seed)
"""


def lessons(place):
    """A folder with two short notebooks that train the same two models."""
    folder = place / "lessons"
    folder.mkdir(parents=True, exist_ok=True)
    given = nbformat.v4.new_code_cell("profile = seed = ''", metadata={"tags": ["parameters"]})
    cells = [given, nbformat.v4.new_code_cell(LESSON)]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    for name in ("01_a", "02_b"):
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


def run(place):
    small = "--profile", "smoke", "--notebooks", lessons(place), "--out", place / "out"
    return ["-m", "fmnist_utils", "run", *small]


def class_list(place):
    small = "--profile", "smoke", "--notebooks", lessons(place), "--out", place / "out"
    (place / "class.csv").write_text("student,seed\nAda,1\nBob,2\n")
    return [HERE.parent / "tools/class_list.py", place / "class.csv", "02", *small]


def reproduce(jobs, *searches):
    return lambda place: [
        *(HERE / "driver.py", place / "runs", place / "reference", jobs),
        *searches,
    ]


def tune(place):
    where = "--storage", f"sqlite:///{place}/trials.db"
    return ["-m", "fmnist_utils", "tune", "mlp", "--profile", "smoke", "--trials", 8, *where]


def trained(place):
    return metrics(place / "runs")


def students(place):
    with open(place / "out/results.csv") as opened:
        return trained(place), list(csv.reader(opened))


def reproduced(place):
    return outcome(place / "reference")


def searched(place):
    files = sorted((place / "reference/searches").iterdir())
    return {file.name: pd.read_csv(file).drop(columns="seconds").to_csv() for file in files}


def tuned(place):
    study = optuna.load_study(
        study_name="mlp.tpe.smoke.seed0", storage=f"sqlite:///{place}/trials.db"
    )
    return tuning.table(study).drop(columns="seconds").to_csv()


COMMANDS = {
    "run": (run, trained),
    "class_list": (class_list, students),
    "reproduce": (reproduce(1), reproduced),
    "reproduce --jobs 2": (reproduce(2), reproduced),
    "reproduce searches --jobs 2": (reproduce(2, "search-mlp", "tuners"), searched),
    "tune": (tune, tuned),
}


def begin(command, place):
    """Start a command; return it once signals find it prepared."""
    place.mkdir(exist_ok=True)
    # Else the command would ignore them: SIGHUP below `nohup`, SIGINT in the background of a shell.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = start(COMMANDS[command][0](place), place / "runs", cwd=HERE.parent)
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        with contextlib.suppress(OSError):
            caught = next(line for line in status.read_text().splitlines() if "SigCgt" in line)
            if int(caught.split()[1], 16) & 1 << (signal.SIGHUP - 1):
                return process
        time.sleep(0.01)
    raise AssertionError(process.communicate()[0])


def ended_by(process, number, seconds, everybody):
    """Send a signal after so long, to everybody in the terminal or to the command alone. Seconds
    until it had ended, and what it said."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    begun = time.monotonic()
    if process.returncode is None:
        (os.killpg if everybody else os.kill)(process.pid, number)
    said, _ = process.communicate(timeout=PATIENCE)
    return time.monotonic() - begun, said


def family(place):
    """All processes that a command in this place has started, whoever is their parent now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("FMNIST_RUNS_DIR") == str(place / "runs"):
                found.append(process)
    return found


def rests(place):
    """What no finished run, notebook or table is, but a part of one."""
    return [
        path
        for path in place.rglob("*")
        if path.name != ".lock"
        and (path.name.startswith(".") or ".unfinished" in path.name or path.suffix == ".tmp")
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What comes of a command without a signal, and how long it works."""
    known = {}

    def find(command):
        if command not in known:
            place = tmp_path_factory.mktemp("undisturbed") / "place"
            process, begun = begin(command, place), time.monotonic()
            said, _ = process.communicate(timeout=600)
            assert process.returncode == 0, said
            assert not rests(place)
            known[command] = COMMANDS[command][1](place), time.monotonic() - begun
        return known[command]

    return find


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells when a command is prepared")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_signal_ends_goes_on(command, name, undisturbed, tmp_path, tally):
    wanted, work = undisturbed(command)
    rng = random.Random(f"{SEED} {command} {name}")
    number, place, kept, took, ended = getattr(signal, name), tmp_path / "0", {}, [], True
    while len(took) < MOMENTS or ended:  # what was ended last is brought to its end
        process = begin(command, place)
        seconds, everybody = rng.uniform(0, work), rng.random() < 0.5
        seconds = seconds if len(took) < MOMENTS else 600
        print(f"FAULT_SEED={SEED} {command} · {name} after {seconds:.2f} s, {everybody=}", end=" ")
        lasted, said = ended_by(process, number, seconds, everybody)
        print(f"· {1000 * lasted:.0f} ms", flush=True)
        now, ended = finished(place / "runs"), process.returncode != 0
        assert kept.items() <= now.items(), "a finished run was made again"
        _, left = psutil.wait_procs(family(place), timeout=10)
        assert not left, said
        assert not rests(place), said
        if ended:
            assert process.returncode == 130, said
            assert said.endswith("stopped before the end\n"), said
            assert "Traceback" not in said
            kept = now
            took.append(lasted)
            tally(f"{name}: {command}")
        else:  # all was done before: begin anew
            assert COMMANDS[command][1](place) == wanted
            place, kept = tmp_path / f"{len(took)}", {}
    print(
        f"{command} · {name}: from the signal to the end {1000 * statistics.median(took):.0f} ms, "
        f"{1000 * max(took):.0f} at most"
    )
