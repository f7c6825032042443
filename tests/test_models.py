"""The published models: what the reports say, layer by layer, and how variants are made."""

from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from fmnist_utils import models, whitening
from fmnist_utils.backend import keras, tf
from fmnist_utils.published import PUBLISHED
from fmnist_utils.recipes import OPTIMIZERS, Recipe


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
    "conv2d-small": quality(0.2779, 0.9025, 0.9048, 0.9025, 0.9031),
    "conv2d-medium": quality(0.2662, 0.9126, 0.9124, 0.9126, 0.9124),
    "conv2d-medium-25": quality(0.5074, 0.9040, 0.9048, 0.9040, 0.9041),
    "mlp-350-80": report(0.8885, val_accuracy=0.9013, train_accuracy=0.9330),
    "cnn-pool4": report(0.9107, val_accuracy=0.9215, train_accuracy=0.9368),
    "mlp-tuned": report(0.8950, val_loss=0.2851, val_accuracy=0.90)
    | of_class("pullover", 0.78, 0.85, 0.82) | of_class("shirt", 0.73, 0.72, 0.73),
    "mlp-tuned-augmented": report(0.9022)
    | of_class("pullover", 0.82, 0.85, 0.83) | of_class("shirt", 0.77, 0.71, 0.74),
    "cnn-tuned": report(0.9263, val_loss=0.1908, val_accuracy=0.9317)
    | of_class("pullover", 0.92, 0.85, 0.89) | of_class("shirt", 0.77, 0.81, 0.79),
    "cnn-tuned-augmented": report(0.9316)
    | of_class("pullover", 0.92, 0.87, 0.89) | of_class("shirt", 0.80, 0.81, 0.80),
    "cnn-basic": report(0.9030),
    "cnn-standard": report(0.9069),
}  # fmt: skip
HEADS = [id for id in REPORTED if id.startswith("heads-")]
KUMAR = list(REPORTED)[5:12]
SEARCHED = list(REPORTED)[14:18]


def dense(here, there):
    return here * there + there


def conv1d(here, there, kernel):
    return kernel * here * there + there


def conv2d(here, there, kernel):
    return kernel**2 * here * there + there


def norm(features):
    return 4 * features


TEMPLATE = conv1d(28, 236, 2) + norm(236) + conv1d(236, 128, 2) + norm(128)  # 28 27 13 12 6
MEDIUM = conv2d(1, 32, 3) + conv2d(32, 64, 3) + conv2d(64, 128, 3) + dense(128, 128)  # to 1 x 1
SEARCHED_MLP = dense(784, 448) + dense(448, 32) + 2 * dense(32, 32) + dense(32, 10)
SEARCHED_CNN = (  # 28 14 7 3
    conv2d(1, 32, 3) + conv2d(32, 32, 3) + conv2d(32, 128, 3) + dense(9 * 128, 128) + dense(128, 10)
)
PARAMETERS = {
    "heads-softmax": TEMPLATE + dense(6 * 128, 10),
    # Pooled by 3: 28 27 9 8 2.
    "heads-softmax-sigmoid": TEMPLATE + dense(2 * 128, 10) + dense(10, 10),
    "heads-relu-sigmoid": TEMPLATE + dense(6 * 128, 10) + dense(10, 10),
    "heads-tanh": TEMPLATE + dense(6 * 128, 10),
    "heads-sigmoid-softmax-relu": TEMPLATE + dense(6 * 128, 10) + 2 * dense(10, 10),
    "conv1d-baseline": TEMPLATE + dense(6 * 128, 10),
    # 28 27 13 12 6 5 2
    "conv1d-deeper": TEMPLATE + conv1d(128, 64, 2) + norm(64) + dense(2 * 64, 10),
    "conv1d-wider": conv1d(28, 256, 2) + norm(256) + conv1d(256, 128, 2) + norm(128)
    + conv1d(128, 64, 2) + norm(64) + dense(2 * 64, 10),
    # 28 26 13 11 5 3 1
    "conv1d-kernel3": conv1d(28, 256, 3) + norm(256) + conv1d(256, 128, 3) + norm(128)
    + conv1d(128, 64, 3) + norm(64) + dense(64, 10),
    # 28 26 13 11 5 3 1, in both directions
    "conv2d-small": conv2d(1, 32, 3) + conv2d(32, 64, 3) + conv2d(64, 64, 3)
    + dense(64, 64) + dense(64, 10),
    "conv2d-medium": MEDIUM + dense(128, 10),
    "conv2d-medium-25": MEDIUM + dense(128, 10),
    "mlp-350-80": norm(784) + dense(784, 350) + dense(350, 80) + dense(80, 10),
    # 28 28 7 4 2
    "cnn-pool4": conv2d(1, 64, 4) + conv2d(64, 64, 4) + dense(4 * 64, 256) + dense(256, 84)
    + dense(84, 10),
    "mlp-tuned": SEARCHED_MLP,
    "mlp-tuned-augmented": SEARCHED_MLP,
    "cnn-tuned": SEARCHED_CNN,
    "cnn-tuned-augmented": SEARCHED_CNN,
    "cnn-basic": 54_410,
    "cnn-standard": 121_930,
}  # fmt: skip


