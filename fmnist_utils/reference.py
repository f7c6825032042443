"""The course's own full runs, and everyone's figures side by side.

`reference/` is package data, so that every notebook finds it without training:

    results.csv         one row a run of the profile `full` on the real data
    runs/<id>.seed<n>/  each run as the run store keeps it, without its model: run.json,
                        history.csv, test.npz (outputs rounded, see `rounded`)

`python -m fmnist_utils reproduce` makes it; nothing else may write there.
"""

import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from fmnist_utils import CourseError, evaluation, store
from fmnist_utils.course import MODELS
from fmnist_utils.store import Run

FOLDER = Path(__file__).parent / "reference"
COLUMNS = [
    "id", "seed", "profile", "data", "epochs_run", "parameters", "train_seconds", "train_loss",
    "train_accuracy", "val_accuracy", "test_loss", "test_accuracy", "precision", "recall", "f1",
    "averaged_accuracy", "reported_accuracy",
]  # fmt: skip


def results() -> pd.DataFrame:
    """All reference runs, one row each, accuracies as fractions; no rows if there is none yet.

    Raises CourseError if `results.csv` is not such a table.
    """
    file = FOLDER / "results.csv"
    if not file.exists():
        return pd.DataFrame(columns=COLUMNS)
    try:
        table = pd.read_csv(file)
    except (OSError, ValueError) as error:
        table, why = None, type(error).__name__
    if table is None or list(table.columns) != COLUMNS:
        why = "its columns differ" if table is not None else why
        raise CourseError(f"{file} is not the table of reference runs ({why}); restore it.")
    return table


def several(id: str) -> list[Run]:
    """All reference runs of a model, by seed; an empty list if there is none yet."""
    recipe = MODELS[id]
    return [store.find(recipe, _folder(id, seed)) for seed in _seeds(id)]


def find(id: str, seed: int) -> Run | None:
    """One reference run; None if it has not been made yet."""
    return store.find(MODELS[id], _folder(id, seed))


def compare(trained: Iterable[Run]) -> pd.DataFrame:
    """Models side by side, test accuracies in per cent.

    reported: the published figure, where there is one. reference: the mean of the course's full
    runs, over `seeds` of them, and its sample standard deviation `sd`. this run: what the given
    runs reached; `±` is the binomial standard error of that, in points.
    """
    full, rows = results(), []
    for run in trained:
        known = 100 * full.loc[full.id == run.recipe.id, "test_accuracy"].astype(float)
        reached = run.metrics["test_accuracy"]
        error = evaluation.standard_error(reached, len(run.test_outputs))
        rows.append({
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
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("model")


def summary() -> pd.DataFrame:
    """One row a model: reported test accuracy (where there is one), mean and standard deviation
    over the seeds, all in per cent, and the number of seeds."""
    by_id = results().groupby("id", sort=False)
    accuracy = 100 * by_id.test_accuracy.agg(["mean", "std"])
    accuracy.insert(0, "reported", 100 * by_id.reported_accuracy.first())
    return accuracy.rename(columns={"std": "sd"}).assign(seeds=by_id.size())


def add(run: Run) -> None:
    """Enter a finished full run into `reference/`, in place of an older one of the same seed.

    Raises CourseError for a run of another profile or on other data than Fashion-MNIST, and where
    something else than a run stands in its place; that is left alone.
    """
    record, recipe, seed = run.record, run.recipe, run.record["key"]["seed"]
    refuse_others(run)
    results()  # refuses a damaged table
    folder = _folder(recipe.id, seed)
    with alone():
        store.find(recipe, folder)
        temporary = FOLDER / "runs" / ".unfinished"
        shutil.rmtree(temporary, ignore_errors=True)  # the rest of a process that was killed
        new = temporary / "new"
        new.mkdir(parents=True)
        (new / "run.json").write_text(json.dumps(record, indent=1))
        run.history.round(6).to_csv(new / "history.csv", index=False)
        write_arrays(
            new / "test.npz",
            outputs=rounded(run.test_outputs),
            labels=run.test_labels,
            train_confusion=run.train_confusion.to_numpy(np.int32),
        )
        if folder.exists():
            folder.rename(temporary / "old")
        new.rename(folder)
        shutil.rmtree(temporary, ignore_errors=True)
        # From the folders: whenever a process was killed, the table has a row for each of them.
        rows = [_row(found) for id in MODELS for found in several(id)]
        write_table(pd.DataFrame(rows, columns=COLUMNS), FOLDER / "results.csv")


def write_arrays(file: Path, **arrays: np.ndarray) -> None:
    """Write what `np.load` reads, as `np.savez_compressed` does, but packed by bzip2: a tenth less
    for rounded outputs."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


@contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time write into the reference; the others wait."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(FOLDER / ".lock"):
        yield


def rounded(outputs: np.ndarray) -> np.ndarray:
    """Outputs (n, 10) as float16 with 7 significant bits, which compress well.

    The relative error is below 1 %, and no prediction changes: where rounding would make another
    output the largest, or equally large, the right one is raised.
    """
    mantissa, exponent = np.frexp(outputs)
    short = np.ldexp(np.round(128 * mantissa) / 128, exponent).astype(np.float16)
    winner = outputs.argmax(axis=1)
    lost = np.flatnonzero(short.argmax(axis=1) != winner)
    highest = short[lost].max(axis=1)
    short[lost, winner[lost]] = highest + np.maximum(np.abs(highest) / 512, np.float16(1e-6))
    return short


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
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.unfinished")
    table.to_csv(unfinished, index=False)
    unfinished.replace(file)


def _row(run: Run) -> dict:
    names = {name: f"test_{name}" for name in ("precision", "recall", "f1", "averaged_accuracy")}
    key = run.record["key"]
    facts = run.record | {"id": run.recipe.id, "seed": key["seed"], "data": key["data"]}
    facts |= {"reported_accuracy": run.recipe.reported.get("test_accuracy")}
    facts |= {name: round(value, 6) for name, value in run.metrics.items()}
    return {name: facts.get(names.get(name, name)) for name in COLUMNS}


def _folder(id: str, seed: int) -> Path:
    return FOLDER / "runs" / f"{id}.seed{seed}"


def _seeds(id: str) -> list[int]:
    folders = (FOLDER / "runs").glob(f"{id}.seed*")
    return sorted(int(folder.name.rpartition("seed")[2]) for folder in folders)
