"""The reference: only full runs on the real data, made once, compared as the lessons show them."""

import json
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fmnist_utils import CourseError, data, evaluation, reference, reproducing, store, studies
from fmnist_utils.__main__ import main
from fmnist_utils.jobs import train_all
from fmnist_utils.profiles import PROFILES, Profile
from fmnist_utils.course import MODELS
from fmnist_utils.published import PUBLISHED
from fmnist_utils.store import Run

FULL = PROFILES["full"]


@pytest.fixture(autouse=True)
def elsewhere(request, tmp_path, monkeypatch):
    """No test writes into the package's own reference."""
    if "committed" not in request.node.name:
        monkeypatch.setattr(reference, "FOLDER", tmp_path / "reference")


@pytest.fixture
def called_real(dataset):
    """The stand-in under the real data's name: training is replaced here, so nothing is learnt."""
    return replace(dataset, source="Fashion-MNIST")


def finished(folder, dataset, id, seed, accuracy, profile=FULL, images=10_000):
    """A Run with figures made up for the test, as the run store would hold it."""
    recipe = reproducing._recipe(id)
    names = ("loss", "accuracy", "precision", "recall", "f1")
    record = {
        "key": store.make_key(recipe, dataset, profile, seed),
        "source": dataset.source, "profile": profile.name, "epochs_run": 2, "parameters": 7,
        "train_seconds": 1.5,
        "metrics": {f"{part}_{name}": accuracy for part in ("train", "test") for name in names},
    }  # fmt: skip
    folder = folder / f"{id.replace('/', '-')}.{seed}.{time.monotonic_ns()}"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record))
    history = dict.fromkeys(["accuracy", "val_loss", "val_accuracy"], accuracy)
    history = {"epoch": [1, 2], "seconds": 1.0, "loss": [0.123456789, 0.1]} | history
    pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
    outputs = np.random.default_rng(seed).dirichlet(np.ones(10), images).astype(np.float32)
    labels = dataset.test.labels[:images]
    np.savez(folder / "test.npz", outputs=outputs, labels=labels, train_confusion=np.eye(10) + seed)
    return Run(recipe, folder, record)


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Replaces training; lists what was asked for. A seed's accuracy is 90 % and so many points."""
    asked = []

    def train(recipe, data, profile, seed, place=None):
        asked.append((recipe.id, seed, profile))
        return finished(tmp_path / "runs", data, recipe.id, seed, 0.9 + seed / 100)

    monkeypatch.setattr(reproducing.runs, "train", train)
    return asked


