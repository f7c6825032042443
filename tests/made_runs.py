"""Finished runs with figures made up for the test, and a reference of the test's own."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fmnist_utils.cli import reproduce
from fmnist_utils.data import Dataset
from fmnist_utils.profiles import PROFILES, Profile
from fmnist_utils.reference import tables
from fmnist_utils.runs import Run, files

FULL = PROFILES["full"]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder in the place of the package's own reference."""
    monkeypatch.setattr(tables, "FOLDER", tmp_path / "reference")
    return tables.FOLDER


@pytest.fixture
def called_real(dataset):
    """The stand-in under the real data's name: training is replaced here, so nothing is learnt."""
    return replace(dataset, source="Fashion-MNIST")


def finished(
    folder: Path, dataset: Dataset, id: str, seed: int, accuracy: float, profile: Profile = FULL
) -> Run:
    """A run as the run store would hold it, of this accuracy; on other than the judged images all
    its metrics are half as large."""
    recipe = reproduce._recipe(id)
    others = ("train", "val") if recipe.validation != "none" else ("train",)
    judged_on = {"test": 1} | dict.fromkeys(others, 0.5) if recipe.opens_test else {"val": 1}
    reached = {"loss": 0.3, "cross_entropy": 0.2, "accuracy": accuracy}
    for number, name in enumerate(("precision", "recall", "f1"), start=1):
        reached[name] = round(accuracy - number / 1000, 6)
    record = {
        "key": files.make_key(recipe, dataset, profile, seed),
        "source": dataset.source,
        "profile": profile.name,
        "epochs_run": 2,
        "parameters": 7,
        "train_seconds": 1.5,
        "metrics": {
            f"{part}_{name}": share * value
            for part, share in judged_on.items()
            for name, value in reached.items()
        },
    }
    folder = folder / f"{id.replace('/', '-')}.{seed}.{time.monotonic_ns()}"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record))
    watched = ["val_loss", "val_accuracy"] if recipe.validation != "none" else []
    history = dict.fromkeys(["accuracy", *watched], accuracy)
    history = {"epoch": [1, 2], "seconds": 1.0, "loss": [0.123456789, 0.1]} | history
    pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
    labels = dataset.test.labels
    outputs = np.random.default_rng(seed).dirichlet(np.ones(10), len(labels)).astype(np.float32)
    np.savez(folder / "test.npz", outputs=outputs, labels=labels, train_confusion=np.eye(10) + seed)
    return Run(recipe, folder, record)


def content(folder: Path) -> dict[Path, bytes | bool]:
    """All that a folder holds, to be compared with what it holds later."""
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}