@cache
def built(id):
    return PUBLISHED[id].build()


def values(id, attribute):
    """The attribute of every layer that has one, in order."""
    return [getattr(layer, attribute) for layer in built(id).layers if hasattr(layer, attribute)]


def kinds(id):
    return " ".join(type(layer).__name__ for layer in built(id).layers)


def test_the_twenty_and_what_was_reported():
    assert {id: dict(recipe.reported) for id, recipe in PUBLISHED.items()} == REPORTED
    assert list(PUBLISHED) == list(REPORTED), "in the order of the reports"
    assert all(recipe.id == id and recipe.source for id, recipe in PUBLISHED.items())


@pytest.mark.parametrize("id", PARAMETERS)
def test_published_model(id):
    model = built(id)
    assert model.count_params() == PARAMETERS[id]
    shape = (28, 28, 1) if PUBLISHED[id].architecture == "conv2d" else (28, 28)
    outputs = np.asarray(model(np.random.default_rng(0).random((3, *shape), "float32")))
    assert outputs.shape == (3, 10)
    if not id.startswith("heads") or id == "heads-softmax":
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)


BLOCK1D = "Conv1D MaxPooling1D Dropout BatchNormalization "
POOLED = "Conv2D MaxPooling2D "


@pytest.mark.parametrize(
    ("id", "layers", "rates", "activations"),
    [
        ("heads-softmax", 2 * BLOCK1D + "Flatten Dense", [0.2, 0.2], "linear linear softmax"),
        ("heads-softmax-sigmoid", 2 * BLOCK1D + "Flatten Dense Dense", [0.3, 0.2],
         "linear linear softmax sigmoid"),
        ("heads-relu-sigmoid", 2 * BLOCK1D + "Flatten Dense Dense", [0.2, 0.2],
         "linear linear relu sigmoid"),
        ("heads-tanh", 2 * BLOCK1D + "Flatten Dense", [0.2, 0.2], "linear linear tanh"),
        ("heads-sigmoid-softmax-relu", 2 * BLOCK1D + "Flatten Dense Dense Dense", [0.2, 0.2],
         "linear linear sigmoid softmax relu"),
        ("conv1d-kernel3", 3 * BLOCK1D + "Flatten Dense", [0.3, 0.3, 0.3],
         "linear linear linear softmax"),
        ("mlp-350-80", "Flatten BatchNormalization Dense Dropout Dense Dropout Dense", [0.1, 0.2],
         "relu relu softmax"),
        ("cnn-pool4", 2 * POOLED + "Dropout Flatten Dense Dense Dense", [0.6],
         "relu relu relu relu softmax"),
        ("mlp-tuned", "Flatten Dense Dropout Dense Dense Dense Dense", [0.3],
         "gelu gelu gelu gelu softmax"),
        ("cnn-tuned", 2 * POOLED + "Dropout " + POOLED + "Dropout Flatten Dense Dropout Dense",
         [0.2, 0.4, 0.2], "relu relu relu relu softmax"),
        ("cnn-basic", POOLED + "Flatten Dense", [], "relu softmax"),
        ("cnn-standard", 2 * POOLED + "Flatten Dense Dense", [], "relu relu relu softmax"),
    ],
)  # fmt: skip
def test_layers_in_order(id, layers, rates, activations):
    assert kinds(id) == layers
    assert values(id, "rate") == rates
    assert [function.__name__ for function in values(id, "activation")] == activations.split()


