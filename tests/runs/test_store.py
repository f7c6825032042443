"""The run store: trained once, found again, whole or not at all, and nothing foreign touched."""

import errno
import hashlib
import json
import os
import shutil
import time
from dataclasses import fields, replace
from datetime import datetime, timedelta, UTC
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_runs import content, finished
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

from fmnist_utils import CourseError, evaluation, runs, training
from fmnist_utils.data import ImageSet
from fmnist_utils.models.backend import keras
from fmnist_utils.profiles import PROFILES, Profile
from fmnist_utils.recipes import MODELS
from fmnist_utils.runs import files
from fmnist_utils.runs import store as store_module
from fmnist_utils.training import Recipe, loop

TINY = Profile("tiny", 200, 100, 150, 1.0, 2, 1)
PUBLISHED = Recipe(
    "any-net",
    "conv2d",
    dict(filters=(4,), pools=4, batch_norm=True),
    "adam",
    0.01,
    "categorical_crossentropy",
    batch_size=50,
    epochs=5,
    opens_test=True,
    source="Somebody 2025",
    reported={"test_accuracy": 0.75},
)
SEED = 7


@pytest.fixture(scope="module")
def kept(dataset, tmp_path_factory):
    """A store, and the one run in it."""
    store = tmp_path_factory.mktemp("kept") / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FMNIST_RUNS_DIR", str(store))
        patch.setenv("TZ", "Pacific/Chatham")
        time.tzset()
        run = runs.train(PUBLISHED, dataset, TINY, SEED)
    time.tzset()
    return store, run


@pytest.fixture
def store(kept, tmp_path, monkeypatch):
    """A copy of that store, in use."""
    copy = tmp_path / "runs"
    shutil.copytree(kept[0], copy)
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(copy))
    return copy


class Trained(Exception):
    """Training was started."""


@pytest.fixture
def refuse(monkeypatch):
    def fit(*args):
        raise Trained

    monkeypatch.setattr(training, "fit", fit)


@pytest.fixture
def at_once(kept, monkeypatch):
    """Training takes no time: the model of the kept run is the result of all."""
    model, history = kept[1].model, kept[1].history
    monkeypatch.setattr(training, "fit", lambda *args: (model, history))


def test_kept_whole_and_nothing_else(kept):
    store, run = kept
    assert [run.folder] == list(store.iterdir())
    names = ["history.csv", "model.keras", "run.json", "test.npz"]
    assert sorted(path.name for path in run.folder.iterdir()) == names
    assert json.loads((run.folder / "run.json").read_text()) == run.record


def test_record(kept, dataset):
    record = kept[1].record
    assert (record["profile"], record["source"]) == ("tiny", dataset.source)
    assert record["key"]["seed"] == SEED
    assert record["key"]["data"] == dataset.fingerprint
    # Kernels without a bias; four numbers a feature map, two of which aren't trained; 7 · 7 places.
    assert record["parameters"] == 4 * 9 + 4 * 4 + (4 * 6 * 6 * 10 + 10)
    seconds = pd.read_csv(kept[1].folder / "history.csv").seconds.tolist()
    assert record["epochs_run"] == 2 == len(seconds)
    assert record["train_seconds"] == pytest.approx(seconds[0] + seconds[1], abs=1e-3)
    since = datetime.now(UTC) - datetime.fromisoformat(record["finished"])
    assert timedelta(0) <= since < timedelta(minutes=20)


@pytest.mark.parametrize(
    "recipe",
    [
        PUBLISHED,
        # What is only said of a recipe changes no training.
        replace(PUBLISHED, source="Another", unstated="all", reported={"test_accuracy": 0.1}),
    ],
)
def test_finished_run_is_found_again(store, kept, dataset, refuse, recipe):
    found = runs.train(recipe, dataset, TINY, SEED)
    assert found.recipe is recipe
    assert found.folder.parent == store
    assert found.record == kept[1].record
    pd.testing.assert_frame_equal(found.history, kept[1].history)
    np.testing.assert_array_equal(found.test_outputs, kept[1].test_outputs)


