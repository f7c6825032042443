"""The published models: what the reports say, layer by layer."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from fmnist_utils.models.backend import keras
from fmnist_utils.recipes import PUBLISHED


def report(accuracy, **others):
    return {"test_accuracy": accuracy} | others


def outcome(train_loss, train, test_loss, test):
    return report(test, test_loss=test_loss, train_accuracy=train, train_loss=train_loss)


def quality(loss, accuracy, precision, recall, f1):
    return report(accuracy, test_loss=loss, precision=precision, recall=recall, f1=f1)


def of_class(name, precision, recall, f1):
    return {f"{name}_precision": precision, f"{name}_recall": recall, f"{name}_f1": f1}


# Spelt out from the reports a second time, on purpose.
REPORTED = {
    "heads-softmax": outcome(0.86, 0.709, 0.888, 0.695),
    "heads-softmax-sigmoid": outcome(2.11, 0.34, 2.11, 0.33),
    "heads-relu-sigmoid": outcome(1.71, 0.23, 1.72, 0.235),
    "heads-tanh": outcome(5.52, 0.058, 5.43, 0.056),
    "heads-sigmoid-softmax-relu": outcome(7.49, 0.111, 7.49, 0.108),
    "conv1d-baseline": quality(0.9232, 0.6832, 0.8488, 0.8440, 0.8427),
    "conv1d-deeper": quality(0.3822, 0.8586, 0.8664, 0.8586, 0.8609),
    "conv1d-wider": quality(0.3197, 0.8807, 0.8830, 0.8807, 0.8802),
    "conv1d-kernel3": quality(0.3197, 0.8832, 0.8834, 0.8832, 0.8813),
    "conv2d-small": quality(0.2779, 0.9025, 0.9048, 0.9025, 0.9031)
    | of_class("shirt", 0.69, 0.78, 0.73),
    "conv2d-medium": quality(0.2662, 0.9126, 0.9124, 0.9126, 0.9124)
    | of_class("shirt", 0.77, 0.74, 0.76),
    "conv2d-medium-25": quality(0.5074, 0.9040, 0.9048, 0.9040, 0.9041)
    | of_class("shirt", 0.74, 0.74, 0.74),
    "mlp-350-80": report(0.8885, val_accuracy=0.9013, train_accuracy=0.9330),
    "cnn-pool4": report(0.9107, val_accuracy=0.9215, train_accuracy=0.9368),
    "mlp-tuned": report(0.8950, val_loss=0.2851, val_accuracy=0.90)
    | of_class("pullover", 0.78, 0.85, 0.82)
    | of_class("shirt", 0.73, 0.72, 0.73),
    "mlp-tuned-augmented": report(0.9022)
    | of_class("pullover", 0.82, 0.85, 0.83)
    | of_class("shirt", 0.77, 0.71, 0.74),
    "cnn-tuned": report(0.9263, val_loss=0.1908, val_accuracy=0.9317)
    | of_class("pullover", 0.92, 0.85, 0.89)
    | of_class("shirt", 0.77, 0.81, 0.79),
    "cnn-tuned-augmented": report(0.9316)
    | of_class("pullover", 0.92, 0.87, 0.89)
    | of_class("shirt", 0.80, 0.81, 0.80),
    "cnn-basic": report(0.9030),
    "cnn-standard": report(0.9069),
}
HEADS = [id for id in REPORTED if id.startswith("heads-")]
KUMAR = list(REPORTED)[5:12]
SEARCHED = list(REPORTED)[14:18]


def dense(*widths):
    return sum(here * there + there for here, there in pairwise(widths))


def conv1d(kernel, *widths):
    """Each with its batch normalisation, which has four numbers a feature."""
    return sum(kernel * here * there + 5 * there for here, there in pairwise(widths))


def conv2d(kernel, *widths):
    return sum(kernel**2 * here * there + there for here, there in pairwise(widths))


TEMPLATE = conv1d(2, 28, 236, 128)  # 28 27 13 12 6
MEDIUM = conv2d(3, 1, 32, 64, 128) + dense(128, 128, 10)  # to 1 x 1
SEARCHED_MLP = dense(784, 448, 32, 32, 32, 10)
SEARCHED_CNN = conv2d(3, 1, 32, 32, 128) + dense(9 * 128, 128, 10)  # 28 14 7 3
PARAMETERS = {
    "heads-softmax": TEMPLATE + dense(6 * 128, 10),
    "heads-softmax-sigmoid": TEMPLATE + dense(2 * 128, 10, 10),  # pooled by 3: 28 27 9 8 2
    "heads-relu-sigmoid": TEMPLATE + dense(6 * 128, 10, 10),
    "heads-tanh": TEMPLATE + dense(6 * 128, 10),
    "heads-sigmoid-softmax-relu": TEMPLATE + dense(6 * 128, 10, 10, 10),
    "conv1d-baseline": TEMPLATE + dense(6 * 128, 10),
    # 28 27 13 12 6 5 2
    "conv1d-deeper": conv1d(2, 28, 236, 128, 64) + dense(2 * 64, 10),
    "conv1d-wider": conv1d(2, 28, 256, 128, 64) + dense(2 * 64, 10),
    "conv1d-kernel3": conv1d(3, 28, 256, 128, 64) + dense(64, 10),  # 28 26 13 11 5 3 1
    # 28 26 13 11 5 3 1, in both directions
    "conv2d-small": conv2d(3, 1, 32, 64, 64) + dense(64, 64, 10),
    "conv2d-medium": MEDIUM,
    "conv2d-medium-25": MEDIUM,
    "mlp-350-80": 4 * 784 + dense(784, 350, 80, 10),
    "cnn-pool4": conv2d(4, 1, 64, 64) + dense(4 * 64, 256, 84, 10),  # 28 28 7 4 2
    "mlp-tuned": SEARCHED_MLP,
    "mlp-tuned-augmented": SEARCHED_MLP,
    "cnn-tuned": SEARCHED_CNN,
    "cnn-tuned-augmented": SEARCHED_CNN,
    "cnn-basic": 54_410,
    "cnn-standard": 121_930,
}


@cache
def built(id):
    return PUBLISHED[id].build()


def test_the_twenty_and_what_was_reported():
    assert {id: dict(recipe.reported) for id, recipe in PUBLISHED.items()} == REPORTED
    assert list(PUBLISHED) == list(REPORTED), "in the order of the reports"
    assert all(recipe.id == id and recipe.source for id, recipe in PUBLISHED.items())


def test_who_published_it_and_what_is_left_unsaid():
    kumar = ["Kumar 2024, baseline", *(f"Kumar 2024, model {n}" for n in range(1, 7))]
    doudos = ["Doudos & Legkas, MLP", "Doudos & Legkas, CNN"]
    sources = [
        *(f"Hochmuth 2023, model {n}" for n in range(1, 6)),
        *kumar,
        *("Rastogi, part 1", "Rastogi, part 2"),
        *(doudos[0], f"{doudos[0]}, augmented", doudos[1], f"{doudos[1]}, augmented"),
        *("Hernandez, basic", "Hernandez, standard"),
    ]
    assert [recipe.source for recipe in PUBLISHED.values()] == sources
    filters = "first layer's filters (misprinted as 1), activation, padding"
    unsaid = [
        *["optimizer, learning rate, epochs, batch size, loss"] * 5,
        *["optimizer, learning rate, loss, activation, padding, place of the dropout"] * 4,
        *["learning rate, loss, activation, padding, place of the dropout"] * 3,
        *("", ""),
        *("optimizer, batch size, loss", "optimizer, batch size, loss, size of rotation and zoom"),
        f"{filters}, optimizer, batch size, loss",
        f"{filters}, optimizer, batch size, loss, size of rotation and zoom",
        *["batch size"] * 2,
    ]
    assert [recipe.unstated for recipe in PUBLISHED.values()] == unsaid


@pytest.mark.parametrize("id", PARAMETERS)
def test_published_model(id):
    model = built(id)
    assert model.count_params() == PARAMETERS[id]
    shape = (28, 28, 1) if PUBLISHED[id].architecture == "conv2d" else (28, 28)
    outputs = np.asarray(model(np.random.default_rng(0).random((3, *shape), "float32")))
    assert outputs.shape == (3, 10)
    if not id.startswith("heads") or id == "heads-softmax":
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)


def layers(id):
    """Each layer's kind, with its activation or rate where it has one."""
    for layer in built(id).layers:
        activation = getattr(getattr(layer, "activation", None), "__name__", "")
        yield f"{type(layer).__name__} {activation}{getattr(layer, 'rate', '')}".strip()