@pytest.mark.parametrize(
    ("id", "penalty"), [("mlp-350-80", 1e-6), ("cnn-pool4", 1e-4), ("mlp-tuned", None)]
)
def test_weight_penalty_on_every_dense_layer_and_no_other(id, penalty):
    for layer in built(id).layers:
        found = getattr(getattr(layer, "kernel_regularizer", None), "l2", None)
        wanted = penalty if isinstance(layer, keras.layers.Dense) else None
        assert found == pytest.approx(wanted), layer.name


def settings(ids, **stated):
    return [pytest.param(id, stated, id=id) for id in ids]


@pytest.mark.parametrize(
    ("id", "stated"),
    settings(HEADS, scaling="raw", loss="categorical_crossentropy", augmentation="none")
    + settings(KUMAR, scaling="unit", loss="categorical_crossentropy", batch_size=64)
    + settings(KUMAR[:-1], epochs=10)
    + settings(["conv2d-medium-25"], epochs=25)
    + settings(KUMAR[4:], optimizer="adam")
    + settings(["mlp-350-80"], optimizer="sgd", learning_rate=0.1, epochs=13, batch_size=32,
               validation="first 5,000")
    + settings(["cnn-pool4"], optimizer="adam", learning_rate=0.001, epochs=10, batch_size=32,
               validation="first 5,000")
    + settings(SEARCHED, learning_rate=1e-4, validation="last 20 %", epochs=100, patience=10)
    + settings(SEARCHED[::2], augmentation="none")
    + settings(SEARCHED[1::2], augmentation="pullover+shirt")
    + settings(["cnn-basic", "cnn-standard"], optimizer="adam", epochs=8, scaling="unit",
               loss="sparse_categorical_crossentropy")
    + settings(HEADS + KUMAR + ["cnn-basic", "cnn-standard"], validation="none", patience=None),
)  # fmt: skip
def test_training_as_stated(id, stated):
    assert {name: getattr(PUBLISHED[id], name) for name in stated} == stated


@pytest.mark.parametrize(
    ("optimizer", "rate", "kind", "found"),
    [
        ("sgd", 0.05, "SGD", 0.05),
        ("adam", 1e-4, "Adam", 1e-4),
        ("adadelta", 0.001, "Adadelta", 0.001),
        ("rmsprop", None, "RMSprop", 0.001),
        ("sgd", None, "SGD", 0.01),
    ],
)
def test_build_compiles_with_optimizer_and_loss(optimizer, rate, kind, found):
    recipe = Recipe(
        "any", "mlp", dict(widths=(), dropouts=()), optimizer, rate, "categorical_crossentropy"
    )
    model = recipe.build()
    assert type(model.optimizer).__name__ == kind
    assert float(model.optimizer.learning_rate) == pytest.approx(found)
    assert model.loss == "categorical_crossentropy"


def layer_kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_mlp_normalises_before_the_activation():
    model = models.mlp((8,), (0.1,), "gelu", batch_norm=False, hidden_norm=True)
    assert layer_kinds(model) == [
        "Flatten",
        "Dense",
        "BatchNormalization",
        "Activation",
        "Dropout",
        "Dense",
    ]
    assert model.layers[1].activation.__name__ == "linear"
    assert not model.layers[1].use_bias
    assert model.layers[3].activation.__name__ == "gelu"


