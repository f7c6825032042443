"""Where things are on disk: the data, the finished runs, the notebooks."""

import os
from pathlib import Path

from fmnist_utils import CourseError


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


def find_notebooks(names: list[str], folder: Path) -> list[Path]:
    """The notebooks of `folder` that `names` mean (`02`, `02_mlp`, `02_mlp.ipynb`); none: all.

    Raises CourseError for a name that is none of them, or a folder without notebooks.
    """
    known = sorted(path for path in folder.glob("*.ipynb") if not path.name.startswith("."))
    if not known:
        raise CourseError(
            f"There are no notebooks in {folder.absolute()}; start the command in the course's "
            "folder, or say where they are with --notebooks."
        )
    chosen = []
    for name in names:
        # A path is welcome (the shell completes it), but only one that leads into the folder.
        given = Path(name)
        inside = given.name == name or given.parent.resolve() == folder.resolve()
        stem = given.name.removesuffix(".ipynb")
        found = [path for path in known if path.stem == stem or path.stem.startswith(f"{stem}_")]
        if not (inside and stem and found):
            raise CourseError(
                f"{name!r} is not a notebook in {folder}; there are "
                f"{', '.join(path.stem for path in known)}."
            )
        chosen += found
    return list(dict.fromkeys(chosen)) or known
