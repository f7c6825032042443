"""What else one would pick: test accuracy against minutes of training, beside the course's models.

Five networks by their public recipes, written anew in Keras and trained by its `fit`. Each is
trained for a few numbers of epochs, its schedule stretched to that length (but Géron's, whose
epochs are long, for the published ten only): every training is one point (minutes, test accuracy).
No test accuracy has chosen anything here: networks, recipes and numbers of epochs were fixed before
a network's first run, from the sources that the comments name; all of it is reported. All train on
all 60,000 images, watch none, and open the test set once, after the last epoch.

Each training has a process of its own, one after the other. As soon as it is done it is a row of
`frontier.csv` in the reference, and no row that is there is trained again. It takes hours, so
`make bench` leaves it out. The machine may be busy meanwhile: what an epoch takes, `epochs.py`
measures apart from it, in turns.

    python benchmarks/frontier.py [NETWORK…] [--epochs N…] [--seeds N…] [--images N]
"""

import argparse
import ast
import csv
import inspect
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pandas as pd

from fmnist_utils import data, training
from fmnist_utils.data import ImageSet
from fmnist_utils.models import whitening
from fmnist_utils.models.backend import keras, tf
from fmnist_utils.profiles import PROFILES
from fmnist_utils.reference import tables
from fmnist_utils.runs import files
from fmnist_utils.training import loop

layers, schedules = keras.layers, keras.optimizers.schedules
TRAININGS = tables.FOLDER / "frontier.csv"
KEY = ["model", "epochs", "seed", "images"]


def unit(images: np.ndarray, train: np.ndarray) -> np.ndarray:
    return images[..., None].astype("float32") / 255


