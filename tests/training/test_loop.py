"""The training loop: as Keras does it, stopped in time; what goes in, and how it is judged."""

import gc
from types import SimpleNamespace

import numpy as np
import pytest
from tensorflow.python.framework import config

from fmnist_utils.models import whitening
from fmnist_utils.models.backend import forget_graphs, keras
from fmnist_utils.training import Recipe, loop, renew

DENSE = Recipe("dense", "mlp", dict(widths=(), dropouts=(), batch_norm=False), "sgd")
# Dropout, running averages, a changing rate; and the losses and optimizers that DENSE has not.
RICH = Recipe(
    "rich",
    "conv1d",
    dict(filters=(8,), pools=(2,), dropouts=(0.3,)),
    "adam",
    0.01,
    "categorical_crossentropy",
    batch_size=90,  # of 300: the last batch is smaller
    schedule="one cycle",
    weight_decay=0.01,
    label_smoothing=0.1,
)


@pytest.mark.parametrize(
    "recipe", [DENSE, DENSE.but("weighted", class_weights={0: 0.2, 6: 3.0}), RICH]
)
def test_one_graph_does_what_keras_does_batch_by_batch(splits, recipe):
    model, history = loop.fit(recipe, splits, 2, 5)
    keras.utils.set_random_seed(5)
    plain, logs = recipe.build(2 * -(-len(splits.train.labels) // recipe.batch_size)), {}
    (x, y), watched = (
        (loop.inputs(recipe, part.images), loop.targets(recipe, part.labels))
        for part in (splits.train, splits.validation)
    )
    for epoch in range(2):
        order = np.random.default_rng([5, epoch]).permutation(len(x))
        weights = {c: recipe.class_weights.get(c, 1) for c in range(10)}
        settings = dict(validation_data=watched, shuffle=False, verbose=0, class_weight=weights)
        logs = plain.fit(x[order], y[order], recipe.batch_size, **settings).history
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    last = history.iloc[-1]
    for name, (value,) in logs.items():
        assert last[name] == pytest.approx(value, abs=1e-4), name


STUDENT = RICH.but("student", teacher=DENSE, label_smoothing=0.0)


def opinion(images):
    """Each image's share of white in its first ten rows."""
    rows = images[:, :10].sum(axis=2, dtype=np.float32) + 1
    return rows / rows.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("changes", [{}, {"shift": 2}])
def test_a_student_learns_its_teachers_answers_as_keras_does(splits, changes):
    recipe, train = STUDENT.but("student", changes=changes), splits.train
    model, history = loop.fit(recipe, splits, 2, 5, teachers=opinion)
    keras.utils.set_random_seed(5)
    plain, logs = recipe.build(2 * -(-len(train.labels) // recipe.batch_size)), {}
    for epoch in range(2):
        seen, _ = renew(train, changes, 5, epoch)
        order = np.random.default_rng([5, epoch]).permutation(len(seen))
        x, y = seen[order] / np.float32(255), opinion(seen[order])
        logs = plain.fit(x, y, recipe.batch_size, shuffle=False, verbose=0).history
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert history.loss[1] == pytest.approx(logs["loss"][0], abs=1e-4)
    outputs = model.predict(splits.validation.images / np.float32(255), verbose=0)
    right = outputs.argmax(axis=1) == splits.validation.labels
    assert history.val_accuracy[1] == pytest.approx(right.mean()), "judged by the labels"


@pytest.mark.parametrize(("recipe", "teachers"), [(STUDENT, None), (RICH, opinion)])
def test_teachers_come_with_a_recipe_that_has_one(splits, recipe, teachers):
    with pytest.raises(ValueError, match=f"{recipe.id} learns from a teacher's answers or from"):
        loop.fit(recipe, splits, 1, 0, teachers=teachers)


@pytest.mark.parametrize(
    "recipe",
    [
        RICH.but("softmax"),
        RICH.but("relu-sigmoid", head=("relu", "sigmoid")),
        RICH.but("tanh", head=("tanh",)),
        DENSE.but("penalised", l2=0.1),
    ],
    ids=lambda recipe: recipe.id,
)
def test_evaluate_is_that_of_keras(recipe, splits):
    part, model = splits.train, recipe.build()
    outputs, loss = loop.evaluate(recipe, model, part)
    x, y = loop.inputs(recipe, part.images), loop.targets(recipe, part.labels)
    wanted = model.evaluate(x, y, batch_size=70, verbose=0, return_dict=True)
    np.testing.assert_array_equal(outputs, loop.predict(recipe, model, part.images))
    assert loss == pytest.approx(wanted["loss"], rel=1e-4)
    assert (outputs.argmax(axis=1) == part.labels).mean() == pytest.approx(wanted["accuracy"])


def test_slices_of_an_epoch_change_nothing(splits, monkeypatch):
    weights, histories = [], []
    for seconds in (0.0, 600.0):  # a step at a time; after its first step all the rest
        monkeypatch.setattr(loop, "SLICE", seconds)
        model, history = loop.fit(RICH, splits, 2, 5)
        weights.append(b"".join(array.tobytes() for array in model.get_weights()))
        histories.append(history.drop(columns="seconds").to_csv())
    assert weights[0] == weights[1]
    assert histories[0] == histories[1]


def test_each_epoch_has_an_order_of_its_own(splits, monkeypatch):
    orders, real = [], loop.compiled_epoch

    def compiled(*args):
        run = real(*args)
        return lambda *given: orders.append(given[-1]) or run(*given)

    monkeypatch.setattr(loop, "compiled_epoch", compiled)
    loop.fit(DENSE.but("unwatched"), splits._replace(validation=splits.train), 2, 0)
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
    while len(rows) < len(losses) and not loop._out_of_patience(rows, patience):
        rows.append({"val_loss": losses[len(rows)]})
    assert len(rows) == stopped


def test_fit_runs_out_of_patience(splits):
    still = DENSE.but("still", learning_rate=1e-30)  # nothing gets better
    patient = still.but("patient", patience=2, validation="first 5,000")
    assert len(loop.fit(patient, splits, 10, 0)[1]) == 3
    assert len(loop.fit(still, splits, 4, 0)[1]) == 4


@pytest.mark.parametrize(
    ("architecture", "shape"),
    [("mlp", (5, 28, 28)), ("conv1d", (5, 28, 28)), ("conv2d", (5, 28, 28, 1))],
)
@pytest.mark.parametrize(("scaling", "white"), [("unit", 1.0), ("raw", 255.0)])
def test_inputs(architecture, shape, scaling, white):
    images = np.zeros((5, 28, 28), np.uint8)
    images[2, 3, 4], images[2, 3, 5] = 255, 51
    x = loop.inputs(Recipe("any", architecture, scaling=scaling), images)
    assert x.shape == shape
    assert x.dtype == np.float32
    row = x.reshape(5, 28, 28)[2, 3]
    assert row[4:6].tolist() == pytest.approx([white, white / 5])
    assert np.count_nonzero(x) == 2


def test_targets():
    labels = np.array([3, 0, 9], np.uint8)
    sparse = loop.targets(Recipe("any", "mlp"), labels)
    assert sparse.tolist() == [3, 0, 9]
    assert np.issubdtype(sparse.dtype, np.integer)
    one_hot = loop.targets(Recipe("any", "mlp", loss="categorical_crossentropy"), labels)
    np.testing.assert_array_equal(one_hot, np.eye(10)[[3, 0, 9]])


def test_averaging_is_the_running_mean_of_the_weights(splits):
    """Plain gradient descent without averaging gives the weights of each step; average by hand."""
    plain = DENSE.but("plain", batch_size=300, learning_rate=0.1)  # one step an epoch
    steps = [loop.fit(plain, splits, epochs, 4)[0].get_weights() for epochs in (1, 2, 3)]
    recipe = plain.but("averaged", averaging=0.75)
    model, history = loop.fit(recipe, splits, 3, 4)
    mean = steps[0]  # Keras begins its average with the first step's weights
    for weights in steps[1:]:
        mean = [0.75 * m + 0.25 * w for m, w in zip(mean, weights, strict=True)]
    for found, wanted in zip(model.get_weights(), mean, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    _, loss = loop.evaluate(recipe, model, splits.validation)
    assert history.val_loss.iloc[-1] == pytest.approx(loss, rel=1e-5), "judged as handed back"


def test_standard_scaling_gives_mean_0_and_deviation_1(real):
    pixels = loop.inputs(DENSE.but("s", scaling="standard"), real.train.images)
    assert float(pixels.mean()) == pytest.approx(0, abs=1e-3)
    assert float(pixels.std()) == pytest.approx(1, abs=1e-3)


def test_whitening_is_fitted_to_the_training_images(splits):
    recipe = Recipe("w", "conv2d", dict(filters=(4,), whitening=3))
    model, _ = loop.fit(recipe, splits, 1, 0)
    pixels = loop.inputs(recipe, splits.train.images)[..., 0]
    found = model.get_layer("whitening").get_weights()[0]
    np.testing.assert_array_equal(found, whitening.filters(pixels, 3))


def test_averaged_prediction_by_hand(splits):
    model, images = DENSE.build(), splits.test.images[:20]
    wanted = 0
    for side in (images, np.flip(images, axis=2)):
        padded = np.pad(side / np.float32(255), ((0, 0), (1, 1), (1, 1)))
        for y, x, share in ((1, 1, 4), (0, 1, 1), (2, 1, 1), (1, 0, 1), (1, 2, 1)):
            view = padded[:, y : y + 28, x : x + 28]
            wanted += share / 16 * model.predict(view, verbose=0)
    found = loop.predict(DENSE, model, images, averaged=True)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_kernels_are_deterministic(splits):
    config.disable_op_determinism()
    loop.fit(DENSE, splits, 1, 0)
    assert config.is_op_determinism_enabled()


def test_the_graphs_of_earlier_models_are_let_go_and_the_models_not(splits):
    def kept(forget=True):
        if forget:
            forget_graphs()
        gc.collect()
        return sum(type(one).__name__ == "FuncGraph" for one in gc.get_objects())

    before = kept()
    one, two = (loop.fit(DENSE, splits, 1, 0) and kept(forget=False) for _ in range(2))
    assert one == two, "each training lets go of those before it"
    x, y = loop.inputs(DENSE, splits.train.images), splits.train.labels
    model, _ = loop.fit(DENSE, splits, 1, 0)
    model.fit(x, y, verbose=0)  # as a notebook may, and then Keras holds the graph by the model
    wanted = model.predict(x, verbose=0)
    forget_graphs()
    np.testing.assert_array_equal(model.predict(x, verbose=0), wanted)
    model.fit(x, y, verbose=0)
    del model
    assert kept() <= before
