"""The table of reference runs: only full runs on the real data, kept small, and compared."""

import multiprocessing
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_runs import content, finished

from fmnist_utils import CourseError, evaluation, reference
from fmnist_utils.profiles import PROFILES
from fmnist_utils.reference import tables
from fmnist_utils.runs import files

pytestmark = pytest.mark.usefixtures("elsewhere")


def test_compare_without_reference(tmp_path, dataset):
    table = reference.compare([finished(tmp_path, dataset, "cnn-basic", 0, 0.91)])
    row = table.loc["cnn-basic"]
    assert (row.reported, row["this run"], row.seeds) == (pytest.approx(90.3), 91.0, 0)
    assert np.isnan(row.reference)
    assert row["±"] == pytest.approx(100 * np.sqrt(0.91 * 0.09 / 10_000))
    assert reference.runs_of("cnn-basic") == []
    assert reference.run("cnn-basic", 0) is None


def test_what_was_entered_is_compared_and_read_again(tmp_path, called_real):
    seeds, reached = (0, 2, 10), (0.9, 0.91, 0.95)
    given = [
        finished(tmp_path, called_real, "cnn-basic", seed, accuracy)
        for seed, accuracy in zip(seeds, reached, strict=True)
    ]
    for run in reversed(given):
        tables.enter(run)
    row = reference.compare([finished(tmp_path, called_real, "cnn-basic", 0, 0.5)]).iloc[0]
    assert (row.reference, row.sd) == (pytest.approx(92), pytest.approx(7**0.5))
    assert (row.seeds, row["this run"], row.parameters) == (3, 50, 7)
    assert reference.summary().loc["cnn-basic"].tolist() == pytest.approx([90.3, 92, 7**0.5, 3])
    measured = reference.results().loc[0, ["test_accuracy", "precision", "recall", "f1"]]
    assert measured.tolist() == pytest.approx([0.9, 0.899, 0.898, 0.897])
    for seed, run, entered in zip(seeds, reference.runs_of("cnn-basic"), given, strict=True):
        assert run.record == entered.record
        np.testing.assert_allclose(run.test_outputs, entered.test_outputs, rtol=0.01, atol=1e-6)
        assert run.test_outputs.dtype == np.float32
        assert (run.train_confusion == evaluation.as_confusion(np.eye(10) + seed)).all(axis=None)
        assert run.history.loss.tolist() == [0.123457, 0.1]


def test_two_runs_have_a_standard_deviation_and_one_has_none(tmp_path, called_real):
    for id, accuracies in {"mlp-350-80": (0.9,), "cnn-basic": (0.9, 0.92)}.items():
        for seed, accuracy in enumerate(accuracies):
            tables.enter(finished(tmp_path, called_real, id, seed, accuracy))
    ids = ["mlp-350-80", "cnn-basic"]  # in the order of the reports
    assert reference.summary().index.tolist() == ids
    table = reference.compare([finished(tmp_path, called_real, id, 0, 0.5) for id in ids])
    assert table.sd.tolist() == pytest.approx([np.nan, 2**0.5], nan_ok=True)


def test_a_row_has_each_figure_in_its_column(tmp_path, called_real):
    run = finished(tmp_path, called_real, "cnn-course-augmented", 4, 0.9)
    run.record["metrics"]["test_averaged_accuracy"] = 0.912345678
    tables.enter(run)
    row = reference.results().iloc[0].dropna().to_dict()
    kept = reference.run("cnn-course-augmented", 4).test_outputs
    shares = kept / kept.sum(axis=1, keepdims=True, dtype=float)  # as Keras does
    entropy = -np.log(shares[np.arange(len(kept)), called_real.test.labels].clip(1e-7)).mean()
    assert row.pop("test_cross_entropy") == pytest.approx(entropy, abs=2e-6)
    assert row == {
        "id": "cnn-course-augmented",
        "seed": 4,
        "profile": "full",
        "data": called_real.fingerprint,
        "epochs_run": 2,
        "parameters": 7,
        "train_seconds": 1.5,
        "train_loss": 0.15,
        "train_accuracy": 0.45,
        "test_loss": 0.3,
        "test_accuracy": 0.9,
        "precision": 0.899,
        "recall": 0.898,
        "f1": 0.897,
        "averaged_accuracy": 0.912346,
    }


def test_a_newer_run_takes_the_place_of_an_older_one_and_nothing_else(
    tmp_path, called_real, elsewhere
):
    for accuracy in (0.9, 0.91):
        tables.enter(finished(tmp_path, called_real, "cnn-basic", 0, accuracy))
    assert reference.results().test_accuracy.tolist() == [0.91]
    assert [folder.name for folder in (elsewhere / "runs").iterdir()] == ["cnn-basic.seed0"]
    foreign = elsewhere / "runs" / "cnn-basic.seed1"
    foreign.mkdir()
    (foreign / "diary.txt").write_text("mine")
    for name, says in {"runs/cnn-basic.seed1": "cnn-basic.seed1", "results.csv": "restore"}.items():
        before = content(elsewhere)
        with pytest.raises(CourseError, match=says):
            tables.enter(finished(tmp_path, called_real, "cnn-basic", 1, 0.9))
        assert content(elsewhere) == before, name
        shutil.rmtree(foreign, ignore_errors=True)
        (elsewhere / "results.csv").write_text("damaged")


@pytest.mark.parametrize("ask", [reference.runs_of, lambda id: reference.run(id, 0)])
def test_an_unknown_model_is_not_one_without_runs(ask):
    with pytest.raises(KeyError, match="cnn-basik"):
        ask("cnn-basik")


