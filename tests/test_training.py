"""Training: repeatable, resumable, stopped in time; what goes in; changed copies of images."""

import gc
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from fmnist_utils import CourseError, data, training
from fmnist_utils.augmentation import add_copies, enlarge, renew, transform, views
from fmnist_utils.backend import forget_graphs, keras
from fmnist_utils.data import Part
from fmnist_utils.profiles import Profile
from fmnist_utils.recipes import Recipe

BUDGET = Profile("tiny", 300, 100, 100, 1.0, None, 1)
# All that a checkpoint must hold: weights, running averages, the optimizer's state, dropout's.
ALL = Recipe(
    "all", "conv1d", dict(filters=(8,), pools=(2,), dropouts=(0.3,)), "adam", 0.01,
    "categorical_crossentropy", batch_size=100, augmentation="pullover+shirt",
    changes=dict(flip="alternating", shift=2, erase=4, mixup=0.2),
    schedule="one cycle", weight_decay=0.01, label_smoothing=0.1,
)  # fmt: skip
DENSE = Recipe("dense", "mlp", dict(widths=(), dropouts=(), batch_norm=False), "sgd")


@pytest.fixture(scope="module")
def splits(dataset):
    return data.split(dataset, profile=BUDGET)


def outcome(model, history):
    """All that must be equal, to the last bit: the weights, and the history but for its times."""
    weights = [array.tobytes() for array in model.get_weights()]
    return weights, history.drop(columns="seconds").to_dict("list")


@pytest.fixture(scope="module")
def whole(splits):
    """Three epochs that nothing interrupts: model and history, and what was reported."""
    told = []
    return *training.fit(ALL, splits, 3, 3, None, lambda *given: told.append(given)), told


def test_history_and_report(whole):
    _, history, told = whole
    assert set(history.columns) == {
        "epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy"
    }  # fmt: skip
    assert history["epoch"].tolist() == [1, 2, 3]
    assert (history["seconds"] > 0).all()
    assert history[["accuracy", "val_accuracy"]].stack().between(0, 1).all()
    assert told == [(epoch + 1, row) for epoch, row in enumerate(history.to_dict("records"))]


def test_same_seed_same_bits(whole, splits):
    keras.utils.set_random_seed(99)  # what was drawn before must not matter
    model, history = training.fit(ALL, splits, 3, 3)
    assert outcome(model, history) == outcome(*whole[:2])


