"""Training can be repeated, interrupted and resumed, to the last bit."""

import itertools
import shutil
import time
from types import SimpleNamespace

import pytest

from fmnist_utils.data import ImageSet
from fmnist_utils.models.backend import keras
from fmnist_utils.training import Recipe, checkpoint, loop

# All that a checkpoint must hold: weights, running averages, the optimizer's state, dropout's.
ALL = Recipe(
    "all",
    "conv1d",
    dict(filters=(8,), pools=(2,), dropouts=(0.3,)),
    "adam",
    0.01,
    "categorical_crossentropy",
    batch_size=100,
    augmentation="pullover+shirt",
    changes=dict(flip="alternating", shift=2, erase=4, mixup=0.2),
    schedule="one cycle",
    weight_decay=0.01,
    label_smoothing=0.1,
)
PLAIN = Recipe("plain", "mlp", dict(widths=(), dropouts=(), batch_norm=False), "sgd")


def outcome(model, history):
    """All that must be equal, to the last bit: the weights, and the history but for its times."""
    weights = [array.tobytes() for array in model.get_weights()]
    return weights, history.drop(columns="seconds").to_dict("list")


@pytest.fixture(scope="module")
def whole(splits):
    """Three epochs that nothing interrupts: model and history, and what was reported."""
    told = []
    return *loop.fit(ALL, splits, 3, 3, None, lambda *given: told.append(given)), told


def test_history_and_report(whole):
    _, history, told = whole
    assert " ".join(history.columns) == "epoch seconds loss accuracy val_loss val_accuracy"
    assert history["epoch"].tolist() == [1, 2, 3]
    assert (history["seconds"] > 0).all()
    assert history[["accuracy", "val_accuracy"]].stack().between(0, 1).all()
    assert told == [(epoch + 1, row) for epoch, row in enumerate(history.to_dict("records"))]


def test_same_seed_same_bits(whole, splits):
    keras.utils.set_random_seed(99)  # what was drawn before must not matter
    model, history = loop.fit(ALL, splits, 3, 3)
    assert outcome(model, history) == outcome(*whole[:2])


def test_interrupted_and_resumed_as_if_never_stopped(whole, splits, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    checkpoints, epochs = tmp_path / "kept", []
    # What a loss of power may leave: one half written, and one half removed.
    (checkpoints / "epoch-0007.123.tmp").mkdir(parents=True)

    def report(epoch, row):
        epochs.append(epoch)
        if epochs == [1, 2]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.fit(ALL, splits, 3, 3, checkpoints, report)
    (checkpoints / "epoch-0000").mkdir()
    keras.utils.set_random_seed(99)
    model, history = loop.fit(ALL, splits, 3, 3, checkpoints, report)
    assert epochs[2:] == [2, 3], "goes on behind the last epoch that was kept"
    assert outcome(model, history) == outcome(*whole[:2])
    kept = sorted(path.name for path in checkpoints.iterdir())
    assert kept == ["epoch-0003", "epoch-0007.123.tmp"], "and none before it"
    checkpoint.save(model, [{}] * 3, checkpoints)  # as another process that trains the same run
    assert checkpoint.resume(model, checkpoints) == history.to_dict("records")


def test_seconds_are_those_of_each_epoch(splits, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(
        loop, "time", SimpleNamespace(monotonic=lambda: next(clock), perf_counter=time.perf_counter)
    )
    assert loop.fit(PLAIN, splits, 3, 0)[1].seconds.tolist() == [1, 1, 1]


@pytest.fixture(scope="module")
def unwatched(splits):
    """One epoch without validation images, with each of two seeds."""
    none = ImageSet(splits.validation.images[:0], splits.validation.labels[:0])
    return [loop.fit(PLAIN, splits._replace(validation=none), 1, seed) for seed in (1, 2)]


def test_without_validation_images_nothing_is_watched(unwatched):
    for _, history in unwatched:
        assert " ".join(history.columns) == "epoch seconds loss accuracy"


def test_other_seed_other_weights_and_losses(unwatched):
    (weights, rows), (other_weights, other_rows) = (outcome(*trained) for trained in unwatched)
    assert weights != other_weights
    assert rows["loss"] != other_rows["loss"]


def test_a_checkpoint_survives_that_another_process_finishes_first(splits, tmp_path, monkeypatch):
    """The other process clears the folder away while this one is writing into it."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    checkpoints, cleared = tmp_path / "checkpoints", []

    def report(epoch, logs):
        if epoch == 2:
            real = keras.Model.save_weights

            def save_weights(self, path, *args):
                shutil.rmtree(checkpoints)
                cleared.append(path)
                return real(self, path, *args)

            monkeypatch.setattr(keras.Model, "save_weights", save_weights)

    _, history = loop.fit(PLAIN, splits, 3, 0, checkpoints, report)
    assert len(cleared) == 2
    assert len(history) == 3


def test_a_checkpoint_is_saved_every_ten_seconds_and_not_each_epoch(splits, tmp_path, monkeypatch):
    clock, saved = SimpleNamespace(now=0.0), []
    times = SimpleNamespace(monotonic=lambda: clock.now, perf_counter=time.perf_counter)
    monkeypatch.setattr(loop, "time", times)
    monkeypatch.setattr(checkpoint, "save", lambda model, rows, place: saved.append(len(rows)))

    def report(epoch, row):  # each epoch takes four seconds
        clock.now += 4

    loop.fit(PLAIN, splits, 7, 0, tmp_path, report)
    assert saved == [3, 6]


def test_each_seed_has_copies_of_its_own(splits, monkeypatch):
    seen, real = [], loop.compiled_epoch

    def compiled(*args):
        run = real(*args)
        return lambda *given: seen.append(given[0].numpy()) or run(*given)

    monkeypatch.setattr(loop, "compiled_epoch", compiled)
    for seed in (1, 2):
        loop.fit(PLAIN.but("copies", augmentation="all classes"), splits, 1, seed)
    one, _, other, _ = seen  # behind each, the validation images
    n = len(splits.train.images)
    assert one.shape == other.shape == (2 * n, 28, 28)
    assert (one[:n] == other[:n]).all()
    assert not (one[n:] == other[n:]).all(axis=(1, 2)).any()


def test_a_newer_checkpoint_takes_the_place_of_one_that_is_being_read(
    whole, splits, tmp_path, monkeypatch
):
    """Another process that trains the same saves the next epoch and removes this one."""
    model, history = whole[:2]
    checkpoint.save(model, [{}] * 1, tmp_path)
    load = keras.Model.load_weights

    def load_weights(self, path, *args):
        if (tmp_path / "epoch-0001").exists():
            checkpoint.save(model, history.to_dict("records"), tmp_path)
            assert not (tmp_path / "epoch-0001").exists()
        return load(self, path, *args)

    monkeypatch.setattr(keras.Model, "load_weights", load_weights)
    assert checkpoint.resume(model, tmp_path) == history.to_dict("records")
