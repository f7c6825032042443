"""Filters for a frozen first layer whose outputs are uncorrelated and of equal variance."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fmnist_utils.models.backend import keras

IMAGES = 5_000  # enough for the correlations of nine pixels


def fit(model: keras.Model, pixels: np.ndarray) -> None:
    """Fill the model's layer `whitening`.

    pixels: training images as the network takes them, float (n, 28, 28, 1).
    """
    layer = model.get_layer("whitening")
    layer.set_weights([filters(pixels[..., 0], layer.kernel_size[0])])


def filters(pixels: np.ndarray, size: int, least: float = 1e-3) -> np.ndarray:
    """Whitening filters of `size` × `size` pixels: float32 (size, size, 1, 2 size²).

    Each is an eigenvector of the covariance of all patches of that size, divided by the root of its
    eigenvalue; then all of them again with the other sign, as an activation would cut one away.
    pixels: (n, height, width). least: added to the eigenvalues, so that noise isn't blown up.
    Source: Page 2018, "How to train your ResNet 8"; Jordan 2024, "94 % on CIFAR-10 in 3.29
    seconds", section 3.2.
    """
    patches = sliding_window_view(pixels, (size, size), axis=(1, 2)).reshape(-1, size * size)
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    scaled = (vectors / np.sqrt(values + least)).reshape(size, size, 1, -1)
    return np.concatenate([scaled, -scaled], axis=-1).astype(np.float32)
