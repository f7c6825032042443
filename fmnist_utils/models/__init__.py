"""The networks: the factories `mlp`, `conv1d` and `conv2d`; our own layer; TensorFlow's start."""

from fmnist_utils.models.factories import conv1d, conv2d, mlp

__all__ = ["conv1d", "conv2d", "mlp"]