def centred(images: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Less the mean of each pixel over the training images."""
    return unit(images, train) - train.mean(axis=0, dtype="float32")[..., None] / 255


def standard(images: np.ndarray, train: np.ndarray) -> np.ndarray:
    return (unit(images, train) - loop.MEAN) / loop.DEVIATION


def compiled(model: keras.Model, optimizer: str | keras.optimizers.Optimizer) -> keras.Model:
    # Of scores or of probabilities, as the source may have it: that is the same training.
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


# TensorFlow 2 quickstart for beginners, tensorflow.org/tutorials/quickstart/beginner: Adam, batches
# of 32, 5 epochs.
def tutorial(pixels: np.ndarray, steps: int) -> keras.Model:
    chain = [
        keras.Input((28, 28, 1)),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10),
    ]
    return compiled(keras.Sequential(chain), "adam")


# LeNet-5 (LeCun et al. 1998) as it is written today, with ReLU, max pooling and Adam:
# github.com/activatedgeek/LeNet-5, commit 033c6f3, batches of 256, 15 epochs. It enlarges images to
# 32 × 32; we pad them, as d2l.ai (section 7.6) does. (That book keeps the sigmoids and the average
# pooling of 1998, and says that these two work better: so they are the rival.)
def lenet(pixels: np.ndarray, steps: int) -> keras.Model:
    chain = [
        keras.Input((28, 28, 1)),
        layers.Conv2D(6, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 5, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(120, activation="relu"),
        layers.Dense(84, activation="relu"),
        layers.Dense(10),
    ]
    return compiled(keras.Sequential(chain), keras.optimizers.Adam(2e-3))


# Géron, "Hands-On Machine Learning", third edition 2022, chapter 14, "Tackling Fashion MNIST with a
# CNN"; github.com/ageron/handson-ml3, 14_deep_computer_vision_with_cnns.ipynb: Nadam, batches of
# 32, 10 epochs. (He holds 5,000 images out; here nothing is.)
def geron(pixels: np.ndarray, steps: int) -> keras.Model:
    he = dict(activation="relu", kernel_initializer="he_normal")
    chain = [keras.Input((28, 28, 1)), layers.Conv2D(64, 7, padding="same", **he)]
    for width in (128, 256):
        chain.append(layers.MaxPooling2D())
        chain += [layers.Conv2D(width, 3, padding="same", **he) for _ in range(2)]
    chain += [layers.MaxPooling2D(), layers.Flatten()]
    for width in (128, 64):
        chain += [layers.Dense(width, **he), layers.Dropout(0.5)]
    return compiled(keras.Sequential([*chain, layers.Dense(10)]), "nadam")


# He et al. 2015, "Deep residual learning for image recognition", section 4.2, for CIFAR-10: 20
# layers, shortcuts without parameters, each pixel's mean subtracted, batches of 128, momentum 0.9,
# learning rate 0.1, divided by 10 after one half and after three quarters of all steps; padded by
# 4, cut out at random, mirrored at random. They take 64,000 steps.
def resnet20(pixels: np.ndarray, steps: int) -> keras.Model:
    # Their weight decay, 1e-4, is added to the gradient, and Keras's L2 has a gradient of 2 · l2.
    given = dict(kernel_initializer="he_normal", kernel_regularizer=keras.regularizers.L2(1e-4 / 2))

    def normed(x: keras.KerasTensor, width: int, stride: int = 1) -> keras.KerasTensor:
        x = layers.Conv2D(width, 3, stride, padding="same", use_bias=False, **given)(x)
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)

    image = keras.Input((28, 28, 1))
    x = layers.ReLU()(normed(image, 16))
    for width in (16, 32, 64):
        for block in range(3):
            stride = 2 if width > 16 and block == 0 else 1
            y = normed(layers.ReLU()(normed(x, width, stride)), width)
            if stride == 2:
                x = keras.ops.pad(x[:, ::2, ::2], [(0, 0)] * 3 + [(0, width // 2)])
            x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Dense(10, **given)(layers.GlobalAveragePooling2D()(x))
    rate = schedules.PiecewiseConstantDecay([steps // 2, steps * 3 // 4], [0.1, 0.01, 0.001])
    return compiled(keras.Model(image, x), keras.optimizers.SGD(rate, momentum=0.9))


# Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds on a single GPU" (arXiv 2404.00498), airbench94, in
# its author's short form without lookahead: github.com/KellerJordan/research-airbench,
# clean_airbench.py, commit 23f3c7e. Batches of 1000, 10 epochs, images moved by up to 2 pixels and
# mirrored in every other epoch; ten views averaged in the test. With one channel instead of three,
# the frozen first layer has 8 filters instead of 24. It computes with 16 bits, and so do we.
def airbench(pixels: np.ndarray, steps: int) -> keras.Model:
    half = dict(dtype="mixed_bfloat16")
    uniform = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")  # as in PyTorch

    def identity(shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        """The first filters hand on one feature map each."""
        kernel = np.array(uniform(shape))
        kernel[..., : shape[2]] = 0
        kernel[1, 1, range(shape[2]), range(shape[2])] = 1
        return kernel

    def convolved(width: int) -> layers.Layer:
        settings = dict(padding="same", use_bias=False, kernel_initializer=identity)
        return layers.Conv2D(width, 3, **settings, **half)

    def normed() -> list[layers.Layer]:  # BatchNormalization itself computes with 32 bits
        norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-12, scale=False, **half)
        return [norm, layers.Activation(gelu, **half)]

    def gelu(x: tf.Tensor) -> tf.Tensor:
        return keras.activations.gelu(x, approximate=False)

    filters = whitening.filters(pixels[: whitening.IMAGES, ..., 0], 2, least=5e-4)
    chain = [keras.Input((28, 28, 1)), Whitening(filters, **half), layers.Activation(gelu, **half)]
    for width in (64, 256, 256):
        chain += [convolved(width), layers.MaxPooling2D(**half), *normed()]
        chain += [convolved(width), *normed()]
    chain += [layers.MaxPooling2D(3, **half), layers.Flatten(**half)]
    chain += [layers.Dense(10, use_bias=False, kernel_initializer=uniform, **half)]
    model = keras.Sequential([*chain, layers.Rescaling(1 / 9, dtype="float32")])

    def smoothed(labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
        targets = tf.one_hot(tf.cast(tf.reshape(labels, [-1]), tf.int32), 10)
        return keras.losses.categorical_crossentropy(targets, scores, True, label_smoothing=0.2)

    model.compile(Airbench(steps), smoothed, metrics=["accuracy"])
    return model


class Whitening(layers.Layer):
    """The frozen filters, with biases that are learned."""

    def __init__(self, filters: np.ndarray, **others: object) -> None:
        super().__init__(**others)
        self.filters = filters

    def build(self, shape: tuple[int, ...]) -> None:
        fixed = keras.initializers.Constant(self.filters)
        self.kernel = self.add_weight(self.filters.shape, fixed, trainable=False)
        self.bias = self.add_weight(self.filters.shape[-1:], "zeros")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return keras.ops.conv(x, self.kernel) + self.bias


class Airbench(keras.optimizers.SGD):
    """Nesterov's momentum; the biases of batch normalisation learn 64 times as fast."""

    def __init__(self, steps: int) -> None:
        # The source gives 10, and the decay of 0.015, for 1,024 images and for no momentum.
        scale = 1000 / (1024 * (1 + 1 / (1 - 0.85)))
        super().__init__(Triangle(10.0 * scale, steps), momentum=0.85, nesterov=True)

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, rate: tf.Tensor) -> None:
        faster = 64.0 if "/beta" in variable.name else 1.0
        # Each weight loses the same share in a step, biases as well.
        gradient += 0.015 / 10.0 / faster * variable
        super().update_step(gradient, variable, faster * rate)