def test_interrupted_and_resumed_as_if_never_stopped(whole, splits, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    checkpoints, epochs = tmp_path / "kept", []
    # What a loss of power may leave: one half written, and one half removed.
    (checkpoints / "epoch-0007.123.tmp").mkdir(parents=True)

    def report(epoch, row):
        epochs.append(epoch)
        if epochs == [1, 2]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.fit(ALL, splits, 3, 3, checkpoints, report)
    (checkpoints / "epoch-0000").mkdir()
    keras.utils.set_random_seed(99)
    model, history = training.fit(ALL, splits, 3, 3, checkpoints, report)
    assert epochs[2:] == [2, 3], "goes on behind the last epoch that was kept"
    weights, rows = outcome(model, history)
    assert rows == outcome(*whole[:2])[1]
    assert weights == outcome(*whole[:2])[0]


@pytest.fixture(scope="module")
def unwatched(splits):
    """One epoch without validation images, with each of two seeds."""
    none = Part(splits.validation.images[:0], splits.validation.labels[:0])
    return [training.fit(DENSE, splits._replace(validation=none), 1, seed) for seed in (1, 2)]


def test_without_validation_images_nothing_is_watched(unwatched):
    for _, history in unwatched:
        assert set(history.columns) == {"epoch", "seconds", "loss", "accuracy"}


def test_other_seed_other_weights_and_losses(unwatched):
    (weights, rows), (other_weights, other_rows) = (outcome(*trained) for trained in unwatched)
    assert weights != other_weights
    assert rows["loss"] != other_rows["loss"]


WEIGHTS = {0: 0.2, 6: 3.0}


@pytest.mark.parametrize(
    "recipe",
    [DENSE, DENSE.but("weighted", class_weights=WEIGHTS),
     ALL.but("plain", augmentation="none", changes={})],
)  # fmt: skip
def test_one_graph_does_what_keras_does_batch_by_batch(splits, recipe):
    model, history = training.fit(recipe, splits, 2, 5)
    keras.utils.set_random_seed(5)
    plain, logs = recipe.build(2 * -(-len(splits.train.labels) // recipe.batch_size)), {}
    (x, y), watched = (
        (training.inputs(recipe, part.images), training.targets(recipe, part.labels))
        for part in (splits.train, splits.validation)
    )
    for epoch in range(2):
        order = np.random.default_rng([5, epoch]).permutation(len(x))
        logs = plain.fit(
            x[order], y[order], recipe.batch_size, validation_data=watched, shuffle=False,
            verbose=0, class_weight={c: recipe.class_weights.get(c, 1) for c in range(10)},
        ).history  # fmt: skip
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    last = history.iloc[-1]
    for name, (value,) in logs.items():
        assert last[name] == pytest.approx(value, abs=1e-4), name


HEADS = {head: dict(filters=(4,), pools=(9,), dropouts=(0.5,), head=head.split("-"))
         for head in ("softmax", "relu-sigmoid", "tanh")}  # fmt: skip


@pytest.mark.parametrize(
    "recipe",
    [*(replace(ALL, options=options) for options in HEADS.values()),
     replace(DENSE, options=dict(DENSE.options, l2=0.1))],
    ids=[*HEADS, "penalised"],
)  # fmt: skip
def test_evaluate_is_that_of_keras(recipe, splits):
    part, model = splits.train, recipe.build()
    outputs, loss = training.evaluate(recipe, model, part)
    x, y = training.inputs(recipe, part.images), training.targets(recipe, part.labels)
    wanted = model.evaluate(x, y, batch_size=70, verbose=0, return_dict=True)
    np.testing.assert_array_equal(outputs, training.predict(recipe, model, part.images))
    assert loss == pytest.approx(wanted["loss"], rel=1e-4)
    assert (outputs.argmax(axis=1) == part.labels).mean() == pytest.approx(wanted["accuracy"])


def test_each_epoch_has_an_order_of_its_own(splits, monkeypatch):
    orders, real = [], training._compile

    def compiled(*args):
        run = real(*args)
        return lambda *given: orders.append(given[-1]) or run(*given)

    monkeypatch.setattr(training, "_compile", compiled)
    training.fit(DENSE.but("unwatched"), splits._replace(validation=splits.train), 2, 0)
    first, _, second, _ = orders
    assert sorted(first) == sorted(second) == list(range(len(splits.train.labels)))
    assert not np.array_equal(first, second)


LOSSES = {
    "falls": [5, 4, 3, 2, 1, 0.5, 0.4, 0.3],
    "rises": [1, 2, 3, 4, 5, 6, 7, 8],
    "flat": [1, 1, 1, 1, 1, 1, 1, 1],
    "recovers in time": [3, 4, 2, 4, 4, 1, 5, 5, 5, 5],
    "better than the last, not than the best": [2, 5, 4, 3, 2.5, 2.2, 2.1, 2.0, 1.0],
    "diverges": [2, 1, *[float("nan")] * 6],
    "diverges at once": [float("nan")] * 8,
    "comes back": [float("nan"), 3, 2, 1, 0.5, 0.4, 0.3, 0.2],
}


@pytest.mark.parametrize("patience", [None, 0, 1, 2, 3, 10])
@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
def test_patience_is_that_of_keras(losses, patience):
    stopped = len(losses)
    if patience is not None:
        stopper = keras.callbacks.EarlyStopping("val_loss", patience=patience, mode="min")
        stopper.set_model(SimpleNamespace(stop_training=False))
        stopper.on_train_begin()
        for epoch, loss in enumerate(losses):
            stopper.on_epoch_end(epoch, {"val_loss": loss})
            if stopper.model.stop_training:
                stopped = epoch + 1
                break
    rows = []
    while len(rows) < len(losses) and not training._out_of_patience(rows, patience):
        rows.append({"val_loss": losses[len(rows)]})
    assert len(rows) == stopped


def test_fit_runs_out_of_patience(splits):
    still = DENSE.but("still", learning_rate=0.0)  # nothing gets better
    patient = still.but("patient", patience=2, validation="first 5,000")
    assert len(training.fit(patient, splits, 10, 0)[1]) == 3
    assert len(training.fit(still, splits, 4, 0)[1]) == 4


@pytest.mark.parametrize(
    ("architecture", "shape"),
    [("mlp", (5, 28, 28)), ("conv1d", (5, 28, 28)), ("conv2d", (5, 28, 28, 1))],
)
@pytest.mark.parametrize(("scaling", "white"), [("unit", 1.0), ("raw", 255.0)])
def test_inputs(architecture, shape, scaling, white):
    images = np.zeros((5, 28, 28), np.uint8)
    images[2, 3, 4], images[2, 3, 5] = 255, 51
    x = training.inputs(Recipe("any", architecture, scaling=scaling), images)
    assert x.shape == shape
    assert x.dtype == np.float32
    row = x.reshape(5, 28, 28)[2, 3]
    assert row[4:6].tolist() == pytest.approx([white, white / 5])
    assert np.count_nonzero(x) == 2


def test_targets():
    labels = np.array([3, 0, 9], np.uint8)
    sparse = training.targets(Recipe("any", "mlp"), labels)
    assert sparse.tolist() == [3, 0, 9]
    assert np.issubdtype(sparse.dtype, np.integer)
    one_hot = training.targets(Recipe("any", "mlp", loss="categorical_crossentropy"), labels)
    np.testing.assert_array_equal(one_hot, np.eye(10)[[3, 0, 9]])


@pytest.fixture(scope="module")
def images(dataset):
    return dataset.train.images[:60]


class Fixed:
    """Stands for a random generator that always draws the highest value, and always mirrors."""

    def uniform(self, low, high, size):
        return np.full(size, high)

    def random(self, size):
        return np.zeros(size)


STILL = dict(flip=False, rotation=0.0, zoom=0.0, shift=0.0)


def test_nothing_asked_nothing_changed(images):
    same = transform(images, np.random.default_rng(0), **STILL)
    assert same.dtype == np.uint8
    assert not np.shares_memory(same, images)
    np.testing.assert_array_equal(same, images)


def test_flip_mirrors_every_second_image(images):
    many = np.repeat(images, 10, axis=0)
    found = transform(many, np.random.default_rng(0), **STILL | dict(flip=True))
    mirrored = (found == many[:, :, ::-1]).all(axis=(1, 2))
    assert (mirrored | (found == many).all(axis=(1, 2))).all()
    assert 240 < mirrored.sum() < 360


@pytest.mark.parametrize("angle", [90.0, 37.0])
def test_rotation(images, angle):
    found = transform(images, Fixed(), **STILL | dict(rotation=angle))
    either = [
        ndimage.rotate(images.astype(float), turn, axes=(1, 2), reshape=False, order=1,
                       mode="grid-constant")
        for turn in (angle, -angle)
    ]  # fmt: skip
    # One direction or the other; within rounding, and within one level at right angles' edges.
    assert min(np.abs(found - turned).max() for turned in either) <= 1


def test_zoom_and_shift(images):
    center = np.array([13.5, 13.5])

    def scipy(image, scale, move):
        return ndimage.affine_transform(
            image.astype(float), np.eye(2) / scale, center - (center + move) / scale, order=1,
            mode="grid-constant",
        )  # fmt: skip

    larger = transform(images, Fixed(), **STILL | dict(zoom=0.5))
    moved = transform(images, Fixed(), **STILL | dict(shift=0.25))
    for image, zoomed, shifted in zip(images, larger, moved, strict=True):
        assert np.abs(zoomed - scipy(image, 1.5, 0)).max() <= 1
        np.testing.assert_array_equal(shifted[7:, 7:], image[:-7, :-7])
        assert not shifted[:7].any()
        assert not shifted[:, :7].any()


def test_half_a_pixel_at_the_edge_is_half_as_bright():
    white = np.full((1, 28, 28), 200, np.uint8)
    moved = transform(white, Fixed(), **STILL | dict(shift=0.5 / 28))
    assert moved[0, 0, 5] == 100
    assert moved[0, 5, 0] == 100
    assert moved[0, 0, 0] == 50
    assert (moved[0, 1:, 1:] == 200).all()


def test_each_image_is_changed_in_its_own_way_and_again_by_the_same_seed(images):
    alike = np.repeat(images[:1], 1_500, axis=0)  # more than are worked on at a time
    before = alike.copy()
    found = transform(alike, np.random.default_rng(5))
    assert found.shape == alike.shape
    assert found.dtype == np.uint8
    assert len(np.unique(found, axis=0)) > 1_400
    np.testing.assert_array_equal(found, transform(alike, np.random.default_rng(5)))
    assert not np.array_equal(found, transform(alike, np.random.default_rng(6)))
    np.testing.assert_array_equal(alike, before)
    alone = np.abs(found.astype(int) - alike).mean(axis=(1, 2))
    assert alone[:1_000].mean() == pytest.approx(alone[1_000:].mean(), rel=0.1)


@pytest.mark.parametrize(
    ("scheme", "classes"), [("pullover+shirt", [2, 6]), ("all classes", list(range(10)))]
)
def test_add_copies(splits, scheme, classes):
    train = splits.train
    more = add_copies(train, scheme, 4)
    n, copied = len(train.labels), np.isin(train.labels, classes)
    np.testing.assert_array_equal(more.images[:n], train.images)
    np.testing.assert_array_equal(more.labels, [*train.labels, *train.labels[copied]])
    assert more.images.shape == (len(more.labels), 28, 28)
    assert more.images.dtype == more.labels.dtype == np.uint8

    copies, originals = more.images[n:], train.images[copied]
    assert (copies != originals).any(axis=(1, 2)).all(), "every copy is changed ..."
    sums = [images.sum(axis=(1, 2), dtype=float) for images in (copies, originals)]
    assert np.corrcoef(*sums)[0, 1] > 0.9, "... and yet shows the image that it is a copy of"

    np.testing.assert_array_equal(copies, add_copies(train, scheme, 4).images[n:])
    assert not np.array_equal(copies, add_copies(train, scheme, 5).images[n:])


def test_no_copies(splits):
    assert add_copies(splits.train, "none", 0) is splits.train


def test_unknown_scheme_is_refused(splits):
    with pytest.raises((CourseError, ValueError, KeyError)):
        add_copies(splits.train, "Pullover+Shirt", 0)


def test_a_checkpoint_survives_that_another_process_finishes_first(splits, tmp_path, monkeypatch):
    """The other process clears the folder away while this one is writing into it."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)
    checkpoints, cleared = tmp_path / "checkpoints", []

    def report(epoch, logs):
        if epoch == 2:
            real = keras.Model.save_weights

            def save_weights(self, path, *args):
                shutil.rmtree(checkpoints)
                cleared.append(path)
                return real(self, path, *args)

            monkeypatch.setattr(keras.Model, "save_weights", save_weights)

    _, history = training.fit(DENSE, splits, 3, 0, checkpoints, report)
    assert len(cleared) == 2
    assert len(history) == 3


def test_copies_then_split_takes_the_last_fifth_of_it_all(dataset):
    both = Part(dataset.train.images[:1000], dataset.train.labels[:1000])
    parts = Part(both.images[:800], both.labels[:800]), Part(both.images[800:], both.labels[800:])
    splits = data.Splits(*parts, dataset.test)
    usual = enlarge(splits, "pullover+shirt", 4)
    np.testing.assert_array_equal(
        usual.train.images, add_copies(splits.train, "pullover+shirt", 4).images
    )
    assert usual.validation is splits.validation

    found = enlarge(splits, "pullover+shirt, then split", 4)
    wanted = add_copies(both, "pullover+shirt", 4)
    first = int(len(wanted.labels) * 0.8)
    for got, whole in zip(found.train, wanted, strict=True):
        np.testing.assert_array_equal(got, whole[:first])
    for got, whole in zip(found.validation, wanted, strict=True):
        np.testing.assert_array_equal(got, whole[first:])
    assert len(found.train.labels) > 900, "more originals than the 800"
    assert np.isin(found.validation.labels, [2, 6]).mean() > 0.7, "and watches mostly copies"


@pytest.fixture(scope="module")
def part(dataset):
    return Part(dataset.train.images[:300], dataset.train.labels[:300])


def test_renew_without_changes(part):
    images, targets = renew(part, {}, 0, 0)
    np.testing.assert_array_equal(images, part.images)
    np.testing.assert_array_equal(targets, np.eye(10)[part.labels])
    assert (images.dtype, targets.dtype) == (np.uint8, np.float32)


def mirrored(images, part):
    flipped = (images == part.images[:, :, ::-1]).all(axis=(1, 2))
    assert (flipped | (images == part.images).all(axis=(1, 2))).all()
    return flipped


def test_alternating_flip_shows_both_sides_in_turn(part):
    first, second, third = (
        mirrored(renew(part, {"flip": "alternating"}, 3, epoch)[0], part) for epoch in range(3)
    )
    np.testing.assert_array_equal(first, ~second)
    np.testing.assert_array_equal(first, third)
    assert 110 < first.sum() < 190


def test_random_flip_is_drawn_anew(part):
    first, second = (mirrored(renew(part, {"flip": "random"}, 3, e)[0], part) for e in range(2))
    assert 110 < first.sum() < 190
    assert 110 < (first ^ second).sum() < 190


def test_shift_by_whole_pixels(part):
    images, _ = renew(part, {"shift": 2}, 0, 0)
    frame = np.pad(part.images, ((0, 0), (2, 2), (2, 2)))
    moves = {}
    for down in range(-2, 3):
        for right in range(-2, 3):
            wanted = frame[:, 2 - down : 30 - down, 2 - right : 30 - right]
            moves[down, right] = (images == wanted).all(axis=(1, 2))
    assert np.any(list(moves.values()), axis=0).all(), "each image is one of the 25"
    assert all(found.any() for found in moves.values()), "and each of the 25 occurs"


def test_erase_blackens_a_square(part):
    white = Part(np.full_like(part.images, 255), part.labels)
    images, _ = renew(white, {"erase": 6}, 0, 0)
    sizes = set()
    for image in images:
        rows, columns = (np.flatnonzero((image == 0).any(axis=axis)) for axis in (1, 0))
        assert (image == 0).sum() == len(rows) * len(columns)
        assert np.ptp(rows) + 1 == len(rows)
        assert np.ptp(columns) + 1 == len(columns)
        sizes |= {len(rows), len(columns)}
    assert sizes == {3, 4, 5, 6}, "whole, or cut off at the edge"


def test_mixup_blends_images_and_labels_alike(part):
    flat = Part(np.repeat(part.labels, 784).reshape(-1, 28, 28) * np.uint8(20), part.labels)
    images, targets = renew(flat, {"mixup": 1.0}, 0, 0)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert ((targets > 0).sum(axis=1) <= 2).all()
    np.testing.assert_allclose(images[:, 0, 0], 20 * targets @ np.arange(10), atol=0.51)
    assert targets.max(axis=1).std() > 0.1


@pytest.mark.parametrize(
    "changes", [{"flip": "random"}, {"rotation": 9.0}, {"zoom": 0.2}, {"shift": 3}, {"erase": 9},
                {"mixup": 0.3}]
)  # fmt: skip
def test_each_epoch_is_drawn_anew_and_can_be_drawn_again(part, changes):
    before = part.images.copy()
    first, again, other, seeded = (
        renew(part, changes, seed, epoch)[0] for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0))
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, seeded)
    np.testing.assert_array_equal(part.images, before)


# -- speed run ------------------------------------------------------------------------------------


def test_averaging_is_the_running_mean_of_the_weights(splits):
    """Plain gradient descent without averaging gives the weights of each step; average by hand."""
    plain = DENSE.but("plain", batch_size=100)
    averaged = plain.but("averaged", averaging=0.5)
    steps = []
    for epochs in (1, 2, 3):  # three steps an epoch
        model, _ = training.fit(plain.but(f"{epochs}", batch_size=300), splits, epochs, 4)
        steps.append(model.get_weights())
    recipe = averaged.but("a", batch_size=300)
    model, history = training.fit(recipe, splits, 3, 4)
    mean = steps[0]  # Keras begins its average with the first step's weights
    for weights in steps[1:]:
        mean = [0.5 * m + 0.5 * w for m, w in zip(mean, weights, strict=True)]
    for found, wanted in zip(model.get_weights(), mean, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    _, loss = training.evaluate(recipe, model, splits.validation)
    assert history.val_loss.iloc[-1] == pytest.approx(loss, rel=1e-5), "judged as handed back"


def test_standard_scaling_gives_mean_0_and_deviation_1(real):
    pixels = training.inputs(DENSE.but("s", scaling="standard"), real.train.images)
    assert float(pixels.mean()) == pytest.approx(0, abs=1e-3)
    assert float(pixels.std()) == pytest.approx(1, abs=1e-3)


def test_whitening_is_fitted_to_the_training_images(splits):
    recipe = Recipe("w", "conv2d", dict(filters=(4,), whitening=3))
    model, _ = training.fit(recipe, splits, 1, 0)
    pixels = training.inputs(recipe, splits.train.images)[..., 0]
    found = model.get_layer("whitening").get_weights()[0]
    np.testing.assert_array_equal(found, training.whitening.filters(pixels, 3))


def test_views_are_the_image_and_its_neighbours(part):
    shares, made = zip(*views(part.images), strict=True)
    assert sum(shares) == 1
    assert len(made) == 10
    np.testing.assert_array_equal(made[0], part.images)
    np.testing.assert_array_equal(made[5], part.images[:, :, ::-1])
    np.testing.assert_array_equal(made[1][:, 1:], part.images[:, :-1])
    np.testing.assert_array_equal(made[3][:, :, 1:], part.images[:, :, :-1])
    assert not made[1][:, 0].any()


def test_averaged_prediction_by_hand(splits):
    model, images = DENSE.build(), splits.test.images[:20]
    found = training.predict(DENSE, model, images, averaged=True)
    wanted = sum(share * training.predict(DENSE, model, view) for share, view in views(images))
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    mirrored = training.predict(DENSE, model, images[:, :, ::-1].copy(), averaged=True)
    np.testing.assert_allclose(mirrored, found, atol=1e-6)  # the average doesn't know left or right


def test_the_graphs_of_earlier_models_are_let_go_and_the_models_not(splits):
    def kept():
        forget_graphs()
        return sum(type(one).__name__ == "FuncGraph" for one in gc.get_objects())

    before = kept()
    x, y = training.inputs(DENSE, splits.train.images), splits.train.labels
    model, _ = training.fit(DENSE, splits, 1, 0)
    model.fit(x, y, verbose=0)  # as a notebook may, and then Keras holds the graph by the model
    wanted = model.predict(x, verbose=0)
    forget_graphs()
    np.testing.assert_array_equal(model.predict(x, verbose=0), wanted)
    model.fit(x, y, verbose=0)
    del model
    assert kept() <= before