def test_conv2d_normalises_after_pooling_and_before_the_activation():
    model = models.conv2d((4, 6), pools=(2, 1), padding="same", conv_dropouts=(0, 0.1),
                          activation="gelu", batch_norm=True)  # fmt: skip
    assert layer_kinds(model) == [
        "Conv2D", "MaxPooling2D", "BatchNormalization", "Activation",
        "Conv2D", "BatchNormalization", "Activation", "Dropout", "Flatten", "Dense",
    ]  # fmt: skip
    assert not model.layers[0].use_bias
    assert model.layers[4].output.shape == (None, 14, 14, 6)


def test_conv2d_pools_after_the_activation_if_asked():
    model = models.conv2d((4,), activation="gelu", batch_norm=True, pool_first=False)
    assert layer_kinds(model)[:4] == ["Conv2D", "BatchNormalization", "Activation", "MaxPooling2D"]
    assert layer_kinds(models.conv2d((4,), pool_first=False)) == layer_kinds(models.conv2d((4,)))


def test_fused_normalisation_gives_what_keras_s_own_gives():
    images = np.random.default_rng(0).normal(2, 3, (64, 7, 7, 5)).astype("float32")
    usual, fused = keras.layers.BatchNormalization(), models.FusedBatchNormalization()
    for _ in range(2):
        found = fused(images, training=True).numpy()
        np.testing.assert_allclose(found, usual(images, training=True), atol=1e-5)
    np.testing.assert_allclose(fused.moving_mean, usual.moving_mean, rtol=1e-5)
    # One part in (numbers - 1) more: the kernel keeps the unbiased variance.
    np.testing.assert_allclose(fused.moving_variance, usual.moving_variance, rtol=1e-3)
    np.testing.assert_allclose(fused(images), usual(images), atol=1e-2)
    assert np.abs(fused(images) - fused(images, training=True)).max() > 0.1


@pytest.mark.parametrize("kind", [True, "fused"])
def test_normalisation_keeps_the_momentum_s_share_of_its_averages(kind):
    model = models.conv2d(filters=(4,), batch_norm=kind, momentum=0.75)
    layer = model.layers[2]
    inputs = np.random.default_rng(0).normal(size=(64, 13, 13, 4)).astype(np.float32)
    layer(inputs, training=True)
    np.testing.assert_allclose(
        layer.moving_mean, 0.25 * inputs.mean(axis=(0, 1, 2)), rtol=1e-3, atol=1e-5
    )


def test_fused_normalisation_learns_as_keras_s_own_does():
    images = np.random.default_rng(0).normal(2, 3, (64, 7, 7, 5)).astype("float32")
    layers = keras.layers.BatchNormalization(), models.FusedBatchNormalization()
    slopes = []
    for layer in layers:
        layer.build(images.shape)
        layer.gamma.assign([1.0, 2.0, 0.5, 1.0, 1.0])
        given = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(given)
            total = tf.reduce_sum(tf.sin(layer(given, training=True)))
        slopes.append(tape.gradient(total, [given, layer.gamma.value, layer.beta.value]))
    for usual, fused in zip(*slopes, strict=True):
        np.testing.assert_allclose(fused, usual, rtol=1e-3, atol=1e-3)


def test_fused_normalisation_of_16_bits_keeps_its_weights_in_32(tmp_path):
    model = models.conv2d((3,), batch_norm="fused", precision="mixed_bfloat16")
    assert layer_kinds(model)[2] == "FusedBatchNormalization"
    layer = model.layers[2]
    assert layer(tf.ones((2, 3, 3, 3), tf.bfloat16)).dtype == tf.bfloat16
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    images = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(images), model(images))