class Triangle(schedules.LearningRateSchedule):
    """From a fifth of its peak up to it in the first fifth of all steps, and down to 0."""

    def __init__(self, peak: float, steps: int) -> None:
        self.peak, self.steps = peak, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        done = tf.cast(step, tf.float32) / self.steps
        return self.peak * tf.minimum(0.2 + 0.8 * done / 0.2, (1 - done) / 0.8)


@dataclass
class Peer:
    """A network by its public recipe.

    build: from the training images' pixels and the number of steps, the compiled model.
    epochs: the numbers of epochs that are trained; the published one among them where it's short.
    scaling: pixels from the images and the training images.
    move: pixels by which an image is moved at most; what comes in is `border`, for `tf.pad`.
    flip: "" (not mirrored; nor moved then), "random" or "alternating".
    averaged: whether the recipe's own test averages several views of each image.
    """

    build: Callable[[np.ndarray, int], keras.Model]
    epochs: tuple[int, ...]
    batch_size: int = 32
    scaling: Callable[[np.ndarray, np.ndarray], np.ndarray] = unit
    move: int = 0
    border: str = "CONSTANT"
    flip: str = ""
    averaged: bool = False


PEERS = {
    "tensorflow-tutorial": Peer(tutorial, (5, 15, 45)),
    "lenet-5": Peer(lenet, (5, 15, 45), 256),
    "geron-cnn": Peer(geron, (10,)),
    "resnet-20": Peer(resnet20, (5, 15), 128, centred, 4, flip="random"),
    "airbench": Peer(airbench, (5, 10, 20), 1000, standard, 2, "REFLECT", "alternating", True),
}


