"""Where things are on disk: the data and the finished runs."""

import os
from pathlib import Path


def data_folder() -> Path:
    """The folder of the four data files: `$FMNIST_DATA_DIR`, else Keras's cache."""
    if named := os.environ.get("FMNIST_DATA_DIR"):
        return Path(named).expanduser().absolute()
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "datasets" / "fashion-mnist"


def run_store() -> Path:
    """The folder of all runs: `$FMNIST_RUNS_DIR`, else `.fmnist-course/runs` in the home folder."""
    if named := os.environ.get("FMNIST_RUNS_DIR"):
        return Path(named).expanduser().absolute()
    return Path.home() / ".fmnist-course" / "runs"
