"""The table of reference runs: only full runs on the real data, kept small, and compared."""

import multiprocessing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_runs import finished

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
    seeds = (0, 2, 10)
    given = [
        finished(tmp_path, called_real, "cnn-basic", seed, 0.9 + number / 100)
        for number, seed in enumerate(seeds)
    ]
    for run in reversed(given):
        tables.enter(run)
    row = reference.compare([finished(tmp_path, called_real, "cnn-basic", 0, 0.5)]).iloc[0]
    assert (row.reference, row.sd) == (pytest.approx(91), pytest.approx(1))
    assert (row.seeds, row["this run"]) == (3, 50)
    assert reference.summary().loc["cnn-basic"].tolist() == pytest.approx([90.3, 91, 1, 3])
    measured = reference.results().loc[0, ["test_accuracy", "precision", "recall", "f1"]]
    assert measured.tolist() == pytest.approx([0.9, 0.899, 0.898, 0.897])
    for seed, run, entered in zip(seeds, reference.runs_of("cnn-basic"), given, strict=True):
        assert run.record == entered.record
        np.testing.assert_allclose(run.test_outputs, entered.test_outputs, rtol=0.01, atol=1e-6)
        assert run.test_outputs.dtype == np.float32
        assert (run.train_confusion == evaluation.as_confusion(np.eye(10) + seed)).all(axis=None)
        assert run.history.loss.tolist() == [0.123457, 0.1]


def test_times_of_epochs_are_read_as_they_were_measured(elsewhere):
    with pytest.raises(CourseError, match="no times in .*ladder.csv .*epochs.py ladder. measures"):
        reference.epoch_seconds("ladder")
    table = pd.DataFrame({"round": [0, 1], "a / b": [1.5, 2.5], "c": [3.0, 4.0]})
    tables.write_table(table, elsewhere / "epochs" / "ladder.csv")
    assert reference.epoch_seconds("ladder").to_dict("list") == {"a / b": [1.5, 2.5], "c": [3, 4]}


def test_other_networks_are_read_as_they_were_trained(elsewhere):
    assert reference.peers().empty
    rows = [["a", 5, 0, 60_000, 10, 0.875, np.nan], ["b", 3, 0, 60_000, 20, 0.9, 0.91]]
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