def other_pixel(dataset):
    images = dataset.test.images.copy()
    images[-1, 0, 0] ^= 1
    return replace(dataset, test=ImageSet(images, dataset.test.labels))


LIMITS = dict(train_images=201, validation_images=101, test_images=151, epoch_limit=3)
OTHERS = dict(
    id="any_net",
    options=dict(filters=(5,), pools=4),
    optimizer="sgd",
    learning_rate=0.02,
    loss="sparse_categorical_crossentropy",
    batch_size=51,
    epochs=1,
    scaling="raw",
    validation="last 20 %",
    augmentation="all classes",
    changes=dict(flip="random"),
    schedule="one cycle",
    weight_decay=0.1,
    label_smoothing=0.1,
    class_weights={6: 2.0},
    averaging=0.9,
    opens_test=False,
)


OTHER_RUNS = {
    "seed": (PUBLISHED, TINY, SEED + 1),
    "profile": (PUBLISHED, PROFILES["smoke"], SEED),
    "architecture": (replace(PUBLISHED, architecture="mlp", options={}), TINY, SEED),
    "patience": (replace(PUBLISHED, patience=1, validation="first 5,000"), TINY, SEED),
    **{name: (PUBLISHED, replace(TINY, **{name: value}), SEED) for name, value in LIMITS.items()},
    **{name: (replace(PUBLISHED, **{name: value}), TINY, SEED) for name, value in OTHERS.items()},
}


@pytest.mark.parametrize("other", OTHER_RUNS.values(), ids=OTHER_RUNS)
def test_what_determines_a_run_makes_another_run(store, dataset, refuse, other):
    recipe, profile, seed = other
    assert runs.find(recipe, dataset, profile, seed) is None
    with pytest.raises(Trained):
        runs.train(recipe, dataset, profile, seed)


def test_every_field_but_what_is_only_said_determines_a_run():
    said = {"source", "unstated", "reported"}
    elsewhere = {"patience", "architecture", "teacher", "teachers", "temperature"}
    assert {field.name for field in fields(Recipe)} - said == {*OTHERS, *elsewhere}


TEACHER = PUBLISHED.but("teacher", opens_test=False)
STUDENT = PUBLISHED.but("student", teacher=TEACHER, teachers=2, temperature=2.0)


def test_a_teacher_is_part_of_the_key_with_all_that_determines_it(dataset):
    def key(recipe):
        return files.make_key(recipe, dataset, TINY, SEED)["recipe"]

    without = key(PUBLISHED)
    assert not {"teacher", "teachers", "temperature"} & set(without), "keys of old runs hold"
    assert key(PUBLISHED.but("any-net", teachers=5, opens_test=True)) == without
    assert key(STUDENT)["teacher"] == key(TEACHER)
    assert key(replace(STUDENT, teacher=replace(TEACHER, source="Another"))) == key(STUDENT)
    others = [
        replace(STUDENT, teachers=3),
        replace(STUDENT, temperature=1.0),
        replace(STUDENT, teacher=replace(TEACHER, learning_rate=0.02)),
        replace(STUDENT, teacher=replace(TEACHER, teacher=TEACHER)),
    ]
    assert len({json.dumps(key(recipe)) for recipe in [*others, STUDENT]}) == 5


def test_teachers_are_trained_first_and_their_answers_learned(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path))
    told, real = [], training.fit

    def fit(recipe, *others):
        told.append((recipe.id, others[2], others[-1]))
        return real(recipe, *others)

    monkeypatch.setattr(training, "fit", fit)
    student = runs.train(STUDENT, dataset, TINY, SEED)
    ids = [(id, seed) for id, seed, _ in told]
    assert ids == [("teacher", 0), ("teacher", 1), ("student", SEED)]
    assert [teachers for _, _, teachers in told[:2]] == [None, None]
    kept = [runs.find(TEACHER, dataset, TINY, seed) for seed in (0, 1)]
    images = dataset.split(STUDENT.validation, TINY).train.images
    outputs = [run.model.predict(images[..., None] / np.float32(255), verbose=0) for run in kept]
    scores = np.log(np.mean(outputs, axis=0)) / 2
    np.testing.assert_allclose(told[-1][-1](images), softmax(scores, axis=1), atol=1e-5)
    again = runs.train(replace(STUDENT, temperature=1.0), dataset, TINY, SEED)
    assert [id for id, _, _ in told[3:]] == ["student"], "the teachers are found again"
    assert again.folder != student.folder


