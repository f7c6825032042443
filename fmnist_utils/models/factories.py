"""The factories that build the course's networks: `mlp`, `conv1d` and `conv2d`.

Each lesson writes its first model out by hand, layer by layer; the variants come from here,
so that two of them differ in nothing but the arguments that differ.
"""

from collections.abc import Sequence

from fmnist_utils.models.backend import keras
from fmnist_utils.models.layers import FusedBatchNormalization

layers = keras.layers


def mlp(
    widths: Sequence[int] = (350, 80),
    dropouts: Sequence[float] = (0.1, 0.2),
    activation: str = "relu",
    l2: float = 0.0,
    batch_norm: bool = True,
    hidden_norm: bool = False,
    input_dropout: float = 0.0,
    precision: str = "float32",
) -> keras.Model:
    """A multilayer perceptron: images (28, 28) in, 10 class probabilities out.

    widths: units of each hidden Dense layer; dropouts: the rate after each of them.
    l2: weight penalty on every Dense kernel, the output layer's included.
    batch_norm: batch normalisation of the 784 pixels, before the first layer.
    hidden_norm: batch normalisation between each hidden layer and its activation.
    input_dropout: the share of pixels that are dropped in training.
    precision: "mixed_bfloat16" computes all but the last layer in numbers of 16 bits, which some
        processors multiply twice as fast; the weights keep their 32 bits.
    """
    dtype = dict(dtype=precision)
    penalty = keras.regularizers.L2(l2) if l2 else None
    model = keras.Sequential([keras.Input((28, 28)), layers.Flatten(**dtype)])
    if batch_norm:
        model.add(layers.BatchNormalization(**dtype))
    if input_dropout:
        model.add(layers.Dropout(input_dropout, **dtype))
    for width, rate in zip(widths, dropouts, strict=True):
        if hidden_norm:
            model.add(layers.Dense(width, use_bias=False, kernel_regularizer=penalty, **dtype))
            model.add(layers.BatchNormalization(**dtype))
            model.add(layers.Activation(activation, **dtype))
        else:
            model.add(
                layers.Dense(width, activation=activation, kernel_regularizer=penalty, **dtype)
            )
        if rate:
            model.add(layers.Dropout(rate, **dtype))
    model.add(layers.Dense(10, activation="softmax", kernel_regularizer=penalty))
    return model


def conv1d(
    filters: Sequence[int] = (236, 128),
    kernel: int = 2,
    pools: Sequence[int] = (2, 2),
    dropouts: Sequence[float] = (0.2, 0.2),
    activation: str | None = None,
    padding: str = "valid",
    head: Sequence[str] = ("softmax",),
) -> keras.Model:
    """A network of 1-D convolutions: images (28, 28), read as 28 steps of 28 features.

    Each block is Conv1D · MaxPooling1D · Dropout · BatchNormalization. `activation` is None
    in the template of two reports: their convolutions are linear.
    head: the activations of the closing Dense(10) layers, one layer for each.
    """
    model = keras.Sequential([keras.Input((28, 28))])
    for width, pool, rate in zip(filters, pools, dropouts, strict=True):
        model.add(layers.Conv1D(width, kernel, padding=padding, activation=activation))
        model.add(layers.MaxPooling1D(pool))
        model.add(layers.Dropout(rate))
        model.add(layers.BatchNormalization())
    model.add(layers.Flatten())
    for name in head:
        model.add(layers.Dense(10, activation=name))
    return model


def conv2d(
    filters: Sequence[int] = (32,),
    kernels: Sequence[int] | int = 3,
    pools: Sequence[int] | int = 2,
    padding: Sequence[str] | str = "valid",
    pooling: str = "max",
    conv_dropouts: Sequence[float] | float = 0.0,
    dense: Sequence[int] = (),
    dense_dropout: float = 0.0,
    activation: str = "relu",
    l2: float = 0.0,
    batch_norm: bool | str = False,
    momentum: float = 0.99,
    pool_first: bool = True,
    whitening: int = 0,
    top: str = "flatten",
    precision: str = "float32",
) -> keras.Model:
    """A network of 2-D convolutions: images (28, 28, 1) in, 10 class probabilities out.

    Each block is Conv2D · pooling ("max" or "average") · Dropout; then `top` ("flatten", or the
    largest or mean value of each feature map: "max", "average"), the `dense` layers, one Dropout,
    and Dense(10, softmax). `kernels`, `pools`, `padding` and `conv_dropouts` take one value for
    all blocks or one for each; a pool of 1 is none.
    l2: weight penalty on every Dense kernel, the output layer's included.
    batch_norm: Conv2D · pooling · BatchNormalization · activation · Dropout instead. Pooling
        first spares the other two most of their work; `pool_first=False` puts it behind them.
        "fused": the same, several times as fast; see FusedBatchNormalization.
    momentum: the share of its running averages that batch normalisation keeps at each step; less
        for trainings of a hundred steps, after which a third of the start would still be in them.
    whitening: a frozen first convolution of this kernel size, which training fills with filters
        that make neighbouring pixels uncorrelated; see `whitening.filters`.
    precision: as for `mlp`.
    """
    dtype = dict(dtype=precision)

    def per_block(value: object) -> Sequence:
        return value if isinstance(value, (list, tuple)) else (value,) * len(filters)

    pool_layer = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}[pooling]
    penalty = keras.regularizers.L2(l2) if l2 else None
    model = keras.Sequential([keras.Input((28, 28, 1))])
    if whitening:
        model.add(
            layers.Conv2D(
                2 * whitening**2,
                whitening,
                padding="same",
                use_bias=False,
                activation=activation,
                trainable=False,
                name="whitening",
                **dtype,
            )
        )
    settings = (kernels, pools, padding, conv_dropouts)
    for width, kernel, pool, pad, rate in zip(filters, *map(per_block, settings), strict=True):
        early = dict(use_bias=False) if batch_norm else dict(activation=activation)
        model.add(layers.Conv2D(width, kernel, padding=pad, **early, **dtype))
        if pool > 1 and (pool_first or not batch_norm):
            model.add(pool_layer(pool, **dtype))
        if batch_norm:
            model.add(
                FusedBatchNormalization(momentum=momentum)
                if batch_norm == "fused"
                else layers.BatchNormalization(momentum=momentum, **dtype)
            )
            model.add(layers.Activation(activation, **dtype))
            if pool > 1 and not pool_first:
                model.add(pool_layer(pool, **dtype))
        if rate:
            model.add(layers.Dropout(rate, **dtype))
    top_layer = {
        "flatten": layers.Flatten,
        "max": layers.GlobalMaxPooling2D,
        "average": layers.GlobalAveragePooling2D,
    }[top]
    model.add(top_layer(**dtype))
    for units in dense:
        model.add(layers.Dense(units, activation=activation, kernel_regularizer=penalty, **dtype))
    if dense_dropout:
        model.add(layers.Dropout(dense_dropout, **dtype))
    model.add(layers.Dense(10, activation="softmax", kernel_regularizer=penalty))
    return model