def content(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def test_compare_without_reference(tmp_path, dataset):
    table = reference.compare([finished(tmp_path, dataset, "cnn-basic", 0, 0.91)])
    row = table.loc["cnn-basic"]
    assert (row.reported, row["this run"], row.seeds) == (pytest.approx(90.3), 91.0, 0)
    assert np.isnan(row.reference)
    assert row["±"] == pytest.approx(100 * np.sqrt(0.91 * 0.09 / 10_000))
    assert reference.several("cnn-basic") == []


def test_reproduce_trains_in_full_and_is_found_by_all(tmp_path, trained, called_real, capsys):
    reproducing.reproduce(["cnn-standard", "cnn-basic"], 2, called_real)
    table = reference.results()
    assert list(zip(table.id, table.seed, strict=True)) == [
        ("cnn-basic", 0), ("cnn-basic", 1), ("cnn-standard", 0), ("cnn-standard", 1)
    ]  # fmt: skip
    assert list(table.columns) == reference.COLUMNS
    none = {"val_accuracy": None, "averaged_accuracy": None}
    assert table.iloc[1].to_dict() | none == none | {
        "id": "cnn-basic", "seed": 1, "profile": "full", "data": called_real.fingerprint,
        "epochs_run": 2, "parameters": 7, "train_seconds": 1.5, "train_loss": 0.91,
        "train_accuracy": 0.91, "test_loss": 0.91, "test_accuracy": 0.91,
        "precision": 0.91, "recall": 0.91, "f1": 0.91, "reported_accuracy": 0.903,
    }  # fmt: skip
    assert [profile for *_, profile in trained] == [FULL] * 4
    shown = capsys.readouterr().out
    assert "0 of 4 runs are in the reference already" in shown
    assert "4 of 4 · cnn-basic · seed 1 · 91.00 % · about 0 h 00 min left" in shown

    row = reference.compare([finished(tmp_path, called_real, "cnn-basic", 0, 0.5)])
    assert (row.reference.item(), row.seeds.item()) == (pytest.approx(90.5), 2)
    assert row.sd.item() == pytest.approx(np.std([90, 91], ddof=1))
    assert reference.summary().loc["cnn-standard", "mean"] == pytest.approx(90.5)

    for seed, run in enumerate(reference.several("cnn-basic")):
        given = finished(tmp_path, called_real, "cnn-basic", seed, 0.9)
        np.testing.assert_allclose(run.test_outputs, given.test_outputs, rtol=0.01, atol=1e-6)
        assert run.test_outputs.dtype == np.float32
        assert (run.train_confusion == evaluation.as_confusion(np.eye(10) + seed)).all(axis=None)
        assert run.history.loss.tolist() == [0.123457, 0.1]


@pytest.mark.parametrize("low", [0, -1, -1e-3])
def test_rounding_changes_no_prediction(low):
    raw = np.random.default_rng(0).uniform(low, low + 1, (5_000, 10)).astype(np.float32)
    raw[:, 7] = np.sort(raw, axis=1)[:, -1] * np.float32(1 + 1e-6)  # as near to a tie as can be
    short = reference.rounded(raw)
    assert short.dtype == np.float16
    np.testing.assert_array_equal(short.argmax(axis=1), raw.argmax(axis=1))
    np.testing.assert_allclose(short.astype(np.float32), raw, rtol=0.01, atol=2e-6)
    usual = short[:, :7][short[:, :7] > 0.5]
    assert len(np.unique(usual)) <= 65, "few values, so that the file is small"


def test_reproduce_makes_nothing_twice(trained, called_real, capsys):
    reproducing.reproduce(["cnn-basic"], 2, called_real)
    reproducing.reproduce(["cnn-basic"], 3, called_real)
    assert [seed for _, seed, _ in trained] == [0, 1, 2]
    before = content(reference.FOLDER)
    reproducing.reproduce(["cnn-basic"], 2, called_real)
    assert len(trained) == 3
    assert content(reference.FOLDER) == before
    assert "2 of 2 runs are in the reference already" in capsys.readouterr().out


def test_reproduce_replaces_what_other_settings_made(trained, called_real, monkeypatch):
    reproducing.reproduce(["cnn-basic"], 1, called_real)
    changed = replace(PUBLISHED["cnn-basic"], batch_size=33)
    monkeypatch.setitem(PUBLISHED, "cnn-basic", changed)
    reproducing.reproduce(["cnn-basic"], 1, called_real)
    assert len(trained) == 2
    assert reference.find("cnn-basic", 0).record["key"]["recipe"]["batch_size"] == 33
    assert len(reference.results()) == 1


def test_a_kill_between_folder_and_table_loses_no_row(tmp_path, called_real):
    first = finished(tmp_path, called_real, "cnn-basic", 0, 0.9)
    reference.add(first)
    (reference.FOLDER / "results.csv").unlink()
    (reference.FOLDER / "runs" / ".unfinished" / "new").mkdir(parents=True)
    reference.add(finished(tmp_path, called_real, "cnn-standard", 1, 0.91))
    assert reference.results()[["id", "seed"]].to_numpy().tolist() == [
        ["cnn-basic", 0], ["cnn-standard", 1]
    ]  # fmt: skip
    assert not (reference.FOLDER / "runs" / ".unfinished").exists()


def test_processes_that_write_at_once_lose_nothing(tmp_path, called_real):
    fork = multiprocessing.get_context("fork")
    made = [[finished(tmp_path, called_real, id, seed, 0.9) for seed in range(4)]
            for id in ("cnn-basic", "cnn-standard", "mlp-tuned")]  # fmt: skip
    crowd = [fork.Process(target=lambda runs=runs: [reference.add(run) for run in runs])
             for runs in made]  # fmt: skip
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(60)
    assert [process.exitcode for process in crowd] == [0, 0, 0]
    table = reference.results()
    assert sorted(zip(table.id, table.seed, strict=True)) == sorted(
        (runs[0].recipe.id, seed) for runs in made for seed in range(4)
    )


def test_studies_have_a_table_of_their_own(trained, called_real, monkeypatch):
    few = {id: studies.STUDIES["heads"][id] for id in list(studies.STUDIES["heads"])[:2]}
    monkeypatch.setitem(studies.STUDIES, "heads", few)
    for _ in range(2):
        reproducing.reproduce(["heads"], 2, called_real)
    assert [task[:2] for task in trained] == [(id, seed) for seed in (0, 1) for id in few]
    assert reference.results().empty
    table = studies.results("heads")
    assert list(table.columns) == studies.COLUMNS
    assert table.id.tolist() == [id for id in few for _ in range(4)]
    assert table.epoch.tolist() == [1, 2] * 4
    assert table.val_accuracy.tolist() == [0.9, 0.9, 0.91, 0.91] * 2
    assert table.seconds.notna().all()

    id = next(iter(few))
    monkeypatch.setitem(few, id, replace(few[id], batch_size=33))
    reproducing.reproduce(["heads"], 1, called_real)
    assert [task[:2] for task in trained[4:]] == [(id, 0)]
    assert len(studies.results("heads")) == len(table)


def test_studies_compare_by_hand(tmp_path, called_real):
    for seed, accuracy in enumerate((0.86, 0.88)):
        reference.add(finished(tmp_path, called_real, "conv1d-wider", seed, accuracy))
    studies.add(
        "unstated", finished(tmp_path, called_real, "conv1d-wider / relu", 0, 0.89), called_real
    )
    table = studies.compare("unstated", ["conv1d-wider"])
    assert table.index.tolist() == [("conv1d-wider", "as stated"), ("conv1d-wider", "relu")]
    assert table.reported.tolist() == pytest.approx([88.07, 88.07])
    assert table["mean"].tolist() == pytest.approx([87, 89])
    assert table.sd.iloc[0] == pytest.approx(np.sqrt(2))
    assert table.seeds.tolist() == [2, 1]
    assert table.difference.tolist() == pytest.approx([-1.07, 0.93])


def test_the_study_of_augmentation_keeps_what_was_said(tmp_path, called_real, monkeypatch):
    originals = called_real.train.images[-12_000:]
    said = np.eye(10)[called_real.train.labels[-12_000:][::-1]]

    def predict(run, images):  # 3 for whatever has been changed
        same = (images == originals).all(axis=(1, 2), keepdims=True)[:, 0]
        return np.where(same, said, np.eye(10)[3])

    monkeypatch.setattr(Run, "predict", predict)
    for seed in (1, 0, 1):
        run = finished(tmp_path, called_real, "cnn-tuned / flip", seed, 0.9)
        for name in list(run.metrics):
            if name.startswith("test_"):
                del run.metrics[name]  # the test set stays closed
        studies.add("augmentation", run, called_real)
    several = studies.several("cnn-tuned / flip")
    assert len(several) == 2
    for labels, outputs in several:
        np.testing.assert_array_equal(labels, called_real.train.labels[-12_000:])
        np.testing.assert_array_equal(outputs.argmax(axis=1), labels[::-1])
    for labels, outputs in studies.several("cnn-tuned / flip", changed=True):
        np.testing.assert_array_equal(labels, called_real.train.labels[-12_000:])
        assert (outputs.argmax(axis=1) == 3).mean() > 0.95
    assert len(studies.several("cnn-tuned / flip", changed=True)) == 2
    table = studies.results("augmentation")
    assert table.seed.tolist() == [0, 0, 1, 1]
    assert table.test_accuracy.isna().all()
    assert studies.several("cnn-tuned / none") == []


def test_schemes_have_the_same_number_of_steps(called_real):
    from fmnist_utils.augmentation import add_copies

    train, _, _ = data.split(called_real, "last 20 %", FULL)
    for recipe in studies.STUDIES["augmentation"].values():
        images = len(add_copies(train, recipe.augmentation, 0).labels)
        assert abs(recipe.epochs * images - 24 * 48_000) < 24 * 480, recipe.id
        assert not recipe.reported


def test_stand_in_never_enters_a_study(tmp_path, dataset):
    with pytest.raises(CourseError, match="only full runs on Fashion-MNIST"):
        studies.add("heads", finished(tmp_path, dataset, "heads-tanh / adam", 0, 0.9), dataset)
    assert not reference.FOLDER.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["cnn-basik"], 1), "'cnn-basik' is not a model; there are heads-softmax, "),
        (([], 0), "0 seeds are too few"),
        (([], 1, "jobs"), "0 jobs are too few"),
    ],
)
def test_reproduce_refuses(trained, called_real, arguments, message):
    ids, seeds, *jobs = arguments
    with pytest.raises(CourseError, match=message):
        reproducing.reproduce(ids, seeds, called_real, 0 if jobs else 1)
    assert not trained
    assert not reference.FOLDER.exists()


