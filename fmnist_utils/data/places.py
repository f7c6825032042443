"""What the course takes from its surroundings: where things are on disk, and which variables of the
environment it takes no notice of, because they would change its results.

It needs nothing but Python, so that `doctor` can say the same as a lesson.
"""

import json
import os
import re
from pathlib import Path

from fmnist_utils.messages import CourseError

FOLDERS = ("FMNIST_DATA_DIR", "FMNIST_RUNS_DIR", "KERAS_HOME")

# Variables that change what TensorFlow and Keras compute, or how. Others belong to the machine and
# are left: threads (kept in a run's record), memory, devices, logs. And Terraform's begin with TF_.
_CHANGES_RESULTS = re.compile(
    "TF_(AUTOTUNE|AUTO_MIXED|CONV2D|CUBLAS|CUDNN|DATA_EXPERIMENT|DEBUG_CUDNN|DETERMINISTIC|DISABLE"
    "|ENABLE|FP16|JIT|JITRT|MATMUL|MKL|ONEDNN|OVERRIDE|ROCM|SET|USE|XLA)_.*"
    "|(DNNL|ONEDNN)_.*|NVIDIA_TF32_OVERRIDE|KERAS_(?!HOME$|BACKEND$).*"
)


def absolute(named: str | os.PathLike, variable: str) -> Path:
    """The folder that a variable or an option names, by its absolute path, `~` put in full.

    variable: what names it, for the message ("FMNIST_RUNS_DIR", "--out").
    Raises CourseError for a name that can't be a folder's, or that can't be made absolute.
    """
    text = os.fspath(named)
    name = f"{variable}={text!r}"
    if not text or text != text.strip() or any(ord(letter) < 32 for letter in text):
        raise CourseError(
            f"{name} can't be a folder: a name has letters, and neither spaces at its ends nor "
            "line breaks; correct it."
        )
    if "://" in text:
        raise CourseError(f"{name} is an address; name a folder instead.")
    try:
        path = Path(text).expanduser()
        if text.startswith("~") and not (path.is_absolute() and _home_is_named()):
            raise RuntimeError("there is no home folder")
        path = path.absolute()
    except RuntimeError:
        raise CourseError(
            f"{name} needs a home folder that isn't there; name the folder by its absolute path."
        ) from None
    except OSError:
        raise CourseError(
            f"{name} is relative to a working folder that isn't there any more; name the folder by "
            "its absolute path."
        ) from None
    if any(len(os.fsencode(part)) > 255 for part in path.parts):
        raise CourseError(f"{name} is too long for a folder's name; choose a shorter one.")
    return path


def settle() -> None:
    """Make the folders named in the environment absolute: from now on they mean the same, whatever
    the working folder, and in the processes that are started.

    Raises CourseError for one that can't be.
    """
    for variable in FOLDERS:
        named = os.environ.get(variable)
        if named == "":  # for Keras that would be the working folder
            del os.environ[variable]
        elif named and (variable, named) != ("FMNIST_DATA_DIR", "stand-in"):
            os.environ[variable] = str(absolute(named, variable))


def data_folder() -> Path:
    """The folder of the four data files: `$FMNIST_DATA_DIR`, else Keras's cache."""
    if named := os.environ.get("FMNIST_DATA_DIR"):
        return absolute(named, "FMNIST_DATA_DIR")
    if named := os.environ.get("KERAS_HOME"):
        return absolute(named, "KERAS_HOME") / "datasets" / "fashion-mnist"
    return _home() / ".keras" / "datasets" / "fashion-mnist"


def run_store() -> Path:
    """The folder of all runs: `$FMNIST_RUNS_DIR`, else `.fmnist-course/runs` in the home folder."""
    if named := os.environ.get("FMNIST_RUNS_DIR"):
        return absolute(named, "FMNIST_RUNS_DIR")
    return _home() / ".fmnist-course" / "runs"


def keras_json() -> Path:
    """The file that Keras takes its settings from, if it is there."""
    if named := os.environ.get("KERAS_HOME"):
        return absolute(named, "KERAS_HOME") / "keras.json"
    home = os.path.expanduser("~")  # as Keras does: its word for "no home" is a folder of all users
    return Path(home if os.access(home, os.W_OK) else "/tmp", ".keras", "keras.json")


# What the course computes with, whatever keras.json asks for.
KERAS_SETTINGS = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "backend": "tensorflow",
}


def keras_settings() -> dict[str, object]:
    """What keras.json asks for: nothing, if it isn't there or no JSON, as for Keras.

    Raises CourseError if Keras doesn't start with it.
    """
    file = keras_json()
    if not os.path.exists(file):
        return {}
    try:
        asked = json.loads(file.read_text())
    except OSError as error:
        raise CourseError(
            f"{file} can't be read ({error.strerror}): correct or delete it."
        ) from None
    except ValueError:
        return {}
    if not isinstance(asked, dict):
        raise CourseError(f"Keras can't start with {file}, which names no settings: delete it.")
    given = KERAS_SETTINGS | asked
    good = {
        "floatx": given["floatx"] in ("float16", "float32", "float64"),
        "epsilon": isinstance(given["epsilon"], float),
        "image_data_format": given["image_data_format"] in ("channels_last", "channels_first"),
    }
    if bad := [f"{name} {asked[name]}" for name in good if not good[name]]:
        raise CourseError(
            f"Keras can't start with {' and '.join(bad)} in {file}: correct or delete it."
        )
    return asked


def ignored_settings() -> dict[str, str | None]:
    """The variables that are set and would change results, each with what the course puts in its
    place: a value, or None for nothing."""
    ignored: dict[str, str | None] = {}
    for name, value in sorted(os.environ.items()):
        if _CHANGES_RESULTS.fullmatch(name):
            ignored[name] = None
        elif name == "KERAS_BACKEND" and value != "tensorflow":
            ignored[name] = "tensorflow"
        elif name == "XLA_FLAGS":
            # Where CUDA is installed belongs to the machine, all else changes the compiler.
            kept = [flag for flag in value.split() if flag.startswith("--xla_gpu_cuda_data_dir")]
            if kept != value.split():
                ignored[name] = " ".join(kept) or None
        elif name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS") and not _counts(value):
            ignored[name] = None
    return ignored


def _counts(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 2**31


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads() -> int:
    """How many threads TensorFlow computes one operation with."""
    asked = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    return int(asked) if _counts(asked) else cores()


def _home() -> Path:
    home = os.path.expanduser("~")
    if not (os.path.isabs(home) and _home_is_named()):
        raise CourseError(
            "There is no home folder to keep data and finished trainings in; set HOME, or "
            "FMNIST_DATA_DIR and FMNIST_RUNS_DIR, each to a folder by its absolute path."
        )
    return Path(home)


def _home_is_named() -> bool:
    return os.environ.get("HOME") != ""  # for Python that would be the root folder
