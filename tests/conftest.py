"""What all tests share: no network, no run of the user's touched, and the data to test on."""

import os
import signal
from pathlib import Path

import pytest

from fmnist_utils import data

NAMED = os.environ.get("FMNIST_DATA_DIR", "")


def pytest_collection_modifyitems(items):
    """After the notebooks the slowest files, so that no worker is left with one at the end: first
    the whole series, which takes a third of the time and finds what the notebooks have trained."""
    slowest = ["test_notebooks", "tuning", "test_lecturers"]

    def place(item):
        if item.path.suffix != ".py":
            return -1
        names = (item.path.stem, item.path.parent.name)
        return next((n for n, slow in enumerate(slowest) if slow in names), len(slowest))

    items.sort(key=place)


# A shell that starts the tests in its background has SIGINT ignored, in what they start as well.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _apart(monkeypatch, tmp_path):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.delenv("FMNIST_MIRROR", raising=False)
    monkeypatch.setattr("fmnist_utils.data.files.MIRRORS", ())


@pytest.fixture(scope="session")
def dataset():
    """The whole drawn stand-in, protected from tests that would change it."""
    drawn = data.stand_in("the tests ask for it")
    for array in (*drawn.train, *drawn.test):
        array.flags.writeable = False
    return drawn


@pytest.fixture(scope="session")
def real():
    """Fashion-MNIST itself, where `FMNIST_DATA_DIR` has it."""
    if NAMED in ("", "stand-in"):
        pytest.skip("needs the real files; set FMNIST_DATA_DIR to their folder")
    with pytest.MonkeyPatch.context() as patched:  # a file that is missing isn't fetched
        patched.setattr("fmnist_utils.data.files.MIRRORS", ())
        patched.delenv("FMNIST_MIRROR", raising=False)
        return data.load_files(Path(NAMED).expanduser())
