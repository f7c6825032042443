"""The searches for hyperparameters that the course has made, trial by trial, in `searches/`.

`search-mlp`, `search-cnn`: the published searches with KerasTuner, at the profile `full`.
`tuners`: random search, a Bayesian method and Hyperband with Optuna, side by side at about equal
cost, eight seeds each, at the profile `lesson`.
`course-mlp`: the Bayesian method once more in the same space, at the profile `full`.
"""

from pathlib import Path

import pandas as pd

from fmnist_utils.messages import CourseError
from fmnist_utils.reference import tables

PUBLISHED_SEARCHES = ("search-mlp", "search-cnn")
SEARCHES = (*PUBLISHED_SEARCHES, "tuners", "course-mlp")
TUNER_SEEDS = range(8)
FINISHED_SEEDS = range(3)  # whose pruned trials are trained to the end, to see what pruning costs


def file(name: str) -> Path:
    return tables.FOLDER / "searches" / f"{name}.csv"


def search(name: str) -> pd.DataFrame:
    """One row a trial: trial, hyperparameters, val_accuracy, epochs, seconds; val_loss of the
    published searches; state of the others; and of `tuners` method, seed and finished, what a
    trial reaches after all epochs, also if it was ended early (where its search was one of
    FINISHED_SEEDS). key stands for what determines a trial.

    Raises CourseError if the search hasn't been made, or its file is no table.
    """
    try:
        return pd.read_csv(file(name))
    except (OSError, ValueError) as error:
        raise CourseError(
            f"There is no search in {file(name)} ({type(error).__name__}); "
            f"`python -m fmnist_utils reproduce {name}` makes it."
        ) from None