def test_the_architecture_alone_makes_another_key(dataset):
    of = [
        files.make_key(replace(PUBLISHED, options={}, architecture=name), dataset, TINY, SEED)
        for name in ("mlp", "conv1d", "conv2d")
    ]
    assert [key["recipe"].pop("architecture") for key in of] == ["mlp", "conv1d", "conv2d"]
    assert of[0] == of[1] == of[2]


def test_a_digest_does_not_depend_on_the_order_in_a_key():
    wanted = hashlib.blake2b(b'{"a": [1], "b": "x"}', digest_size=4).hexdigest()
    assert files.digest({"b": "x", "a": [1]}) == files.digest({"a": [1], "b": "x"}) == wanted


def test_other_data_make_another_run(store, dataset, refuse):
    with pytest.raises(Trained):
        runs.train(PUBLISHED, other_pixel(dataset), TINY, SEED)


def test_metrics_are_those_of_the_kept_model(kept, dataset):
    run = kept[1]
    splits = dataset.split(PUBLISHED.validation, TINY)
    wanted = {}
    for name, part in zip(("train", "val", "test"), splits, strict=True):
        raw = run.model.predict(part.images[..., None] / np.float32(255), verbose=0)
        np.testing.assert_allclose(run.predict(part.images), raw, atol=1e-6)
        wanted[f"{name}_accuracy"] = (raw.argmax(axis=1) == part.labels).mean()
        if name == "train":
            wanted_confusion = confusion_matrix(part.labels, raw.argmax(axis=1), labels=range(10))
            np.testing.assert_array_equal(run.train_confusion, wanted_confusion)
        loss = -np.log(raw[np.arange(len(raw)), part.labels]).mean()
        wanted[f"{name}_loss"] = wanted[f"{name}_cross_entropy"] = loss
    found = {name: run.metrics[name] for name in wanted}
    assert found == pytest.approx(wanted, rel=1e-4)
    assert set(run.metrics) == {
        f"{part}_{metric}"
        for part in ("train", "val", "test")
        for metric in ("loss", "cross_entropy", "accuracy", "precision", "recall", "f1")
    }
    assert run.test_outputs.dtype == np.float32
    np.testing.assert_allclose(run.test_outputs, raw, atol=1e-6)
    for name, value in evaluation.scores(splits.test.labels, run.test_outputs).items():
        assert run.metrics[f"test_{name}"] == pytest.approx(value), name


def test_a_model_that_saw_changed_images_is_also_measured_with_averaged_views(dataset, at_once):
    recipe = replace(PUBLISHED, id="changed", changes=dict(flip="random"))
    run = runs.train(recipe, dataset, TINY, SEED)
    _, validation, test = dataset.split(recipe.validation, TINY)
    for name, part in {"val": validation, "test": test}.items():
        outputs = training.predict(recipe, run.model, part.images, averaged=True)
        right = (outputs.argmax(axis=1) == part.labels).mean()
        assert run.metrics[f"{name}_averaged_accuracy"] == right
    np.testing.assert_array_equal(run.test_labels, test.labels)
    assert (run.test_outputs != outputs).any()


