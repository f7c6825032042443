"""TensorFlow and Keras, imported without their start-up log, with the course's settings, and made
repeatable.

Every other module takes `keras` and `tf` from here. Whatever keras.json or the environment ask for,
a recipe gives the same model; how many threads compute it, and on what, belongs to the machine.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fmnist_utils.data import places
from fmnist_utils.messages import CourseError

places.settle()
places.keras_settings()  # refused where Keras would stop
_ignored = places.ignored_settings()
if "tensorflow" in sys.modules:  # it has heard them already
    _heard = [name for name in _ignored if not name.startswith("KERAS_")]
    if _heard:
        raise CourseError(
            f"TensorFlow was started before the course, with {' and '.join(_heard)} set, which may "
            "change results: restart the kernel and let the course's imports be the first."
        )
for _name, _value in _ignored.items():
    os.environ.pop(_name)
    if _value:
        os.environ[_name] = _value
os.environ["KERAS_BACKEND"] = "tensorflow"  # keras.json may name another one
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

    if (_backend := keras.config.backend()) != "tensorflow":
        raise CourseError(
            f"Keras was started before the course, with {_backend} instead of TensorFlow: restart "
            "the kernel and let the course's imports be the first."
        )
    import tensorflow as tf
    from tensorflow.python.framework import ops

__all__ = ["forget_graphs", "keras", "make_repeatable", "tf"]


def _take_own_settings() -> None:
    """Keras as it is delivered, whatever keras.json, the environment or a cell have set."""
    own = places.KERAS_SETTINGS
    keras.config.set_floatx(own["floatx"])
    keras.config.set_epsilon(own["epsilon"])
    keras.config.set_image_data_format(own["image_data_format"])
    keras.config.set_dtype_policy(own["floatx"])
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


_take_own_settings()
# Keras makes a graph for each new model, which is all that a lesson's cell does that is run again.
tf.get_logger().addFilter(lambda said: "triggered tf.function retracing" not in said.getMessage())


def make_repeatable(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and let TensorFlow use deterministic kernels only.

    The same seed on the same machine then gives the same weights, bit for bit.
    This is the one place where the course decides about randomness. Keras computes with 32 bits
    again, too, if a cell has asked for something else meanwhile.

    seed: an integer from 0 to 2**32 - 1.
    """
    _take_own_settings()
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
