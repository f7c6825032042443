"""Helpers of the course *Fashion-MNIST, taught honestly*.

They load, draw, report and remember; the models and their training stay in sight. Each module or
folder here is a door with one subject; which of them may use which is written down once, as the
layers contracts in `pyproject.toml`.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fmnist_utils.data import Dataset
    from fmnist_utils.profiles import Profile

__version__ = "0.2.0"

if sys.version_info < (3, 11):  # noqa: UP036 - where pip was not asked, Python itself must say it
    sys.exit(
        f"fmnist_utils needs Python 3.11 or newer; this is Python {sys.version.split()[0]}. "
        "Make a new environment with a newer Python, then install the course again."
    )

from fmnist_utils.messages import CourseError

__all__ = ["CourseError", "setup"]


def setup(profile: "str | Profile" = "", seed: int | str = 0) -> "tuple[Profile, int, Dataset]":
    """Begin a lesson: check its two parameters, load the data, and sign figures with both.

    profile: "smoke", "lesson" or "full"; empty: `$FMNIST_PROFILE`, else "lesson". seed: a whole
    number from 0 to 4294967295, as papermill hands it on, in digits, too.
    Returns the `profiles.Profile`, the seed as an int, and the `data.Dataset`. Raises CourseError
    for a profile or seed that doesn't exist, and for data that can't be had.
    """
    # Here, so that the command line answers without loading what draws figures.
    from fmnist_utils import data, plots, profiles

    chosen, seed = profiles.named(profile), profiles.check_seed(seed)
    dataset = data.load(chosen)
    plots.sign_this_run(chosen, dataset)
    return chosen, seed, dataset