def test_whitening_filters_make_neighbours_uncorrelated():
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.normal(size=(300, 28, 28)), (0, 1, 1)).astype("float32")
    found = whitening.filters(smooth, 3, least=0.0)
    assert found.shape == (3, 3, 1, 18)
    np.testing.assert_array_equal(found[..., :9], -found[..., 9:])
    model = models.conv2d((4,), whitening=3, activation="linear")
    model.layers[0].set_weights([found])
    layer = model.layers[0]
    assert not layer.trainable_weights
    answers = layer(smooth[..., None]).numpy()[:, 1:-1, 1:-1, :9].reshape(-1, 9)
    np.testing.assert_allclose(np.cov(answers, rowvar=False), np.eye(9), atol=0.02)


def test_mixed_precision_keeps_weights_and_outputs_in_32_bits():
    options = dict(filters=(3, 4), batch_norm=True, whitening=2, conv_dropouts=0.1, dense=(5,),
                   dense_dropout=0.1)  # fmt: skip
    model = models.conv2d(**options, precision="mixed_bfloat16")
    *hidden, last = model.layers
    assert {layer.compute_dtype for layer in hidden} == {"bfloat16"}
    assert last.compute_dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    plain = models.conv2d(**options)
    assert {layer.compute_dtype for layer in plain.layers} == {"float32"}
    plain.set_weights(model.get_weights())
    images = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    found, wanted = (net(images).numpy() for net in (model, plain))
    assert found.dtype == np.float32
    assert 0 < np.abs(found - wanted).max() < 0.05  # 8 bits of precision instead of 24


@pytest.mark.parametrize("hidden_norm", [True, False])
def test_a_perceptron_computes_its_hidden_layers_in_the_precision_asked_for(hidden_norm):
    options = dict(widths=(8,), dropouts=(0.1,), hidden_norm=hidden_norm, input_dropout=0.1)
    *hidden, last = models.mlp(**options, precision="mixed_bfloat16").layers
    assert {layer.compute_dtype for layer in hidden} == {"bfloat16"}
    assert last.compute_dtype == "float32"


@pytest.mark.parametrize(("top", "reduce"), [("max", np.max), ("average", np.mean)])
def test_conv2d_top_reduces_each_feature_map_to_one_number(top, reduce):
    model = models.conv2d((3,), top=top)
    maps = keras.Model(model.inputs[0], model.layers[1].output)
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    found = keras.Model(model.inputs[0], model.layers[2].output)(images).numpy()
    np.testing.assert_allclose(found, reduce(maps(images).numpy(), axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize(
    ("factory", "options"),
    [
        (models.mlp, dict(widths=(8, 8), dropouts=(0.1,))),
        (models.mlp, dict(widths=(8,))),
        (models.conv1d, dict(filters=(8, 8, 8))),
        (models.conv1d, dict(pools=(2,))),
        (models.conv1d, dict(dropouts=(0.1,))),
        (models.conv2d, dict(filters=(8, 8), kernels=(3,))),
        (models.conv2d, dict(filters=(8, 8), pools=(2, 2, 2))),
        (models.conv2d, dict(filters=(8, 8), padding=("same",))),
        (models.conv2d, dict(filters=(8, 8), conv_dropouts=(0.1,))),
    ],
)
def test_lengths_must_match(factory, options):
    with pytest.raises(ValueError, match="shorter|longer"):
        factory(**options)


def test_conv2d_one_value_for_all_blocks_or_one_for_each():
    def layout(**options):
        model = models.conv2d(filters=(2, 3), **options)
        return [
            (type(layer).__name__, layer.output.shape[1:], getattr(layer, "rate", 0))
            for layer in model.layers
        ]

    one = layout(kernels=5, pools=2, padding="same", conv_dropouts=0.1, pooling="average")
    assert one == layout(
        kernels=(5, 5), pools=[2, 2], padding=("same", "same"), conv_dropouts=(0.1, 0.1),
        pooling="average",
    )  # fmt: skip
    assert one[:4] == [
        ("Conv2D", (28, 28, 2), 0), ("AveragePooling2D", (14, 14, 2), 0),
        ("Dropout", (14, 14, 2), 0.1), ("Conv2D", (14, 14, 3), 0),
    ]  # fmt: skip


def test_but_changes_what_it_names_and_nothing_else():
    original = PUBLISHED["mlp-350-80"]
    before = (dict(original.options), dict(original.reported))
    copy = original.but("gentler", learning_rate=0.01, l2=0.0, activation="gelu")
    changed = {
        "id": "gentler",
        "learning_rate": 0.01,
        "options": {**original.options, "l2": 0.0, "activation": "gelu"},
        "reported": {},
        "source": "",
        "unstated": "",
    }
    for field in fields(Recipe):
        wanted = changed.get(field.name, getattr(original, field.name))
        assert getattr(copy, field.name) == wanted, field.name
    assert (original.options, original.reported) == before


def test_but_keeps_figures_that_it_is_given():
    copy = PUBLISHED["cnn-basic"].but("again", source="Somebody 2025", reported=report(0.9))
    assert (copy.source, copy.reported) == ("Somebody 2025", report(0.9))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scaling": "Unit"}, "scaling='Unit': choose one of unit, raw"),
        ({"validation": "last 20%"}, "choose one of first 5,000, last 20 %, none"),
        ({"augmentation": "Pullover+Shirt"}, "choose one of none, pullover"),
        ({"optimizer": "Adam"}, "choose one of adam"),
        ({"patience": 3, "validation": "none"}, "patience needs validation images"),
        ({"schedule": "cosine"}, "choose one of constant, one cycle"),
        ({"schedule": "one cycle", "learning_rate": None}, "needs a learning_rate"),
        ({"label_smoothing": 0.1}, "soft labels"),
        ({"changes": {"mixup": 0.2}}, "soft labels"),
        ({"changes": {"colour": 1}}, "changes='colour': choose from flip, rotation"),
    ],
)
def test_a_recipe_refuses_words_that_mean_nothing(changes, says):
    with pytest.raises(ValueError, match=says):
        PUBLISHED["mlp-350-80"].but("typo", **changes)


