"""Full disks, read-only and vanishing folders, strangers in the run store: what exists stays."""

import errno
import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from fmnist_utils import CourseError, data, runs, training
from fmnist_utils.data import files
from fmnist_utils.profiles import Profile
from fmnist_utils.runs import store
from fmnist_utils.training import Recipe, checkpoint, loop

TINY = Profile("tiny", 300, 200, 100, 1.0, None, 1)
ONE_LAYER = dict(widths=(8,), dropouts=(0.0,))
SMALL = Recipe("small", "mlp", ONE_LAYER, "sgd", epochs=2, validation="first 5,000")
LARGE = SMALL.but("large", widths=(512,))  # its model takes 1.6 MB


@pytest.fixture(scope="module")
def dataset():
    return data.stand_in("the tests ask for it")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte, as the run store."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", place]
    made = subprocess.run(mount, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def content(folder):
    paths = folder.rglob("*")
    return {path.relative_to(folder): path.is_file() and path.read_bytes() for path in paths}


def one_sentence(error):
    assert "\n" not in str(error)
    return str(error)


def test_full_disk_while_a_run_is_written(small_disk, dataset, monkeypatch, tally):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(small_disk))
    kept = runs.train(SMALL, dataset, TINY)
    before = content(small_disk)
    for _ in range(2):
        with pytest.raises(CourseError, match="disk|space") as told:
            runs.train(LARGE, dataset, TINY)
        assert str(small_disk) in one_sentence(told.value)
        assert content(small_disk) == before  # no rest of it, and the finished run as it was
        tally("disk: full while a run is written")
    assert runs.train(SMALL, dataset, TINY).record == kept.record


def test_full_disk_while_a_checkpoint_is_written(small_disk, dataset, monkeypatch, tally):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(small_disk))
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    kept = content(small_disk)
    with pytest.raises(CourseError, match="disk|space") as told:
        runs.train(LARGE, dataset, TINY)
    one_sentence(told.value)
    assert not [path for path, what in content(small_disk).items() if what and path not in kept]
    tally("disk: full while a checkpoint is written")


def test_full_disk_while_data_is_downloaded(small_disk, tmp_path, monkeypatch, tally):
    name = "train-images-idx3-ubyte.gz"
    monkeypatch.setattr(files, "_get", lambda url, size: bytes(2_000_000))
    monkeypatch.setattr(files, "check", lambda name, content: content)
    with pytest.raises(files.BadFile, match="can't be written .*space") as told:
        files.download(name, small_disk)
    one_sentence(told.value)
    assert not list(small_disk.iterdir())
    tally("disk: full while data is downloaded")


def test_read_only_store(small_disk, dataset, monkeypatch, tally):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(small_disk))
    kept = runs.train(SMALL, dataset, TINY)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert runs.train(SMALL, dataset, TINY).record == kept.record  # found, nothing to write
    with pytest.raises(CourseError, match="FMNIST_RUNS_DIR") as told:
        runs.train(SMALL, dataset, TINY, seed=1)
    one_sentence(told.value)
    tally("disk: read-only run store")


@pytest.mark.parametrize("when", range(3))
def test_store_deleted_while_a_run_is_made(when, dataset, tmp_path, monkeypatch, tally):
    folder = tmp_path / "store"
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(folder))
    fit, save = training.fit, checkpoint.save

    def fit_and_lose(*given):
        found = fit(*given)
        shutil.rmtree(folder)
        return found

    def save_and_lose(*given):
        shutil.rmtree(folder, ignore_errors=True)
        return save(*given)

    if when == 0:
        monkeypatch.setattr(training, "fit", fit_and_lose)
    elif when == 1:
        monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
        monkeypatch.setattr(checkpoint, "save", save_and_lose)
    else:
        monkeypatch.setattr(store, "_measure", lambda *given: shutil.rmtree(folder) or ({}, {}))
    with pytest.raises(CourseError, match="FMNIST_RUNS_DIR") as told:
        runs.train(SMALL, dataset, TINY)
    one_sentence(told.value)
    monkeypatch.undo()
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(folder))
    assert runs.train(SMALL, dataset, TINY).metrics["val_accuracy"] > 0
    tally("disk: run store deleted while a run is made")


