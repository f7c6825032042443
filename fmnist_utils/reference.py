"""The course's own full runs of the published models, and everyone's figures side by side.

`reference/results.csv` is package data: one row a run of the profile `full` on the real data.
`python -m fmnist_utils reproduce` makes it; nothing else may write there.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from fmnist_utils import CourseError, evaluation, runs
from fmnist_utils.data import Dataset
from fmnist_utils.profiles import PROFILES
from fmnist_utils.published import PUBLISHED
from fmnist_utils.runs import Run

FOLDER = Path(__file__).parent / "reference"
COLUMNS = [
    "id", "seed", "profile", "data", "epochs_run", "parameters", "train_seconds", "train_loss",
    "train_accuracy", "val_accuracy", "test_loss", "test_accuracy", "precision", "recall", "f1",
    "reported_accuracy",
]  # fmt: skip


def results() -> pd.DataFrame:
    """All reference runs, one row each; no rows if none has been made yet."""
    file = FOLDER / "results.csv"
    return pd.read_csv(file) if file.exists() else pd.DataFrame(columns=COLUMNS)


def compare(several: Iterable[Run]) -> pd.DataFrame:
    """Published models side by side, test accuracies in per cent.

    reported: the published figure. reference: the mean of the course's full runs, over `seeds`
    of them, and its sample standard deviation `sd`. this run: what the given runs reached; `±` is
    the binomial standard error of that, in points.
    """
    full, rows = results(), []
    for run in several:
        known = 100 * full.loc[full.id == run.recipe.id, "test_accuracy"].astype(float)
        reached = run.metrics["test_accuracy"]
        error = evaluation.standard_error(reached, len(run.test_outputs))
        rows.append({
            "model": run.recipe.id,
            "parameters": run.record["parameters"],
            "epochs, published": run.recipe.epochs,
            "epochs, this run": run.record["epochs_run"],
            "reported": 100 * run.recipe.reported["test_accuracy"],
            "reference": known.mean() if len(known) else np.nan,
            "sd": known.std() if len(known) > 1 else np.nan,
            "seeds": len(known),
            "this run": 100 * reached,
            "±": 100 * error,
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("model")


def reproduce(ids: list[str], seeds: int, dataset: Dataset) -> pd.DataFrame:
    """Train published models as published, once for each seed from 0, and write the results.

    ids: none means all twenty. Runs that the store has are not trained again, and an interrupted
    one goes on. Returns the table as it stands in `reference/results.csv` afterwards.
    Raises CourseError for an unknown id and for data that is not the real one.
    """
    if unknown := sorted(set(ids) - set(PUBLISHED)):
        known = ", ".join(PUBLISHED)
        raise CourseError(f"{unknown[0]!r} is not a published model; there are {known}.")
    if seeds < 1:
        raise CourseError(f"{seeds} seeds are too few; ask for at least 1.")
    for seed in range(seeds):
        for id in ids or PUBLISHED:
            _write(runs.train(PUBLISHED[id], dataset, PROFILES["full"], seed), seed)
    return results()


def _write(run: Run, seed: int) -> None:
    metrics = run.metrics
    row = {
        "id": run.recipe.id, "seed": seed, "profile": run.record["profile"],
        "data": run.record["key"]["data"], "epochs_run": run.record["epochs_run"],
        "parameters": run.record["parameters"], "train_seconds": run.record["train_seconds"],
        "reported_accuracy": run.recipe.reported["test_accuracy"],
    } | {
        name: round(metrics[key], 6) for name, key in (
            ("train_loss", "train_loss"), ("train_accuracy", "train_accuracy"),
            ("val_accuracy", "val_accuracy"), ("test_loss", "test_loss"),
            ("test_accuracy", "test_accuracy"), ("precision", "test_precision"),
            ("recall", "test_recall"), ("f1", "test_f1"),
        ) if key in metrics
    }  # fmt: skip
    known = results()
    others = known[(known.id != run.recipe.id) | (known.seed != seed)]
    table = pd.DataFrame([*others.to_dict("records"), row], columns=COLUMNS)
    order = {id: number for number, id in enumerate(PUBLISHED)}
    table = table.sort_values(["id", "seed"], key=lambda c: c.map(order) if c.name == "id" else c)
    FOLDER.mkdir(exist_ok=True)
    unfinished = FOLDER / "results.csv.unfinished"
    table.to_csv(unfinished, index=False)
    unfinished.replace(FOLDER / "results.csv")