def test_stand_in_never_enters(tmp_path, trained, dataset, called_real):
    with pytest.raises(CourseError, match="refuses the drawn stand-in"):
        reproducing.reproduce(["cnn-basic"], 1, dataset)
    with pytest.raises(CourseError, match="refuses the drawn stand-in"):
        reproducing.verify("cnn-basic", 0, dataset)
    for run in (
        finished(tmp_path, dataset, "cnn-basic", 0, 0.9),
        finished(tmp_path, called_real, "cnn-basic", 0, 0.9, PROFILES["lesson"]),
    ):
        with pytest.raises(CourseError, match="only full runs on Fashion-MNIST"):
            reference.add(run)
    assert not trained
    assert not reference.FOLDER.exists()


def foreign_table():
    (reference.FOLDER / "results.csv").write_text("somebody's,own\n1,2\n")
    return reference.FOLDER / "results.csv"


def no_table():
    (reference.FOLDER / "results.csv").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    return reference.FOLDER / "results.csv"


def foreign_study():
    (reference.FOLDER / "studies").mkdir()
    (reference.FOLDER / "studies" / "heads.csv").write_text("my,study\n1,2\n")
    return reference.FOLDER / "studies" / "heads.csv"


def half_a_record():
    file = reference.FOLDER / "runs" / "cnn-basic.seed0" / "run.json"
    file.write_text(file.read_text()[:40])
    return file.parent