STRANGERS = {
    "a file of the file manager": lambda store: (store / ".DS_Store").write_bytes(b"x"),
    "a folder of notes": lambda store: (store / "notes").mkdir(),
    "a broken link": lambda store: (store / "old").symlink_to(store / "nowhere"),
    "an unfinished run": lambda store: (store / ".small.tiny.seed0.xyz").mkdir(),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_in_the_store_are_left_alone(stranger, dataset, tmp_path, monkeypatch, tally):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path))
    STRANGERS[stranger](tmp_path)
    before = set(os.listdir(tmp_path))
    first = runs.train(SMALL, dataset, TINY)
    assert runs.train(SMALL, dataset, TINY).record == first.record
    assert set(os.listdir(tmp_path)) == before | {first.folder.name}
    tally("disk: strangers in the run store")


def test_the_command_line_says_it_in_a_sentence(small_disk, tmp_path, tally):
    """A series whose disk gets full: exit code 1 or 2, a sentence, no traceback."""
    (small_disk / "others' files").write_bytes(bytes(800_000))
    command = [sys.executable, "-m", "fmnist_utils", "run", "02", "--profile", "smoke"]
    folders = {"FMNIST_DATA_DIR": "stand-in", "FMNIST_RUNS_DIR": str(tmp_path)}
    done = subprocess.run(
        [*command, "--out", small_disk / "out"],
        env=os.environ | folders,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stdout + done.stderr
    assert os.strerror(errno.ENOSPC) in done.stdout + done.stderr
    tally("disk: full while a series is written")


def lesson(folder, name, *sources):
    parameters = nbformat.v4.new_code_cell(
        'profile: str = ""\nseed: int = 0', metadata={"tags": ["parameters"]}
    )
    cells = [parameters, *map(nbformat.v4.new_code_cell, sources)]
    kernel = {"name": "python3", "display_name": "Python", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel}, cells=cells)
    nbformat.write(notebook, folder / f"{name}.ipynb")


FILL = """
import errno
with open({file!r}, "wb", buffering=0) as file:
    try:
        while file.write(bytes(1000)):
            pass
    except OSError as error:
        assert error.errno == errno.ENOSPC
"""


@pytest.mark.parametrize("how", ["output", "another file", "page", "many"])
def test_a_series_goes_on_when_its_disk_was_full_for_one(how, small_disk, tmp_path, tally):
    lessons, out = tmp_path / "lessons", small_disk / "out"
    lessons.mkdir()
    for number in range(8 if how == "many" else 1):
        code = {
            "another file": [FILL.format(file=str(small_disk / "filler")), "print('x' * 9000)"],
            "page": ["print('x' * 500_000)"],
        }.get(how, ["print('x' * 2_000_000)"])
        lesson(lessons, f"0{number}_large", *code)
    emptied = f"import os\nos.path.exists({str(small_disk / 'filler')!r}) and "
    lesson(lessons, "09_small", emptied + f"os.remove({str(small_disk / 'filler')!r})", "print(1)")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "fmnist_utils", "run", "--profile", "smoke"),
            *("--notebooks", lessons, "--out", out),
        ],
        env=os.environ | {"FMNIST_DATA_DIR": "stand-in", "FMNIST_RUNS_DIR": str(tmp_path / "runs")},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "")
    summary = json.loads((out / "summary.json").read_text("utf-8"))["notebooks"]
    page = (out / "index.html").read_text("utf-8")
    assert page.count("<tr><td>") == len(summary) == len(list(lessons.iterdir()))
    for result in summary[:-1]:
        assert result["status"] == "failed"
        assert "no space left" in result["error"].lower()
        assert f"{result['name']} … failed" in done.stdout
        tally("disk: full for one lesson of a series")
    assert not list(out.glob(".*"))
    if how != "another file":  # what filled the disk there fills it for the next lesson, too
        assert summary[-1]["status"] == "ok", summary[-1]