def test_times_of_epochs_are_read_as_they_were_measured(elsewhere):
    with pytest.raises(CourseError, match="no times in .*ladder.csv .*epochs.py ladder. measures"):
        reference.epoch_seconds("ladder")
    table = pd.DataFrame({"round": [0, 1], "a / b": [1.5, 2.5], "c": [3.0, 4.0]})
    tables.write_table(table, elsewhere / "epochs" / "ladder.csv")
    assert reference.epoch_seconds("ladder").to_dict("list") == {"a / b": [1.5, 2.5], "c": [3, 4]}


def test_other_networks_are_read_as_they_were_trained(elsewhere):
    assert reference.peers().empty
    rows = [["a", 5, 0, 60_000, 10, 0.875, np.nan, "x"], ["b", 3, 0, 60_000, 20, 0.9, 0.91, "y"]]
    table = pd.DataFrame(rows, columns=tables.PEERS)
    tables.write_table(table, elsewhere / "frontier.csv")
    pd.testing.assert_frame_equal(reference.peers(), table)
    tables.write_table(table.drop(columns="seed"), elsewhere / "frontier.csv")
    with pytest.raises(CourseError, match="not the table of other networks"):
        reference.peers()


@pytest.mark.parametrize("low", [0, -1, -1e-3])
def test_rounding_changes_no_prediction(low):
    raw = np.random.default_rng(0).uniform(low, low + 1, (5_000, 10)).astype(np.float32)
    raw[:, 7] = np.sort(raw, axis=1)[:, -1] * np.float32(1 + 1e-6)  # as near to a tie as can be
    short = files.rounded(raw)
    assert short.dtype == np.float16
    np.testing.assert_array_equal(short.argmax(axis=1), raw.argmax(axis=1))
    np.testing.assert_allclose(short.astype(np.float32), raw, rtol=0.01, atol=2e-6)
    usual = short[:, :7][short[:, :7] > 0.5]
    assert len(np.unique(usual)) <= 65, "few values, so that the file is small"


def test_arrays_are_written_small_alike_and_in_full(tmp_path):
    rng = np.random.default_rng(0)
    kept = {
        "outputs": files.rounded(rng.dirichlet(np.ones(10), 2000)),
        "labels": rng.integers(0, 10, 2000, np.uint8),
    }
    for name in ("first", "again"):
        files.write_arrays(tmp_path / name, **kept)
    with np.load(tmp_path / "first", allow_pickle=False) as found:
        assert list(found) == list(kept)
        for name, array in kept.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()
    np.savez_compressed(tmp_path / "zipped.npz", **kept)
    assert (tmp_path / "first").stat().st_size < (tmp_path / "zipped.npz").stat().st_size


def test_a_kill_between_folder_and_table_loses_no_row(tmp_path, called_real, elsewhere):
    tables.enter(finished(tmp_path, called_real, "cnn-basic", 0, 0.9))
    (elsewhere / "results.csv").unlink()
    (elsewhere / "runs" / ".unfinished" / "new").mkdir(parents=True)
    tables.enter(finished(tmp_path, called_real, "cnn-standard", 1, 0.91))
    entered = reference.results()[["id", "seed"]].to_numpy().tolist()
    assert entered == [["cnn-basic", 0], ["cnn-standard", 1]]
    assert not (elsewhere / "runs" / ".unfinished").exists()


def test_a_table_is_written_whole_or_not_at_all(tmp_path, called_real, monkeypatch):
    tables.enter(finished(tmp_path, called_real, "cnn-basic", 0, 0.9))
    before = reference.results()

    def half(table, file, **options):
        Path(file).write_text("id,se")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(KeyboardInterrupt):
        tables.write_table(before, tables.FOLDER / "results.csv")
    pd.testing.assert_frame_equal(reference.results(), before)


def test_processes_that_write_at_once_lose_nothing(tmp_path, called_real):
    fork = multiprocessing.get_context("fork")
    made = [
        [finished(tmp_path, called_real, id, seed, 0.9) for seed in range(4)]
        for id in ("cnn-basic", "cnn-standard", "mlp-tuned")
    ]
    crowd = [
        fork.Process(target=lambda runs=runs: [tables.enter(run) for run in runs]) for runs in made
    ]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(60)
    assert [process.exitcode for process in crowd] == [0, 0, 0]
    table = reference.results()
    assert sorted(zip(table.id, table.seed, strict=True)) == sorted(
        (runs[0].recipe.id, seed) for runs in made for seed in range(4)
    )


def test_only_full_runs_on_the_real_data_are_entered(tmp_path, dataset, called_real, elsewhere):
    for run in (
        finished(tmp_path, dataset, "cnn-basic", 0, 0.9),
        finished(tmp_path, called_real, "cnn-basic", 0, 0.9, PROFILES["lesson"]),
    ):
        with pytest.raises(CourseError, match="only full runs on Fashion-MNIST"):
            tables.enter(run)
    assert not elsewhere.exists()


def test_epochs_as_published_and_as_run_stand_side_by_side(tmp_path, dataset):
    row = reference.compare([finished(tmp_path, dataset, "cnn-basic", 0, 0.9)]).loc["cnn-basic"]
    assert (row["epochs, published"], row["epochs, this run"]) == (8, 2)


def test_compare_refuses_a_run_that_left_the_test_set_closed(tmp_path, dataset):
    run = finished(tmp_path, dataset, "cnn-basic", 0, 0.9)
    with pytest.raises(CourseError, match="mine leaves the test set closed"):
        reference.compare([replace(run, recipe=run.recipe.but("mine"))])