def no_predictions():
    file = reference.FOLDER / "runs" / "cnn-basic.seed0" / "test.npz"
    file.unlink()
    return file.parent


def somebodys_folder():
    folder = reference.FOLDER / "runs" / "cnn-standard.seed0"
    folder.mkdir()
    (folder / "thesis.txt").write_text("three years")
    return folder


@pytest.mark.parametrize(
    "spoil",
    [foreign_table, no_table, foreign_study, half_a_record, no_predictions, somebodys_folder],
)
def test_what_does_not_belong_there_is_named_and_left_alone(trained, called_real, spoil):
    reproducing.reproduce(["cnn-basic"], 1, called_real)
    culprit = spoil()
    before = content(reference.FOLDER)
    with pytest.raises(CourseError) as error:
        reproducing.reproduce([*PUBLISHED, "heads"], 2, called_real)
    assert str(culprit) in str(error.value)
    assert len(trained) == 1, "refused before work started"
    assert content(reference.FOLDER) == before


def test_arrays_are_written_small_alike_and_in_full(tmp_path):
    rng = np.random.default_rng(0)
    kept = {"outputs": reference.rounded(rng.dirichlet(np.ones(10), 2000)),
            "labels": rng.integers(0, 10, 2000, np.uint8)}  # fmt: skip
    for name in ("first", "again"):
        reference.write_arrays(tmp_path / name, **kept)
    with np.load(tmp_path / "first", allow_pickle=False) as found:
        assert list(found) == list(kept)
        for name, array in kept.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()
    np.savez_compressed(tmp_path / "zipped.npz", **kept)
    assert (tmp_path / "first").stat().st_size < (tmp_path / "zipped.npz").stat().st_size