@pytest.mark.parametrize(
    "recipe",
    [
        PUBLISHED.but("variant"),
        PUBLISHED.but("mine", source="my idea"),
        PUBLISHED.but("cited", source="Somebody 2025", reported={"test_accuracy": 0.9}),
    ],
    ids=lambda recipe: recipe.id,
)
def test_a_variant_does_not_open_the_test_set_whatever_is_said_of_it(dataset, at_once, recipe):
    run = runs.train(recipe, dataset, TINY, SEED)
    assert {name.partition("_")[0] for name in run.metrics} == {"val"}
    assert not (run.folder / "test.npz").exists()
    assert runs.find(recipe, dataset, TINY, SEED).record == run.record
    opened = runs.train(replace(recipe, opens_test=True), dataset, TINY, SEED)
    assert "test_accuracy" in opened.metrics
    assert opened.folder != run.folder


def test_full_is_refused_on_the_stand_in(store, dataset, refuse):
    before = content(store)
    with pytest.raises(CourseError, match="full.*stand-in"):
        runs.train(PUBLISHED, dataset, PROFILES["full"], SEED)
    assert content(store) == before


@pytest.mark.parametrize("seed", [-1, 1.5, "x"])
def test_no_seed_no_run(dataset, refuse, seed):
    for get in (runs.train, runs.find):
        with pytest.raises(CourseError, match="seed"):
            get(PUBLISHED, dataset, TINY, seed)


@pytest.mark.parametrize("seed", [np.int64(SEED), str(SEED)])
def test_a_seed_of_another_kind_is_the_same_seed(store, dataset, refuse, seed):
    for get in (runs.train, runs.find):
        assert get(PUBLISHED, dataset, TINY, seed).record["key"]["seed"] == SEED


def test_what_a_cell_has_set_changes_no_run(kept, dataset, tmp_path):
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("mixed_float16")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_epsilon(0.1)
    run = runs.train(PUBLISHED, dataset, TINY, SEED)
    assert run.folder.parent == tmp_path / "runs"
    assert run.metrics == kept[1].metrics
    assert keras.config.floatx() == keras.config.dtype_policy().name == "float32"
    assert keras.config.epsilon() == 1e-7


@pytest.mark.parametrize(
    "name", ["a b", "with#?%and{}", "Übung/運動靴/обувь", "50%/[a]*", "~", 'it\'s "it"']
)
def test_a_store_of_any_name(kept, dataset, at_once, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path / name))
    run = runs.train(PUBLISHED, dataset, TINY, SEED)
    assert run.folder.parent == tmp_path / name
    found = runs.find(PUBLISHED, dataset, TINY, SEED)
    np.testing.assert_array_equal(
        found.predict(dataset.test.images[:9]), kept[1].predict(dataset.test.images[:9])
    )


