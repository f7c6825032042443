"""The course's own full runs, and everyone's figures side by side.

The folder of this file is package data, so that every notebook finds it without training:

    results.csv         one row a run of the profile `full` on the real data
    runs/<id>.seed<n>/  each run as the run store keeps it, without its model (see `runs.files`)
    frontier.csv        what else one would pick: one row a training
    epochs/             what an epoch takes

`python -m fmnist_utils reproduce` makes it, and the last two `benchmarks/frontier.py` and
`epochs.py`; nothing else may write there.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from fmnist_utils import evaluation
from fmnist_utils.messages import CourseError, Held, whole
from fmnist_utils.recipes import MODELS
from fmnist_utils.runs import Run, files

FOLDER = Path(__file__).parent
COLUMNS = [
    "id",
    "seed",
    "profile",
    "data",
    "epochs_run",
    "parameters",
    "train_seconds",
    "train_loss",
    "train_accuracy",
    "val_accuracy",
    "test_loss",
    "test_cross_entropy",
    "test_accuracy",
    "precision",
    "recall",
    "f1",
    "averaged_accuracy",
    "reported_accuracy",
]
PEERS = [
    "model",
    "epochs",
    "seed",
    "images",
    "parameters",
    "test_accuracy",
    "averaged_accuracy",
    "key",
]


def results() -> pd.DataFrame:
    """All reference runs, one row each, accuracies as fractions; no rows if there is none yet.

    test_loss is what the training minimised, penalties included, and where the last layer is a
    sigmoid, of its scores; test_cross_entropy is that of the outputs, as they are kept.
    Raises CourseError if `results.csv` is not such a table.
    """
    return read_table(FOLDER / "results.csv", COLUMNS, "the table of reference runs")


def read_table(file: Path, columns: list[str], what: str) -> pd.DataFrame:
    """A table of the reference; no rows if there is no file. Raises CourseError unless it has just
    these columns: `file` is not `what`."""
    if not file.exists():
        return pd.DataFrame(columns=columns)
    try:
        table, why = pd.read_csv(file), "its columns differ"
    except (OSError, ValueError) as error:
        table, why = pd.DataFrame(), type(error).__name__
    if list(table.columns) != columns:
        raise CourseError(f"{file} is not {what} ({why}); restore it.")
    return table


def runs_of(id: str) -> list[Run]:
    """All reference runs of a model, by seed; an empty list if there is none yet. Raises KeyError
    for an unknown id."""
    recipe = MODELS[id]
    return [files.read(recipe, _folder(id, seed)) for seed in seeds_of(id)]


def run(id: str, seed: int) -> Run | None:
    """One reference run; None if it has not been made yet. Raises KeyError for an unknown id."""
    return files.read(MODELS[id], _folder(id, seed))


def compare(trained: Iterable[Run]) -> pd.DataFrame:
    """Models side by side, test accuracies in per cent.

    reported: the published figure, where there is one. reference: the mean of the course's full
    runs, over `seeds` of them, and its sample standard deviation `sd`. this run: what the given
    runs reached; `±` is the binomial standard error of that, in points. Raises CourseError for a
    run that left the test set closed.
    """
    full, rows = results(), []
    for run in trained:
        known = 100 * full.loc[full.id == run.recipe.id, "test_accuracy"].astype(float)
        images = len(run.test_outputs)  # refuses a run that left the test set closed
        reached = run.metrics["test_accuracy"]
        error = evaluation.standard_error(reached, images)
        rows.append(
            {
                "model": run.recipe.id,
                "parameters": run.record["parameters"],
                "epochs, published": run.recipe.epochs,
                "epochs, this run": run.record["epochs_run"],
                "reported": 100 * run.recipe.reported.get("test_accuracy", np.nan),
                "reference": known.mean() if len(known) else np.nan,
                "sd": known.std() if len(known) > 1 else np.nan,
                "seeds": len(known),
                "this run": 100 * reached,
                "±": 100 * error,
            }
        )
    return pd.DataFrame(rows).set_index("model")


def summary() -> pd.DataFrame:
    """One row a model: reported test accuracy (where there is one), mean and standard deviation
    over the seeds, all in per cent, and the number of seeds."""
    by_id = results().groupby("id", sort=False)
    accuracy = 100 * by_id.test_accuracy.agg(["mean", "std"])
    accuracy.insert(0, "reported", 100 * by_id.reported_accuracy.first())
    return accuracy.rename(columns={"std": "sd"}).assign(seeds=by_id.size())


def peers() -> pd.DataFrame:
    """What else one would pick, each by its public recipe: one row a training on all 60,000 images.

    model, epochs (for how many it was trained), seed, images, parameters, test_accuracy (a
    fraction), averaged_accuracy where the recipe's own test averages several views, and key, which
    stands for the recipe.
    `benchmarks/frontier.py` has the recipes and their sources, and makes the table.
    Raises CourseError if it is no such table.
    """
    return read_table(FOLDER / "frontier.csv", PEERS, "the table of other networks")


def epoch_seconds(name: str) -> pd.DataFrame:
    """What an epoch takes, in seconds: a row a round, a column a recipe's id, all in turns.

    name: "ladder", the rungs of the speed run and what is added to them; "models", all models of
    the course and the networks of `benchmarks/frontier.py`.
    Raises CourseError if it hasn't been measured.
    """
    file = FOLDER / "epochs" / f"{name}.csv"
    try:
        return pd.read_csv(file, index_col="round")
    except (OSError, ValueError) as error:
        raise CourseError(
            f"There are no times in {file} ({type(error).__name__}); "
            f"`python benchmarks/epochs.py {name}` measures them."
        ) from None


def enter(run: Run) -> None:
    """Enter a finished full run into `reference/`, in place of an older one of the same seed.

    Raises CourseError for a run of another profile or on other data than Fashion-MNIST, and where
    something else than a run stands in its place; that is left alone.
    """
    refuse_others(run)
    results()  # refuses a damaged table
    folder = _folder(run.recipe.id, run.record["key"]["seed"])
    with locked():
        files.read(run.recipe, folder)  # refuses what is no run
        unfinished = FOLDER / "runs" / ".unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)  # the rest of a process that was killed
        new = unfinished / "new"
        new.mkdir(parents=True)
        files.write_without_model(new, run)
        if folder.exists():
            folder.rename(unfinished / "old")
        new.rename(folder)
        shutil.rmtree(unfinished, ignore_errors=True)
        # From the folders: whenever a process was killed, the table has a row for each of them.
        rows = [_row(found) for id in MODELS for found in runs_of(id)]
        write_table(pd.DataFrame(rows, columns=COLUMNS), FOLDER / "results.csv")


@contextmanager
def locked() -> Iterator[None]:
    """Let one process at a time write into the reference; the others wait, and so do signals."""
    with FileLock(FOLDER / ".lock"), Held():  # makes the folder where there is none
        yield


def refuse_others(run: Run) -> None:
    """Raise CourseError if a run is not a full one on Fashion-MNIST itself."""
    profile, source = run.record["profile"], run.record["source"]
    if (profile, source) != ("full", "Fashion-MNIST"):
        raise CourseError(
            f"{run.folder} was made under the profile {profile} on {source}; only full runs on "
            "Fashion-MNIST can enter the reference."
        )


def write_table(table: pd.DataFrame, file: Path) -> None:
    """Write a CSV file whole or not at all."""
    with whole(file) as unfinished:
        table.to_csv(unfinished, index=False)


def _row(run: Run) -> dict:
    names = {name: f"test_{name}" for name in ("precision", "recall", "f1", "averaged_accuracy")}
    key = run.record["key"]
    facts = run.record | {"id": run.recipe.id, "seed": key["seed"], "data": key["data"]}
    facts |= {"reported_accuracy": run.recipe.reported.get("test_accuracy")}
    facts |= {name: round(value, 6) for name, value in run.metrics.items()}
    entropy = evaluation.cross_entropy(run.test_labels, run.test_outputs).mean()
    facts["test_cross_entropy"] = round(float(entropy), 6)
    return {name: facts.get(names.get(name, name)) for name in COLUMNS}


def _folder(id: str, seed: int) -> Path:
    return FOLDER / "runs" / f"{id}.seed{seed}"


def seeds_of(id: str) -> list[int]:
    """The seeds of a model's reference runs."""
    folders = (FOLDER / "runs").glob(f"{id}.seed*")
    return sorted(int(folder.name.rpartition("seed")[2]) for folder in folders)
