"""Several trainings at a time, each in a process of its own: the same results, one common end."""

import os
import signal
import time
from itertools import product
from multiprocessing import active_children

import psutil
import pytest

from fmnist_utils import CourseError, messages
from fmnist_utils.profiles import Profile
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.runs.jobs import each, train_all


def test_several_jobs_train_what_one_does(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    tiny = Profile("tiny", 300, 100, 100, 1.0, 1, 1)
    names, seeds = ("first", "again"), (0, 1)
    todo = [(PUBLISHED["cnn-basic"].but(name), seed) for seed in seeds for name in names]
    metrics, weights, waited = {}, {}, []
    for jobs in (1, 2):
        monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path / str(jobs)))
        trained = list(train_all(todo, dataset, tiny, jobs, lambda jobs=jobs: waited.append(jobs)))
        assert "TF_NUM_INTRAOP_THREADS" not in os.environ, "as it was"
        assert all(run.folder.parent == tmp_path / str(jobs) for run in trained)
        found = {(run.recipe.id, run.record["key"]["seed"]): run for run in trained}
        assert found.keys() == set(product(names, seeds))
        metrics[jobs] = {task: run.metrics for task, run in found.items()}
        weights[jobs] = {
            task: b"".join(w.tobytes() for w in run.model.get_weights())
            for task, run in found.items()
        }
    assert set(waited) == {2}, "while others work, progress can be told"
    for seed in seeds:
        assert metrics[2]["again", seed] == metrics[2]["first", seed], "beside others: the same"
        assert weights[2]["again", seed] == weights[2]["first", seed]
    assert len(set(weights[2].values())) == 2, "another seed, another model"
    for task, found in metrics[1].items():  # other numbers of threads round sums otherwise
        assert metrics[2][task] == pytest.approx(found, abs=0.02)


def job(what, folder):
    """A job of these tests, in a process of its own; it leaves a file to tell how far it came."""
    (folder / what).write_text(os.environ["TF_NUM_INTRAOP_THREADS"])
    if what == "a long one":
        try:
            time.sleep(300)
        except KeyboardInterrupt:
            (folder / "it was told to stop").touch()
            raise
    while not (folder / "a long one").exists():
        time.sleep(0.05)
    if what == "a failing one":
        raise CourseError("the disk is full")
    if what == "a killed one":
        os.kill(os.getpid(), signal.SIGKILL)


def end_together(what, folder, message):
    with pytest.raises(CourseError, match=message):
        list(each(job, [(one, folder) for one in what], 2))
    # (Of a child that another thread has waited for, multiprocessing doesn't know that it is gone.)
    assert not [child for child in active_children() if psutil.pid_exists(child.pid)]
    return {path.name for path in folder.iterdir()}


def test_one_that_fails_midway_stops_the_others(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
    monkeypatch.setattr("fmnist_utils.data.places.cores", lambda: 7)
    both = "a long one", "a failing one"
    assert end_together(both, tmp_path, "the disk is full") == {*both, "it was told to stop"}
    assert [(tmp_path / one).read_text() for one in both] == ["3", "3"], "its share of the cores"
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "7", "as it was"


@pytest.mark.long
def test_an_idle_process_ends_without_a_word(tmp_path, capfd):
    ready = each(job, [(one, tmp_path) for one in ("a quick one", "a long one")], 2)
    next(ready)
    ready.close()
    assert (tmp_path / "it was told to stop").exists()
    assert capfd.readouterr().err == ""


@pytest.mark.long
def test_one_that_is_killed_stops_the_others_and_none_begins(tmp_path):
    both = "a long one", "a killed one"
    left = end_together((*both, "a later one"), tmp_path, "ended from outside")
    assert left == {*both, "it was told to stop"}


def test_a_signal_that_a_library_swallowed_stops_them_all_the_same(tmp_path, monkeypatch):
    begun = each(job, [("a long one", tmp_path)], 2, lambda: interruptions.append(signal.SIGINT))
    monkeypatch.setattr(messages, "interruptions", interruptions := [])
    with pytest.raises(KeyboardInterrupt):
        list(begun)
    assert not [child for child in active_children() if psutil.pid_exists(child.pid)]
