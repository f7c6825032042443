"""SIGKILL at random moments: the next start goes on, nothing finished is done again, and the end
is what it would have been, bit for bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import psutil
import pytest
from conftest import SEED

HERE = Path(__file__).parent
KILLS = 20


def start(arguments, store, **more):
    """A process of its own group, so that all of it can be killed at once."""
    environment = {"FMNIST_DATA_DIR": "stand-in", "PYTHONPATH": str(HERE.parent)}
    return subprocess.Popen(
        [sys.executable, "-u", *map(str, arguments)],
        env=os.environ | environment | {"FMNIST_RUNS_DIR": str(store)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **more,
    )


def until_ready(process, mark):
    for line in process.stdout:
        if mark in line:
            return
    raise AssertionError(f"it ended before {mark!r}")


def killed_in(process, seconds):
    """Kill it and its children after so long; False if it had ended before."""
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    finally:
        process.stdout.close()


def finished(folder):
    """Finished runs in a store: their names, and when each was written."""
    files = folder.glob("[!.]*/run.json")
    return {file.parent.name: file.stat().st_mtime_ns for file in files}


def outcome(reference):
    """All that must be equal to the last bit: the table but for times, predictions, histories."""
    table = pd.read_csv(reference / "results.csv").drop(columns="train_seconds")
    found = {"results": table.to_csv()}
    for folder in sorted((reference / "runs").iterdir()):
        history = pd.read_csv(folder / "history.csv").drop(columns="seconds")
        with np.load(folder / "test.npz") as arrays:
            bits = {name: arrays[name].tobytes() for name in arrays}
        metrics = json.loads((folder / "run.json").read_text())["metrics"]
        found[folder.name] = (history.to_csv(), bits, metrics)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """`reproduce` without a kill: its outcome, and how long its work takes."""
    place = tmp_path_factory.mktemp("undisturbed")
    process = start([HERE / "driver.py", place / "runs", place / "reference", 1], place / "runs")
    until_ready(process, "ready")
    begun = time.monotonic()
    process.communicate(timeout=600)
    assert process.returncode == 0
    return outcome(place / "reference"), time.monotonic() - begun


def test_reproduce(undisturbed, tmp_path, tally):
    wanted, work = undisturbed
    rng, store, reference = random.Random(SEED), tmp_path / "runs", tmp_path / "reference"
    kills, kept = 0, {}
    while kills < KILLS:
        process = start([HERE / "driver.py", store, reference, 1], store)
        until_ready(process, "ready")
        # Short leaves, so that twenty of them fit into the work; a start's own costs come first.
        if killed_in(process, rng.uniform(0.2, max(1.0, work / 3))):
            kills += 1
            tally("kills: reproduce")
        elif len(kept) == 4:  # all done before the kills were: begin anew
            assert outcome(reference) == wanted
            store, reference, kept = tmp_path / f"runs{kills}", tmp_path / f"reference{kills}", {}
            continue
        now = finished(store)
        assert kept.items() <= now.items(), "a finished run was made again"
        kept = now
    process = start([HERE / "driver.py", store, reference, 1], store)
    process.communicate(timeout=600)
    assert process.returncode == 0
    assert kept.items() <= finished(store).items()
    assert outcome(reference) == wanted
    assert not list(store.glob(".*"))[4 * KILLS :]  # rests of killed runs, at most one a kill


def series(out, store):
    command = ["-m", "fmnist_utils", "run", "02", "--profile", "smoke", "--out", out]
    return start(command, store, cwd=HERE.parent)


def metrics(store):
    files = sorted(store.glob("[!.]*/run.json"))
    return {file.parent.name: json.loads(file.read_text())["metrics"] for file in files}


TWO_JOBS = """
import multiprocessing, time
from fmnist_utils.runs import jobs

def tell():
    print("jobs:", *(process.pid for process in multiprocessing.active_children()))

if __name__ == "__main__":
    list(jobs.each(time.sleep, [(300,), (300,)], 2, tell))
"""


def test_no_job_outlives_the_first_process(tmp_path, tally):
    (tmp_path / "two_jobs.py").write_text(TWO_JOBS)
    process = start([tmp_path / "two_jobs.py"], tmp_path / "runs")
    told = next(line for line in process.stdout if line.startswith("jobs:"))
    pids = list(map(int, told.split()[1:]))
    assert len(pids) == 2
    time.sleep(20)  # TensorFlow is imported, and both are at work
    assert all(map(psutil.pid_exists, pids))
    process.kill()  # alone, not its group
    process.wait()
    process.stdout.close()
    _, left = psutil.wait_procs([psutil.Process(p) for p in pids if psutil.pid_exists(p)], 10)
    assert not [p for p in left if p.status() != psutil.STATUS_ZOMBIE]
    tally("SIGKILL of the first process alone: its jobs end")


def test_run(tmp_path, tally):
    begun = time.monotonic()
    process = series(tmp_path / "out", tmp_path / "undisturbed")
    process.communicate(timeout=600)
    assert process.returncode == 0
    work, wanted = time.monotonic() - begun, metrics(tmp_path / "undisturbed")
    assert len(wanted) > 3
    rng, store, kept, kills, dead = random.Random(SEED), tmp_path / "runs", {}, 0, True
    while kills < KILLS or dead:  # what was killed last is brought to its end
        process = series(tmp_path / "out", store)
        dead = killed_in(process, 600 if kills == KILLS else rng.uniform(0.1, 0.9) * work)
        time.sleep(1)  # papermill and its kernel are sessions of their own: they may end by now
        now = finished(store) if store.exists() else {}
        assert kept.items() <= now.items(), "a finished run was made again"
        kept = now
        if dead:
            kills += 1
            tally("kills: run")
        else:
            assert process.returncode == 0
            assert metrics(store) == wanted
            store, kept = tmp_path / f"runs{kills}", {}  # and begin anew


def test_tune(tmp_path, tally):
    def command(storage):
        tune = ["-m", "fmnist_utils", "tune", "mlp", "--profile", "smoke", "--trials", 12]
        return [*tune, "--storage", storage]

    def load(storage):
        return optuna.load_study(study_name="mlp.tpe.smoke.seed0", storage=storage)

    rng, undisturbed = random.Random(SEED), f"sqlite:///{tmp_path}/undisturbed.db"
    process = start(command(undisturbed), tmp_path)
    until_ready(process, "trial 0")
    begun = time.monotonic()
    process.communicate(timeout=600)
    a_trial = (time.monotonic() - begun) / 11
    known = {
        json.dumps(trial.params, sort_keys=True): trial.value for trial in load(undisturbed).trials
    }
    kills, before, storage, dead = 0, 0, f"sqlite:///{tmp_path}/trials.db", True
    while kills < KILLS or dead:
        process = start(command(storage), tmp_path)
        dead = killed_in(process, 600 if kills == KILLS else rng.uniform(4, 10 + 2 * a_trial))
        if dead:
            kills += 1
            tally("kills: tune")
            continue
        assert process.returncode == 0
        study = load(storage)
        states = [trial.state.name for trial in study.trials]
        assert states.count("COMPLETE") + states.count("PRUNED") == 12
        # Each kill costs the one trial that was being made, at most.
        assert len(states) - 12 <= kills - before
        for trial in study.trials:  # what both tried came out the same, to the last bit
            params = json.dumps(trial.params, sort_keys=True)
            if trial.state.name == "COMPLETE" and params in known:
                assert trial.value == known[params]
        before, storage = kills, f"sqlite:///{tmp_path}/trials{kills}.db"
