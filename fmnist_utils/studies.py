"""Controlled experiments on published models (see `study_list`): what came of them.

`python -m fmnist_utils reproduce heads` runs the study `heads` and keeps it, one row an epoch, in
`reference/studies/heads.csv`; of the study `augmentation` it also keeps what was said of the
validation images, as they are and changed like the published copies, in `augmentation.npz`.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fmnist_utils import CourseError, data, reference
from fmnist_utils.augmentation import transform
from fmnist_utils.data import Dataset
from fmnist_utils.profiles import PROFILES
from fmnist_utils.published import PUBLISHED
from fmnist_utils.store import Run, digest
from fmnist_utils.study_list import STUDIES

COLUMNS = [
    "id", "seed", "run", "epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy",
    "averaged_accuracy", "test_accuracy",
]  # fmt: skip


def file(study: str) -> Path:
    return reference.FOLDER / "studies" / f"{study}.csv"


def results(study: str) -> pd.DataFrame:
    """One row an epoch of each run: id, seed, run, epoch, seconds, and training and test figures.

    loss and accuracy are those of the training epoch, val_loss and val_accuracy those of the images
    that the recipe watches, in general the test images, after it; averaged_accuracy (on the
    validation images, over several views of each) and test_accuracy belong to the end of the run.
    seconds and averaged_accuracy are missing where a run is older than these columns. Raises
    CourseError if the file is no such table.
    """
    where = file(study)
    if not where.exists():
        return pd.DataFrame(columns=COLUMNS)
    try:
        table = pd.read_csv(where)
    except (OSError, ValueError):
        table = pd.DataFrame()
    if list(table.columns) != COLUMNS:
        raise CourseError(f"{where} is not the table of a study; restore it.")
    return table


def compare(study: str, ids: list[str]) -> pd.DataFrame:
    """Published models as stated and in the study's variants: test accuracy in per cent.

    One row a variant, under (model, variant): reported, mean, sd (both over the seeds), seeds, and
    difference (mean - reported, in points).
    """
    runs, full = results(study), reference.results()
    last = runs.drop_duplicates(["id", "seed"])
    rows = {}
    for id in ids:
        variants = {"as stated": full[full.id == id].test_accuracy}
        for name in STUDIES[study]:
            if name.startswith(f"{id} / "):
                variants[name.partition(" / ")[2]] = last[last.id == name].test_accuracy
        for variant, reached in variants.items():
            rows[id, variant] = {
                "reported": 100 * PUBLISHED[id].reported["test_accuracy"],
                "mean": 100 * reached.mean(), "sd": 100 * reached.std(), "seeds": len(reached),
            }  # fmt: skip
    table = pd.DataFrame(rows).T.rename_axis(["model", "variant"]).astype({"seeds": int})
    return table.assign(difference=table["mean"] - table.reported)


def has(study: str, id: str, seed: int, key: dict) -> bool:
    """Whether the study's table holds this run, made with these settings."""
    table = results(study)
    return digest(key) in set(table.run[(table.id == id) & (table.seed == seed)])


def predictions(study: str) -> dict[str, np.ndarray]:
    """The classes that a study's runs give the validation images, uint8 (n,), under the names
    `<id>.seed<n>`, and to changed copies of them under `<id>.seed<n>.changed`; the true ones under
    `labels`. Of the study `augmentation` only."""
    where = file(study).with_suffix(".npz")
    if not where.exists():
        return {}
    with np.load(where, allow_pickle=False) as arrays:
        kept = dict(arrays)
    labels = kept.pop("labels")
    return {"labels": labels} | {name: (labels + wrong) % 10 for name, wrong in kept.items()}


class Judged(NamedTuple):
    """What a run of a study said of the validation images, named as in a `Run`."""

    test_labels: np.ndarray  # uint8 (n,)
    test_outputs: np.ndarray  # float32 (n, 10), 1 for the class said, else 0


def several(id: str, changed: bool = False) -> list[Judged]:
    """All runs of one recipe of the study `augmentation`, by seed.

    changed: what they said of the validation images' changed copies, one of each, made as the
    published scheme makes them.
    """
    kept, end = predictions("augmentation"), r"\.changed" if changed else ""
    names = sorted(name for name in kept if re.fullmatch(rf"{re.escape(id)}\.seed\d+{end}", name))
    return [Judged(kept["labels"], np.eye(10, dtype=np.float32)[kept[name]]) for name in names]


def add(study: str, run: Run, dataset: Dataset) -> None:
    """Enter a finished run into its study, in place of an older one of the same id and seed."""
    reference.refuse_others(run)
    id, seed = run.recipe.id, run.record["key"]["seed"]
    facts = dict(id=id, seed=seed, run=digest(run.record["key"]))
    with reference.alone():
        if study == "augmentation":
            part = data.split(dataset, run.recipe.validation, PROFILES["full"]).validation
            kept = predictions(study) | {"labels": part.labels}
            copies = transform(part.images, np.random.default_rng(0))
            for name, images in (("", part.images), (".changed", copies)):
                said = run.predict(images).argmax(axis=1).astype(np.uint8)
                kept[f"{id}.seed{seed}{name}"] = said
            unfinished = file(study).with_suffix(".unfinished.npz")
            unfinished.parent.mkdir(parents=True, exist_ok=True)
            # As differences from the labels, which are nearly all 0: less than half of the bytes.
            labels = kept.pop("labels")
            wrong = {name: (said + 10 - labels) % 10 for name, said in kept.items()}
            reference.write_arrays(unfinished, labels=labels, **wrong)
            unfinished.replace(file(study).with_suffix(".npz"))
        rows = run.history.assign(
            **facts, test_accuracy=run.metrics.get("test_accuracy"),
            averaged_accuracy=run.metrics.get("val_averaged_accuracy"),
        ).round(6)  # fmt: skip
        known = results(study)
        others = known[(known.id != id) | (known.seed != seed)]
        table = pd.concat([others, rows[COLUMNS]]) if len(others) else rows[COLUMNS]
        order = {id: number for number, id in enumerate(STUDIES[study])}
        table = table.sort_values(
            ["id", "seed", "epoch"], key=lambda c: c.map(order) if c.name == "id" else c
        )
        reference.write_table(table, file(study))