def test_several_jobs_train_what_one_does(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    tiny = Profile("tiny", 300, 100, 100, 1.0, 1, 1)
    recipe = PUBLISHED["cnn-basic"]
    todo = [(recipe.but(name), seed) for seed in range(2) for name in ("first", "again")]
    metrics, weights = {}, {}
    for jobs in (1, 2):
        monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path / str(jobs)))
        trained = list(train_all(todo, dataset, tiny, jobs))
        assert "TF_NUM_INTRAOP_THREADS" not in os.environ, "as it was"
        assert all(run.folder.parent == tmp_path / str(jobs) for run in trained)
        found = {(run.record["key"]["recipe"]["id"], run.record["key"]["seed"]): run
                 for run in trained}  # fmt: skip
        assert sorted(found) == sorted((recipe.id, seed) for recipe, seed in todo)
        metrics[jobs] = {task: run.metrics for task, run in found.items()}
        weights[jobs] = {task: b"".join(w.tobytes() for w in run.model.get_weights())
                         for task, run in found.items()}  # fmt: skip
    for seed in range(2):
        assert metrics[2]["again", seed] == metrics[2]["first", seed], "beside others: the same"
        assert weights[2]["again", seed] == weights[2]["first", seed]
    assert len(set(weights[2].values())) == 2, "another seed, another model"
    for task, found in metrics[1].items():  # other numbers of threads round sums otherwise
        assert metrics[2][task] == pytest.approx(found, abs=0.02)