LINEAR = "Conv1D linear, MaxPooling1D, Dropout 0.2, BatchNormalization, "
MORE_DROPPED = LINEAR.replace("0.2", "0.3")
POOLED = "Conv2D relu, MaxPooling2D, "
LAYERS = {
    "heads-softmax": 2 * LINEAR + "Flatten, Dense softmax",
    "heads-softmax-sigmoid": MORE_DROPPED + LINEAR + "Flatten, Dense softmax, Dense sigmoid",
    "heads-relu-sigmoid": 2 * LINEAR + "Flatten, Dense relu, Dense sigmoid",
    "heads-tanh": 2 * LINEAR + "Flatten, Dense tanh",
    "heads-sigmoid-softmax-relu": 2 * LINEAR + "Flatten, Dense sigmoid, Dense softmax, Dense relu",
    "conv1d-kernel3": 3 * MORE_DROPPED + "Flatten, Dense softmax",
    "mlp-350-80": "Flatten, BatchNormalization, Dense relu, Dropout 0.1, Dense relu, Dropout 0.2, "
    "Dense softmax",
    "cnn-pool4": 2 * POOLED + "Dropout 0.6, Flatten, Dense relu, Dense relu, Dense softmax",
    "mlp-tuned": "Flatten, Dense gelu, Dropout 0.3, " + 3 * "Dense gelu, " + "Dense softmax",
    "cnn-tuned": f"{2 * POOLED}Dropout 0.2, {POOLED}Dropout 0.4, Flatten, "
    "Dense relu, Dropout 0.2, Dense softmax",
    "cnn-basic": POOLED + "Flatten, Dense softmax",
    "cnn-standard": 2 * POOLED + "Flatten, Dense relu, Dense softmax",
}


