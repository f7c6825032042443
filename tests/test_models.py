"""The networks' factories, our own normalisation, whitening filters, numbers of 16 bits."""

import numpy as np
import pytest
from scipy import ndimage

from fmnist_utils import models
from fmnist_utils.models import whitening
from fmnist_utils.models.backend import keras, tf
from fmnist_utils.models.layers import FusedBatchNormalization


def kinds(model):
    return " ".join(type(layer).__name__ for layer in model.layers)


def test_mlp_normalises_before_the_activation():
    options = dict(batch_norm=False, hidden_norm=True, input_dropout=0.2)
    model = models.mlp((8,), (0.1,), "gelu", **options)
    assert kinds(model) == "Flatten Dropout Dense BatchNormalization Activation Dropout Dense"
    assert [model.layers[n].rate for n in (1, 5)] == [0.2, 0.1]
    assert model.layers[2].activation.__name__ == "linear"
    assert not model.layers[2].use_bias
    assert model.layers[4].activation.__name__ == "gelu"


def test_conv1d_by_hand():
    """A kernel of 3 over rows, padded with nothing but zeros, then the positive part."""
    model = models.conv1d((2,), 3, (2,), (0.0,), "relu", "same")
    images = np.random.default_rng(0).normal(size=(2, 28, 28)).astype("float32")
    kernel, bias = model.layers[0].get_weights()
    rows = np.pad(images, ((0, 0), (1, 1), (0, 0)))
    sums = sum(rows[:, i : i + 28] @ kernel[i] for i in range(3)) + bias
    np.testing.assert_allclose(model.layers[0](images), sums.clip(min=0), atol=1e-5)


def test_conv2d_normalises_after_pooling_and_before_the_activation():
    settings = dict(pools=(2, 1), padding="same", conv_dropouts=(0, 0.1), activation="gelu")
    model = models.conv2d((4, 6), batch_norm=True, **settings)
    assert kinds(model) == (
        "Conv2D MaxPooling2D BatchNormalization Activation "
        "Conv2D BatchNormalization Activation Dropout Flatten Dense"
    )
    assert not model.layers[0].use_bias
    assert model.layers[4].output.shape == (None, 14, 14, 6)


def test_conv2d_pools_after_the_activation_if_asked():
    model = models.conv2d((4,), activation="gelu", batch_norm=True, pool_first=False)
    assert kinds(model).startswith("Conv2D BatchNormalization Activation MaxPooling2D ")
    assert kinds(models.conv2d((4,), pool_first=False)) == kinds(models.conv2d((4,)))


def test_fused_normalisation_gives_what_keras_s_own_gives():
    images = np.random.default_rng(0).normal(2, 3, (64, 7, 7, 5)).astype("float32")
    usual, fused = keras.layers.BatchNormalization(), FusedBatchNormalization()
    for _ in range(2):
        found = fused(images, training=True).numpy()
        np.testing.assert_allclose(found, usual(images, training=True), atol=1e-5)
    np.testing.assert_allclose(fused.moving_mean, usual.moving_mean, rtol=1e-5)
    # One part in (numbers - 1) more: the kernel keeps the unbiased variance.
    np.testing.assert_allclose(fused.moving_variance, usual.moving_variance, rtol=1e-3)
    np.testing.assert_allclose(fused(images), usual(images), atol=1e-2)
    assert np.abs(fused(images) - fused(images, training=True)).max() > 0.1
    fused.trainable, kept = False, fused.moving_mean.numpy()
    np.testing.assert_array_equal(fused(images, training=True), fused(images))
    np.testing.assert_array_equal(fused.moving_mean, kept, "frozen")


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
    layers = keras.layers.BatchNormalization(), FusedBatchNormalization()
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
    layer = model.layers[2]
    assert isinstance(layer, FusedBatchNormalization)
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
    assert (found.shape, found.dtype) == ((3, 3, 1, 18), np.float32)
    np.testing.assert_array_equal(found[..., :9], -found[..., 9:])
    faint = np.abs(whitening.filters(1e-4 * smooth, 3)).max()
    assert faint <= 1 / np.sqrt(1e-3), "noise isn't blown up"
    model = models.conv2d((4,), whitening=3, activation="linear")
    layer = model.layers[0]
    assert not layer.trainable_weights
    layer.set_weights([found])
    answers = layer(smooth[..., None]).numpy()[:, 1:-1, 1:-1, :9].reshape(-1, 9)
    np.testing.assert_allclose(np.cov(answers, rowvar=False), np.eye(9), atol=0.02)
    whitening.fit(model, smooth[..., None])
    np.testing.assert_array_equal(layer.get_weights()[0], whitening.filters(smooth, 3))


def test_whitening_does_not_blow_up_what_hardly_varies():
    """By hand: four pixels that vary as one have the eigenvalues 4 and three times 0."""
    pixels = np.ones((1000, 2, 2), np.float32)
    pixels[::2] = -1
    found = whitening.filters(pixels, 2)[..., 0, :4].reshape(4, 4)
    lengths = sorted(np.linalg.norm(found, axis=0))
    eigenvalues = [4 * 1000 / 999, 0, 0, 0]
    assert lengths == pytest.approx([(one + 0.001) ** -0.5 for one in eigenvalues], rel=1e-3)


def test_mixed_precision_keeps_weights_and_outputs_in_32_bits():
    dropouts = dict(conv_dropouts=0.1, dense_dropout=0.1)
    options = dict(filters=(3, 4), batch_norm=True, whitening=2, dense=(5,)) | dropouts
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


@pytest.mark.parametrize("factory", [models.mlp, models.conv1d, models.conv2d])
def test_lengths_must_match(factory):
    one = dict(conv_dropouts=(0.1,)) if factory is models.conv2d else dict(dropouts=(0.1,))
    with pytest.raises(ValueError, match="shorter|longer"):
        factory((8, 8), **one)


def test_conv2d_one_value_for_all_blocks_or_one_for_each():
    def layout(**options):
        model = models.conv2d(filters=(2, 3), pooling="average", **options)
        return [
            (type(layer).__name__, layer.output.shape[1:], getattr(layer, "rate", 0))
            for layer in model.layers
        ]

    one = layout(kernels=5, pools=2, padding="same", conv_dropouts=0.1)
    each = dict(kernels=(5, 5), pools=[2, 2], padding=("same", "same"), conv_dropouts=(0.1, 0.1))
    assert one == layout(**each)
    assert one[:4] == [
        ("Conv2D", (28, 28, 2), 0),
        ("AveragePooling2D", (14, 14, 2), 0),
        ("Dropout", (14, 14, 2), 0.1),
        ("Conv2D", (14, 14, 3), 0),
    ]


def test_a_cell_that_makes_its_models_again_is_not_warned(caplog):
    for _ in range(12):  # TensorFlow warns from the fifth on
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0)
        model.predict(np.zeros((4, 2)), verbose=0)
    tf.get_logger().warning("another warning")
    assert "another warning" in caplog.text
    assert "retracing" not in caplog.text
