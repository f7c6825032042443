"""Searches kept in `reference/searches/`, trial by trial, so that lessons show them at once.

`search-mlp`, `search-cnn`: the published searches with KerasTuner, at the profile `full`.
`tuners`: random search and a Bayesian method with Optuna, side by side at equal cost, eight
seeds each, at the profile `lesson`.
`course-mlp`: the Bayesian method once more in the same space, at the profile `full`.
"""

from pathlib import Path

import pandas as pd

from fmnist_utils import CourseError, data, jobs, places, reference, spaces
from fmnist_utils.data import Dataset
from fmnist_utils.profiles import PROFILES

PUBLISHED_SEARCHES = ("search-mlp", "search-cnn")
IDS = (*PUBLISHED_SEARCHES, "tuners", "course-mlp")
SEEDS = range(8)
TUNER_STUDY, SAMPLERS = "mlp", ("random", "tpe")


def file(id: str) -> Path:
    return reference.FOLDER / "searches" / f"{id}.csv"


def trials(id: str) -> pd.DataFrame:
    """One row a trial: trial, hyperparameters, val_accuracy, epochs, seconds, and val_loss of
    the published searches, or sampler, seed and state of the tuners.

    Raises CourseError if the search hasn't been made, or its file is no table.
    """
    try:
        return pd.read_csv(file(id))
    except (OSError, ValueError) as error:
        raise CourseError(
            f"There is no search in {file(id)} ({type(error).__name__}); "
            f"`python -m fmnist_utils reproduce {id}` makes it."
        ) from None


def make(ids: list[str], dataset: Dataset, at_a_time: int) -> None:
    """Make what is missing of some searches, `at_a_time` of their parts at once.

    What was begun goes on with the next trial. Raises CourseError for the stand-in.
    """
    data.refuse_stand_in(dataset, PROFILES["full"])
    todo = [id for id in ids if not file(id).exists()]
    print(f"{len(ids) - len(todo)} of {len(ids)} searches are in the reference already", flush=True)
    tasks = [(id,) for id in todo if id != "tuners"]
    if "tuners" in todo:
        tasks += [("tuners", sampler, seed) for seed in SEEDS for sampler in SAMPLERS]
    parts = []
    for id, table in jobs.each(_search, tasks, at_a_time):
        if id != "tuners":
            reference.write_table(table.round(6), file(id))
            print(f"{id} · {len(table)} trials", flush=True)
        else:
            parts.append(table)
            print(f"tuners · {len(parts)} of {len(SEEDS) * len(SAMPLERS)} searches", flush=True)
    if parts:
        table = pd.concat(parts).sort_values(["sampler", "seed", "trial"])
        reference.write_table(table.round(6), file("tuners"))


def _search(id: str, sampler: str = "", seed: int = 0) -> tuple[str, pd.DataFrame]:
    if id in PUBLISHED_SEARCHES:
        from fmnist_utils import keras_search

        place = places.run_store() / "searches"
        return id, keras_search.search(id, data.load(PROFILES["full"]), place)
    from fmnist_utils import tuning

    space = spaces.SEARCHES[TUNER_STUDY]
    if id == "course-mlp":
        full = PROFILES["full"]
        return id, tuning.table(tuning.tune(id, space, data.load(full), full))
    lesson = PROFILES["lesson"]
    study = tuning.tune(
        f"tuners.{sampler}.seed{seed}", space, data.load(lesson), lesson, seed, sampler
    )
    return id, tuning.table(study).assign(sampler=sampler, seed=seed)
