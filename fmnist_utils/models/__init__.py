"""The networks: the factories `mlp`, `conv1d` and `conv2d`; those that come trained, `shipped`; our
own layer; TensorFlow's start."""

from fmnist_utils.models.factories import conv1d, conv2d, mlp
from fmnist_utils.models.ready import card, shipped

__all__ = ["card", "conv1d", "conv2d", "mlp", "shipped"]