@pytest.mark.parametrize(
    ("asked", "threads"), [("2", 2), ("0", 3), ("-2", 3), ("abc", 3), ("1.5", 3), ("²", 3), ("", 3)]
)
def test_threads_are_kept_as_tensorflow_takes_them(asked, threads, dataset, at_once, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", asked)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 2, 5}, raising=False)
    assert runs.train(PUBLISHED, dataset, TINY, SEED).record["threads"] == threads


def lacking(name):
    return lambda folder: (folder / name).unlink()


def half_a_record(folder):
    record = (folder / "run.json").read_text()
    (folder / "run.json").write_text(record[: len(record) // 2])


def foreign_record(folder):
    (folder / "run.json").write_text('["somebody\'s own file"]')


def record_of_another_layout(folder):
    (folder / "run.json").write_text('{"accuracy": 0.9}')


def record_of_another_run(folder):
    record = json.loads((folder / "run.json").read_text())
    record["key"]["seed"] += 1
    (folder / "run.json").write_text(json.dumps(record))


def picture(folder):
    (folder / "run.json").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")


def file(folder):
    shutil.rmtree(folder)
    folder.write_text("somebody's own file")


def empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def no_model(folder):
    (folder / "model.keras").write_bytes(b"half a mod")


SPOILT = (
    no_model,
    half_a_record,
    foreign_record,
    record_of_another_layout,
    record_of_another_run,
    picture,
    file,
    empty,
)
SPOIL = {spoil.__name__: spoil for spoil in SPOILT} | {
    name: lacking(name) for name in ("run.json", "history.csv", "test.npz", "model.keras")
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_what_stands_in_the_place_of_a_run_is_named_and_left_alone(store, dataset, refuse, spoil):
    (folder,) = store.iterdir()
    spoil(folder)
    before = content(store)
    with pytest.raises(CourseError) as error:
        runs.train(PUBLISHED, dataset, TINY, SEED)
    assert str(folder) in str(error.value)
    assert content(store) == before


@pytest.mark.parametrize("below", ["", "deeper/down"])
def test_store_that_can_not_be_written(tmp_path, monkeypatch, dataset, refuse, below):
    taken = tmp_path / "taken"
    taken.write_text("somebody's own file")
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(taken / below))
    with pytest.raises(CourseError) as error:
        runs.train(PUBLISHED, dataset, TINY, SEED)
    assert str(taken / below) in str(error.value)
    assert "FMNIST_RUNS_DIR" in str(error.value)
    assert taken.read_text() == "somebody's own file"


def test_a_finished_run_that_cannot_be_moved_into_its_place(
    tmp_path, dataset, at_once, monkeypatch
):
    def rename(path, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(CourseError, match="No space left on device.*FMNIST_RUNS_DIR"):
        runs.train(PUBLISHED, dataset, TINY, SEED)
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize(
    "id", ["../../outside", "/outside", "a/b\\c:d", "..", "", "Ünï", "x" * 300]
)
def test_ids_stay_inside_the_store(tmp_path, dataset, at_once, id):
    run = runs.train(replace(PUBLISHED, id=id), dataset, TINY, SEED)
    assert [run.folder] == list((tmp_path / "runs").iterdir())
    assert list(tmp_path.iterdir()) == [tmp_path / "runs"]
    assert runs.train(run.recipe, dataset, TINY, SEED).folder == run.folder


@pytest.mark.parametrize("failure", [Trained, KeyboardInterrupt, MemoryError])
def test_failing_training_leaves_nothing(tmp_path, dataset, monkeypatch, failure):
    def fit(*args):
        raise failure

    monkeypatch.setattr(training, "fit", fit)
    with pytest.raises(failure):
        runs.train(PUBLISHED, dataset, TINY, SEED)
    assert list((tmp_path / "runs").iterdir()) == []


def test_interrupted_run_goes_on(kept, tmp_path, dataset, monkeypatch):
    real, told = training.fit, []

    def fit(recipe, splits, epochs, seed, checkpoints, report, teachers):
        def watched(epoch, row):
            told.append(epoch)
            report(epoch, row)
            if told == [1, 2]:
                raise KeyboardInterrupt

        return real(recipe, splits, epochs, seed, checkpoints, watched)

    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        runs.train(PUBLISHED, dataset, TINY, SEED)
    run = runs.train(PUBLISHED, dataset, TINY, SEED)
    assert told == [1, 2, 2]
    assert run.metrics == kept[1].metrics, "ends as if never stopped"
    assert list((tmp_path / "runs").iterdir()) == [run.folder], "the checkpoints are gone"


def test_another_process_was_first(kept, tmp_path, dataset, monkeypatch):
    model, history = kept[1].model, kept[1].history
    first = tmp_path / "runs" / kept[1].folder.name

    def fit(*args):
        shutil.copytree(kept[1].folder, first)
        return model, history

    monkeypatch.setattr(training, "fit", fit)
    before = content(kept[1].folder)
    run = runs.train(PUBLISHED, dataset, TINY, SEED)
    assert [run.folder] == [first] == list((tmp_path / "runs").iterdir())
    assert list(content(first).values()) == list(before.values())


def test_several_come_back_in_their_order_and_are_told_of(kept, dataset, monkeypatch):
    told, logs = [], {"loss": 1.5, "accuracy": 0.25, "val_loss": 3.0, "val_accuracy": 0.125}
    history = pd.DataFrame([logs, logs | {"loss": 0.5, "val_accuracy": 0.5}]).assign(seconds=1.0)

    def fit(recipe, splits, epochs, seed, checkpoints, report, teachers):
        report(2, logs)
        return kept[1].model, history

    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr(store_module.Line, "show", lambda _, text: told.append(text))
    monkeypatch.setattr(store_module.Line, "close", lambda _, text: told.append(text))
    recipes = [replace(PUBLISHED, id=id) for id in ("b", "a")]
    found = runs.train((recipe for recipe in recipes), dataset, TINY, SEED)
    assert [run.recipe for run in found] == recipes
    runs.train(recipes[0], dataset, TINY, SEED + 1)
    epoch = "epoch 2 of 2 · loss 1.500 · accuracy 0.250"
    assert told == [
        *("1 of 2 · b · preparing", f"1 of 2 · b · {epoch}"),
        *("2 of 2 · a · preparing", f"2 of 2 · a · {epoch}", "2 models trained"),
        *("b · preparing", f"b · {epoch}"),
        "b · 2 epochs · loss 0.500 · accuracy 0.250 · validation accuracy 0.500",
    ]


def test_another_run_never_goes_on_from_this_ones_checkpoints(dataset, monkeypatch):
    places = []

    def fit(recipe, splits, epochs, seed, checkpoints, *others):
        places.append(checkpoints)
        raise Trained

    monkeypatch.setattr(training, "fit", fit)
    for recipe, profile, seed in [(PUBLISHED, TINY, SEED), *OTHER_RUNS.values()]:
        with pytest.raises(Trained):
            runs.train(recipe, dataset, profile, seed)
    assert len(set(places)) == 1 + len(OTHER_RUNS)


def test_in_a_store_that_is_named_nothing_of_another_is_found(store, dataset, at_once, tmp_path):
    run = runs.train(PUBLISHED, dataset, TINY, SEED, tmp_path / "apart")
    assert list((tmp_path / "apart").iterdir()) == [run.folder]
    assert len(list(store.iterdir())) == 1


def test_epochs_that_patience_has_spared_are_not_counted(kept, dataset, monkeypatch):
    model, history = kept[1].model, kept[1].history
    monkeypatch.setattr(training, "fit", lambda *_: (model, history[:1]))  # one of two
    assert runs.train(PUBLISHED, dataset, TINY, SEED).record["epochs_run"] == 1


def test_a_run_that_nothing_was_measured_on_is_found_again(tmp_path, dataset):
    """On all images, with the test set closed, in the profile that doesn't shorten."""
    recipe = MODELS["cnn-basic"].but("on all", validation="none")
    run = finished(tmp_path, dataset, "cnn-basic", 0, 0.9)
    (run.folder / "run.json").write_text(json.dumps(run.record | {"metrics": {}}))
    record = json.loads((run.folder / "run.json").read_text())
    record["key"]["recipe"] |= {"id": "on all", "opens_test": False}
    (run.folder / "run.json").write_text(json.dumps(record))
    assert files.read(recipe, run.folder).metrics == {}


def test_what_a_run_does_not_hold_is_told(tmp_path, dataset):
    run = finished(tmp_path, dataset, "cnn-basic", 0, 0.9)
    with pytest.raises(CourseError, match="is kept without its model"):
        run.predict(dataset.test.images)
    closed = replace(run, recipe=run.recipe.but("mine"))
    with pytest.raises(CourseError, match="mine leaves the test set closed"):
        _ = closed.test_outputs


@pytest.mark.skipif(os.name != "posix", reason="rights are POSIX's")
def test_a_run_may_be_read_by_whoever_may_read_the_store(tmp_path):
    for old in (None, tmp_path / f".run.{os.getpid()}"):  # of a process that was killed
        if old:
            old.mkdir()
            (old / "rest").touch()
        (tmp_path / "usual").mkdir(exist_ok=True)
        with files.new_folder(tmp_path / "run") as folder:
            assert not list(folder.iterdir())
        rights = [(tmp_path / name).stat().st_mode for name in ("run", "usual")]
        assert rights[0] == rights[1]
        (tmp_path / "run").rmdir()