SMALL = Recipe("small", "mlp", dict(widths=(), dropouts=(), batch_norm=False), "sgd", 0.5)


def test_one_cycle_rises_for_a_fifth_of_the_steps_and_falls_to_nothing():
    optimizer = SMALL.but("cycled", schedule="one cycle").build(steps=100).optimizer
    rates = []
    for _ in range(101):
        rates.append(float(optimizer.learning_rate))
        optimizer.iterations.assign_add(1)
    assert rates[0] == 0
    assert rates[20] == pytest.approx(0.5)
    assert rates[10] == pytest.approx(0.25)
    assert rates[60] == pytest.approx(0.25)
    assert rates[100] == pytest.approx(0, abs=1e-6)
    assert np.argmax(rates) == 20


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weight_decay_shrinks_kernels_only(optimizer):
    model = SMALL.but("decayed", optimizer=optimizer, weight_decay=0.1).build()
    model.layers[-1].set_weights([np.ones((784, 10)), np.ones(10)])
    still = [keras.ops.zeros((784, 10)), keras.ops.zeros(10)]
    model.optimizer.apply(still, model.trainable_variables)
    kernel, bias = model.layers[-1].get_weights()
    assert kernel == pytest.approx(1 - 0.5 * 0.1)
    assert bias == pytest.approx(1)


def test_nesterov_has_momentum_and_looks_ahead():
    optimizer = SMALL.but("n", optimizer="nesterov").build().optimizer
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)


def test_label_smoothing_takes_from_the_true_class():
    one_hot = SMALL.but("hot", loss="categorical_crossentropy")
    smooth = one_hot.but("smooth", label_smoothing=0.1)
    truth, says = np.eye(10)[:1], np.full((1, 10), 0.01)
    says[0, 0] = 0.91
    losses = [
        float(recipe.build().compute_loss(y=truth, y_pred=says)) for recipe in (one_hot, smooth)
    ]
    assert losses[0] == pytest.approx(-np.log(0.91), rel=1e-5)
    assert losses[1] == pytest.approx(-0.91 * np.log(0.91) - 0.09 * np.log(0.01), rel=1e-5)