def test_several_jobs_stop_together(called_real, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
    # The new processes are told not to train: they have the stand-in, which `full` refuses.
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    with pytest.raises(CourseError, match="refuses the drawn stand-in"):
        reproducing.reproduce(["cnn-basic", "cnn-standard"], 2, called_real, jobs=2)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "7", "as it was"
    assert not reference.results().size


@pytest.mark.parametrize(("reached", "agrees"), [(0.905, True), (0.9601, False), (0.8499, False)])
def test_verify(tmp_path, trained, called_real, monkeypatch, reached, agrees, capsys):
    with pytest.raises(CourseError, match="no reference runs of cnn-basic"):
        reproducing.verify("cnn-basic", 0, called_real)
    reproducing.reproduce(["cnn-basic"], 3, called_real)  # 90, 91, 92: 91 with sd 1

    def train(recipe, data, profile, seed, place):
        assert not list(place.iterdir()), "found is not trained"
        assert (profile, seed) == (FULL, 5)
        return finished(tmp_path / "verified", data, recipe.id, seed, reached)

    monkeypatch.setattr(reproducing.runs, "train", train)
    monkeypatch.setattr("fmnist_utils.data.load", lambda: called_real)
    assert main(["verify", "cnn-basic", "--seed", "5"]) == (0 if agrees else 1)
    shown = capsys.readouterr().out
    assert f"cnn-basic, seed 5: {100 * reached:.2f} % {'agrees' if agrees else 'DOES NOT'}" in shown
    assert "91.00 % over 3 seeds (allowed: ± 4.00 points)" in shown


def test_verify_allows_half_a_point(tmp_path, trained, called_real, monkeypatch):
    reproducing.reproduce(["cnn-basic"], 1, called_real)  # 90, no spread known
    for reached, agrees in ((0.9049, True), (0.9051, False)):
        run = finished(tmp_path / "verified", called_real, "cnn-basic", 0, reached)
        monkeypatch.setattr(reproducing.runs, "train", lambda *args, run=run: run)
        assert reproducing.verify("cnn-basic", 0, called_real)[0] is agrees


@pytest.mark.parametrize("command", ["reproduce", "verify"])
def test_commands_refuse_unknown_models(command, capsys):
    assert main([command, "cnn-basik"]) == 2
    shown = capsys.readouterr()
    assert "error: 'cnn-basik' is not a model" in shown.err
    assert shown.err.count("\n") == 1
    assert all(id in shown.err for id in MODELS)
    assert all(study in shown.err for study in studies.STUDIES)


def test_committed_results_are_full_and_real(real):
    table = reference.results()
    assert set(table.id) <= set(MODELS)
    assert not table.duplicated(["id", "seed"]).any()
    assert set(table.profile) <= {"full"}
    assert set(table.data) <= {real.fingerprint}
    reported = [MODELS[id].reported.get("test_accuracy", np.nan) for id in table.id]
    assert np.allclose(table.reported_accuracy.astype(float), reported, equal_nan=True)
    changed = np.array([bool(MODELS[id].changes) for id in table.id])
    assert (table.averaged_accuracy.notna() == changed).all()
    balanced = (table.recall - table.test_accuracy).astype(float).abs()
    assert (balanced < 1e-5).all()  # with equal classes, macro recall is accuracy


def test_committed_runs_are_those_of_the_table(real):
    table = reference.results().set_index(["id", "seed"])
    folders = {path.name for path in (reference.FOLDER / "runs").iterdir()}
    assert folders == {f"{id}.seed{seed}" for id, seed in table.index}
    for (id, seed), row in table.iterrows():
        run = reference.find(id, seed)
        assert run.record["key"] == store.make_key(MODELS[id], real, FULL, seed) | {
            "versions": run.record["key"]["versions"]
        }
        assert run.record["key"]["versions"]["training"] == store.VERSION
        assert len(run.history) == row.epochs_run
        assert np.array_equal(run.test_labels, real.test.labels)
        found = evaluation.scores(real.test.labels, run.test_outputs)["accuracy"]
        assert found == pytest.approx(row.test_accuracy, abs=1e-6)
        trained = np.trace(run.train_confusion) / run.train_confusion.to_numpy().sum()
        assert trained == pytest.approx(row.train_accuracy, abs=1e-5)


@pytest.mark.parametrize("study", studies.STUDIES)
def test_committed_studies_have_every_figure_in_its_column(study):
    table = studies.results(study)
    assert len(table)
    for (id, _seed), run in table.groupby(["id", "seed"]):
        recipe = studies.STUDIES[study][id]
        assert run.run.nunique() == 1
        assert run.epoch.tolist() == list(range(1, len(run) + 1))
        assert len(run) == recipe.epochs or (recipe.patience and len(run) < recipe.epochs)
        assert run[["accuracy", "val_accuracy"]].stack().between(0, 1).sum() == 2 * len(run)
        assert run.test_accuracy.notna().tolist() == [recipe.opens_test] * len(run)
        if recipe.validation == "test":  # watched after every epoch, so at the end as well
            assert run.test_accuracy.iloc[-1] == run.val_accuracy.iloc[-1]


@pytest.mark.parametrize(
    ("kind", "published", "own"),
    [
        ("perceptron", "mlp-tuned-augmented", "mlp-course-augmented"),
        ("CNN", "cnn-tuned-augmented", "cnn-course-augmented"),
    ],
)
def test_the_readme_says_what_the_committed_reference_says(kind, published, own):
    found = reference.summary()
    repeated, ours = (f"{found['mean'][id]:.2f} ± {found.sd[id]:.2f}" for id in (published, own))
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert f"| {kind} | {found.reported[published]:.2f} | {repeated} | {ours} |" in readme
    assert found.seeds[published] == found.seeds[own] == 3


@pytest.mark.parametrize(
    ("kind", "id"),
    [
        ("CNN, trained in a twentieth of the time", "speedrun-93"),
        ("CNN, fewer than 100,000 weights", "speedrun-small"),
        ("CNN, trained for no longer than theirs", "speedrun-95"),
        ("CNN, larger, trained for longer", "speedrun-best"),
    ],
)
def test_the_readme_says_what_the_committed_speed_runs_reached(kind, id):
    found = reference.summary().loc[id]
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert f"| {kind} | | | {found['mean']:.2f} ± {found.sd:.2f} |" in readme
    assert found.seeds == 3


def test_committed_files_are_small():
    assert sum(p.stat().st_size for p in reference.FOLDER.rglob("*") if p.is_file()) < 10_000_000
