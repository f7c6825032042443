"""The reference table: only full runs on the real data, compared as the lessons show them."""

import numpy as np
import pandas as pd
import pytest

from fmnist_utils import CourseError, reference
from fmnist_utils.profiles import PROFILES
from fmnist_utils.published import PUBLISHED
from fmnist_utils.runs import Run


def finished(tmp_path, id, seed, accuracy, images=10_000):
    """A Run with figures made up for the test."""
    names = ("loss", "accuracy", "precision", "recall", "f1")
    metrics = {f"{part}_{name}": accuracy for part in ("train", "test") for name in names}
    record = {"metrics": metrics, "parameters": 7, "epochs_run": 3, "profile": "full",
              "train_seconds": 1.0, "key": {"data": "abc", "seed": seed}}  # fmt: skip
    np.savez(tmp_path / "test.npz", outputs=np.zeros((images, 10), "float32"))
    return Run(PUBLISHED[id], tmp_path, record)


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "FOLDER", tmp_path / "reference")
    return tmp_path


def test_compare_without_reference(empty):
    table = reference.compare([finished(empty, "cnn-basic", 0, 0.91)])
    row = table.loc["cnn-basic"]
    assert (row.reported, row["this run"], row.seeds) == (pytest.approx(90.3), 91.0, 0)
    assert np.isnan(row.reference)
    assert row["±"] == pytest.approx(100 * np.sqrt(0.91 * 0.09 / 10_000))


def test_reproduce_trains_in_full_and_is_found_by_compare(empty, monkeypatch, dataset):
    asked = []

    def train(recipe, data, profile, seed):
        asked.append((recipe.id, profile, seed))
        return finished(empty, recipe.id, seed, 0.9 + seed / 100)

    monkeypatch.setattr(reference.runs, "train", train)
    for _ in range(2):  # the second time changes nothing
        table = reference.reproduce(["cnn-standard", "cnn-basic"], 2, dataset)
        assert list(zip(table.id, table.seed, strict=True)) == [
            ("cnn-basic", 0), ("cnn-basic", 1), ("cnn-standard", 0), ("cnn-standard", 1)
        ]  # fmt: skip
        assert list(table.columns) == reference.COLUMNS
    assert {profile for _, profile, _ in asked} == {PROFILES["full"]}
    row = reference.compare([finished(empty, "cnn-basic", 0, 0.5)]).loc["cnn-basic"]
    assert (row.reference, row.seeds) == (pytest.approx(90.5), 2)
    assert row.sd == pytest.approx(np.std([90, 91], ddof=1))


def test_reproduce_refuses(empty, dataset):
    with pytest.raises(CourseError, match="'cnn-basik' is not a published model; there are heads"):
        reference.reproduce(["cnn-basik"], 1, dataset)
    with pytest.raises(CourseError, match="at least 1"):
        reference.reproduce([], 0, dataset)
    with pytest.raises(CourseError, match="refuses the drawn stand-in"):
        reference.reproduce(["cnn-basic"], 1, dataset)
    assert not reference.FOLDER.exists()


def test_what_is_committed_is_full_and_real(real):
    table = reference.results()
    assert list(table.columns) == reference.COLUMNS
    assert set(table.id) <= set(PUBLISHED)
    assert not table.duplicated(["id", "seed"]).any()
    assert set(table.profile) <= {"full"}
    assert set(table.data) <= {real.fingerprint}
    reported = [PUBLISHED[id].reported["test_accuracy"] for id in table.id]
    assert np.allclose(table.reported_accuracy.astype(float), reported)
    balanced = (table.recall - table.test_accuracy).astype(float).abs()
    assert (balanced < 1e-5).all()  # with equal classes, macro recall is accuracy
    assert pd.api.types.is_numeric_dtype(table.seed) or table.empty
