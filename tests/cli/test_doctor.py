"""`doctor`: each fault found alone, with what to do about it."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from jupyter_client import kernelspec
from packaging.requirements import Requirement

from fmnist_utils.cli import doctor, main

LABELS = "t10k-labels-idx1-ubyte.gz"


def lack_memory(patch, folder):
    patch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=8e9, available=1.9e9))


def lack_disk(patch, folder):
    patch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1e8))


def lack_package(patch, folder):
    patch.setattr(doctor, "_requirements", lambda: ["no-such-thing>=1"])


def have_old_package(patch, folder):
    patch.setattr(doctor, "_requirements", lambda: ["pytest>=999"])


def lack_psutil(patch, folder):
    patch.setitem(sys.modules, "psutil", None)


def damage_data(patch, folder):
    (folder / LABELS).write_text("<!doctype html>")


def block_run_store(patch, folder):
    patch.setenv("FMNIST_RUNS_DIR", str(folder / LABELS))


def lose_the_drive(patch, folder):
    patch.setenv("FMNIST_RUNS_DIR", "/lost/runs")
    exists = os.path.exists
    patch.setattr(
        os.path,
        "exists",
        lambda path: str(path) not in ("/lost/runs", "/lost", "/") and exists(path),
    )


def point_kernel_elsewhere(patch, folder):
    spec = SimpleNamespace(argv=["/another/python/bin/python"])
    patch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", lambda self, name: spec)


def have_no_kernel(patch, folder):
    def find(self, name):
        raise kernelspec.NoSuchKernel(name)

    patch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", find)


def spoil_keras_json(patch, folder):
    patch.setenv("KERAS_HOME", str(folder))
    (folder / "keras.json").write_text('{"floatx": "float8"}')


def be_python_3_14(patch, folder):
    patch.setattr(sys, "version_info", (3, 14, 0, "final", 0))


def name_no_folder(patch, folder):
    patch.setenv("FMNIST_RUNS_DIR", "https://host/runs")


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (None, None),
        (
            lack_memory,
            "memory: 8.0 GB, 1.9 GB of it available: close other programs, or use --profile smoke",
        ),
        (lack_disk, "disk: 0.1 GB free there: make room, or set FMNIST_RUNS_DIR to another folder"),
        (lack_package, 'no-such-thing is missing: python -m pip install "no-such-thing>=1"'),
        (have_old_package, 'python -m pip install "pytest>=999"'),
        (lack_psutil, "python -m pip install -r requirements.txt"),
        (damage_data, "/data are missing or damaged: python -m fmnist_utils data --fetch"),
        (block_run_store, "set FMNIST_RUNS_DIR to another folder"),
        (lose_the_drive, "(No such file or directory): set FMNIST_RUNS_DIR to another folder"),
        (spoil_keras_json, "correct or delete it."),
        (name_no_folder, "is an address; name a folder instead."),
        (be_python_3_14, ": install Python 3.13, TensorFlow has no build for a newer one"),
        (have_no_kernel, "no kernel python3: python -m ipykernel install --sys-prefix"),
        (point_kernel_elsewhere, "python -m ipykernel install --sys-prefix"),
    ],
)
def test_the_one_fault_and_what_to_do(fault, advice, folder, capsys, monkeypatch):
    memory = SimpleNamespace(total=8e9, available=6e9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=50e9))
    monkeypatch.setattr(doctor, "_requirements", lambda: ["pytest>=1"])
    if fault:
        fault(monkeypatch, folder)
    assert main(["doctor"]) == (1 if fault else 0)
    *checks, total = capsys.readouterr().out.splitlines()
    faults = [line for line in checks if not line.startswith("ok ")]
    assert [line[:3] for line in faults] == (["!! "] if fault else [])
    assert all(line.endswith(advice) for line in faults)
    assert fault is not damage_data or "!! data: 1 of 4 files in " in faults[0]
    assert total == ("To be put right: 1." if fault else "All is well: the course can run.")


def test_packages_of_extras_and_other_pythons_are_not_asked_for(monkeypatch):
    needed = ["pytest>=1", "gone; python_version<'3'", "only-for-tests>=1; extra == 'test'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: needed)
    assert list(doctor._packages()) == [(True, "1 required packages at the versions asked for")]


def test_the_smaller_tensorflow_is_taken(monkeypatch):
    monkeypatch.setattr(doctor, "_requirements", lambda: ["tensorflow>=2.20"])
    monkeypatch.setattr(doctor, "installed", {"tensorflow": "", "tensorflow-cpu": "2.21.0"}.get)
    assert list(doctor._packages()) == [(True, "1 required packages at the versions asked for")]


def test_a_checkout_that_is_not_installed_knows_what_it_needs(monkeypatch):
    def requires(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    asked = {Requirement(line).name for line in doctor._requirements()}
    assert {"tensorflow", "numpy", "papermill"} <= asked
    assert not asked & {Requirement(line).name for extra in extras for line in extra}


def test_it_needs_nothing_but_python(tmp_path):
    done = subprocess.run(
        [sys.executable, "-S", "-m", "fmnist_utils", "doctor"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"FMNIST_DATA_DIR": str(tmp_path), "FMNIST_RUNS_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, "")
    checks = [line[:2] for line in done.stdout.splitlines()]
    assert checks == ["ok", "!!", "!!", "ok", "ok", "!!", "!!", "To"]
    assert "packages: can't be checked (No module named 'packaging'): python -m pip" in done.stdout