@pytest.mark.parametrize("id", LAYERS)
def test_layers_in_order(id):
    assert ", ".join(layers(id)) == LAYERS[id]


@pytest.mark.parametrize(
    ("id", "penalty"), [("mlp-350-80", 1e-6), ("cnn-pool4", 1e-4), ("mlp-tuned", None)]
)
def test_weight_penalty_on_every_dense_layer_and_no_other(id, penalty):
    for layer in built(id).layers:
        found = getattr(getattr(layer, "kernel_regularizer", None), "l2", None)
        wanted = penalty if isinstance(layer, keras.layers.Dense) else None
        assert found == pytest.approx(wanted), layer.name


STATED = [
    (HEADS, dict(scaling="raw", loss="categorical_crossentropy", augmentation="none")),
    (KUMAR, dict(scaling="unit", loss="categorical_crossentropy", batch_size=64)),
    (KUMAR[:-1], dict(epochs=10)),
    (["conv2d-medium-25"], dict(epochs=25)),
    (KUMAR[4:], dict(optimizer="adam")),
    (["mlp-350-80"], dict(optimizer="sgd", learning_rate=0.1, epochs=13)),
    (["cnn-pool4"], dict(optimizer="adam", learning_rate=0.001, epochs=10)),
    (["mlp-350-80", "cnn-pool4"], dict(batch_size=32, validation="first 5,000")),
    (SEARCHED, dict(learning_rate=1e-4, validation="last 20 %", epochs=100, patience=10)),
    (SEARCHED[::2], dict(augmentation="none")),
    (SEARCHED[1::2], dict(augmentation="pullover+shirt")),
    (["cnn-basic", "cnn-standard"], dict(optimizer="adam", epochs=8, scaling="unit")),
    (["cnn-basic", "cnn-standard"], dict(loss="sparse_categorical_crossentropy")),
    ([*HEADS, *KUMAR, "cnn-basic", "cnn-standard"], dict(validation="none", patience=None)),
]
STATED += [(KUMAR, dict(learning_rate=0.001)), (SEARCHED, dict(batch_size=32, optimizer="adam"))]


@pytest.mark.parametrize(("ids", "stated"), STATED)
def test_training_as_stated(ids, stated):
    for id in ids:
        assert {name: getattr(PUBLISHED[id], name) for name in stated} == stated, id
