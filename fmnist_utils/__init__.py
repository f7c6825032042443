"""Helpers of the course *Fashion-MNIST, taught honestly*.

They load, draw, report and remember; the models and their training stay in sight.
The modules know each other in one direction only:

    data → models → training → runs → evaluation → plots

and the notebooks and the command line (`python -m fmnist_utils`) stand above them all.
"""

import sys
import warnings

__version__ = "0.1.0"

if sys.version_info < (3, 11):  # noqa: UP036 - where pip was not asked, Python itself must say it
    sys.exit(
        f"fmnist_utils needs Python 3.11 or newer; this is Python {sys.version.split()[0]}. "
        "Make a new environment with a newer Python, then install the course again."
    )

# Optuna brings tqdm, which complains in a kernel without ipywidgets that it can't draw its bars.
warnings.filterwarnings("ignore", message="IProgress not found")


class CourseError(Exception):
    """Something that the reader can put right: one sentence says what, where and how."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback: in a notebook, too, one sentence is enough.
        return [f"{type(self).__name__}: {self}"]
