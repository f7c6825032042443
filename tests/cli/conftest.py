"""What the commands' tests share: data and a reference of their own, and other processes."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_runs import called_real, elsewhere

from fmnist_utils.data import files

__all__ = ["called_real", "elsewhere"]


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen]:
    """`start("data", …)` runs a command in a process of its own, by default on the stand-in."""

    def start(*args: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "fmnist_utils", *args],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"FMNIST_DATA_DIR": "stand-in"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def no_tensorflow(tmp_path) -> str:
    """A PYTHONPATH on which TensorFlow ends the process that imports it."""
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    return str(tmp_path)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A data folder named by the user, with four small files that stand for the published ones."""
    where = tmp_path / "data"
    where.mkdir()
    for name in list(files.FILES):
        (where / name).write_text(name)
        md5 = hashlib.md5(name.encode()).hexdigest()
        monkeypatch.setitem(files.FILES, name, (md5, len(name)))
    monkeypatch.setenv("FMNIST_DATA_DIR", str(where))
    return where


@pytest.fixture
def refused(capsys) -> Callable[..., str]:
    """`refused("run", …)` runs a command that must end with 2 and one line on stderr: that line."""
    from fmnist_utils.cli import main

    def refused(*args: str) -> str:
        before = set(Path("build").glob("*.*"))  # `make course` may have been here
        assert main(list(args)) == 2
        out, err = capsys.readouterr()
        assert (out, err[:7], err.count("\n")) == ("", "error: ", 1)
        assert set(Path("build").glob("*.*")) == before
        return err

    return refused
