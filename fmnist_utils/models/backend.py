"""TensorFlow and Keras, imported without their start-up log and made repeatable.

Every other module takes `keras` and `tf` from here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def _silent_stderr() -> Iterator[None]:
    # TensorFlow writes its banner from C++ to file descriptor 2, with a time and a process
    # number in it; no Python-level setting reaches that. Exceptions still come through.
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


with _silent_stderr():
    import keras
    import tensorflow as tf
    from tensorflow.python.framework import ops

__all__ = ["forget_graphs", "keras", "make_repeatable", "tf"]


def make_repeatable(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and let TensorFlow use deterministic kernels only.

    The same seed on the same machine then gives the same weights, bit for bit.
    This is the one place where the course decides about randomness.

    seed: an integer from 0 to 2**32 - 1.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def forget_graphs() -> None:
    """Let go of the graphs in which earlier models were trained; the models themselves stay usable.

    `keras.utils.clear_session` does it, but for one thing: each graph of a training step leaves a
    gradient in TensorFlow's registry, which holds that graph, 4 to 10 MB, until the process ends
    (tensorflow/tensorflow, issue 97697). No public name takes it out again, so a TensorFlow that
    has moved its registry keeps its graphs, and nothing worse.
    """
    gradients = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    for name in [name for name in gradients if name.startswith("CustomGradient")]:
        del gradients[name]
    keras.utils.clear_session()