def batches(
    peer: Peer, pixels: np.ndarray, labels: np.ndarray, epochs: int, seed: int
) -> tf.data.Dataset:
    """The batches of all epochs, one after the other, each image mirrored and moved anew."""
    rng, n = np.random.default_rng(seed), len(labels)
    order = np.concatenate([rng.permutation(n) for _ in range(epochs)])
    down, right = rng.integers(0, 2 * peer.move + 1, (2, epochs * n))
    mirrored = rng.random(epochs * n) < 0.5
    if peer.flip == "alternating":  # mirrored in the first epoch, or not, and then in turns
        mirrored = mirrored[:n][order] ^ (np.arange(epochs * n) // n % 2 == 1)
    margin = (peer.move, peer.move)
    padded = tf.pad(pixels, [(0, 0), margin, margin, (0, 0)], peer.border)
    places = np.arange(28)

    def batch(chosen: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor, flip: tf.Tensor) -> tuple:
        across = tf.where(flip[:, None], places[::-1], places) + columns[:, None]
        images = tf.gather(padded, chosen)
        images = tf.gather(images, rows[:, None] + places, axis=1, batch_dims=1)
        return tf.gather(images, across, axis=2, batch_dims=1), tf.gather(labels, chosen)

    drawn = tf.data.Dataset.from_tensor_slices((order, down, right, mirrored))
    return drawn.batch(peer.batch_size).map(batch, tf.data.AUTOTUNE).prefetch(2)


def fit_peer(
    peer: Peer, train: ImageSet, epochs: int, seed: int, *callbacks: keras.callbacks.Callback
) -> keras.Model:
    """The trained model."""
    keras.utils.set_random_seed(seed)
    pixels, labels = peer.scaling(train.images, train.images), train.labels.astype("int32")
    model = peer.build(pixels, -(-epochs * len(labels) // peer.batch_size))
    if peer.flip:  # all epochs are one long one
        model.fit(
            batches(peer, pixels, labels, epochs, seed),
            shuffle=False,
            verbose=0,
            callbacks=list(callbacks),
        )
    else:
        model.fit(pixels, labels, peer.batch_size, epochs, verbose=0, callbacks=list(callbacks))
    return model


def recipe_key(name: str) -> str:
    """Eight digits for all of this file that determines a network's training, but its epochs, seed
    and images: the code, without comments, and the settings."""
    peer = PEERS[name]
    code = [peer.build, unit, peer.scaling, compiled, batches, fit_peer]
    if peer.build is airbench:
        code += [Whitening, Airbench, Triangle]
    source = [ast.unparse(ast.parse(inspect.getsource(part))) for part in code]
    settings = [peer.batch_size, peer.move, peer.border, peer.flip]
    return files.digest({"code": source, "settings": settings})


def trained(name: str, epochs: int, seed: int, images: int) -> dict[str, object]:
    """Train one network, test it once: a row."""
    dataset, peer = data.load(PROFILES["full"]), PEERS[name]
    train, test = dataset.train.take(range(images)), dataset.test
    model = fit_peer(peer, train, epochs, seed)

    def outputs(seen: np.ndarray) -> np.ndarray:
        return model.predict(peer.scaling(seen, train.images), batch_size=250, verbose=0)

    def accuracy(found: np.ndarray) -> float:
        return float((found.argmax(axis=1) == test.labels).mean())

    views = [(share, outputs(seen)) for share, seen in training.views(test.images) if peer.averaged]
    return {
        **dict(zip(KEY, (name, epochs, seed, images), strict=True)),
        "parameters": model.count_params(),
        "test_accuracy": accuracy(outputs(test.images)),
        "averaged_accuracy": accuracy(sum(share * out for share, out in views)) if views else "",
        "key": recipe_key(name),
    }


def keep(row: dict[str, object]) -> None:
    new = not TRAININGS.exists()
    with TRAININGS.open("a", newline="") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def train(names: list[str], epochs: list[int], seeds: list[int], images: int) -> None:
    todo = [
        (name, number, seed, images)
        for seed in seeds
        for name in names or PEERS
        for number in epochs or PEERS[name].epochs
    ]
    known = set()
    if TRAININGS.exists():
        known = set(pd.read_csv(TRAININGS)[KEY].itertuples(index=False, name=None))
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for row in todo:
            if row not in known:
                done = pool.submit(trained, *row).result()
                if images == 60_000:
                    keep(done)
                print(*done.values(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--epochs", nargs="+", type=int, help="instead of each network's own")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--images", type=int, default=60_000, help="so many, for a try: not kept")
    asked = parser.parse_args()
    train(asked.networks, asked.epochs, asked.seeds, asked.images)


if __name__ == "__main__":
    main()
