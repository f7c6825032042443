"""Controlled experiments on what the reports leave unsaid: their recipes, and what came of them.

A study varies published recipes, and watches the test images epoch by epoch as the reports did:
the question is not which variant is best, but which of them gives the published figures.
`python -m fmnist_utils reproduce heads` runs the study `heads` and keeps it, one row an epoch, in
`reference/studies/heads.csv`.
"""

from pathlib import Path

import pandas as pd

from fmnist_utils import CourseError, reference
from fmnist_utils.published import PUBLISHED
from fmnist_utils.recipes import Recipe
from fmnist_utils.store import Run, digest

COLUMNS = [
    "id", "seed", "run", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "test_accuracy"
]  # fmt: skip


def _vary(published: str, how: str, **changes: object) -> Recipe:
    """A published recipe with changes, under the id `published / how`, judged as published."""
    recipe = PUBLISHED[published]
    changes = {"validation": "test", "reported": recipe.reported} | changes
    return recipe.but(f"{published} / {how}", **changes)


_HEADS = [id for id in PUBLISHED if id.startswith("heads-")]
_OPTIMIZERS = {
    # Twelve epochs, so that one sees what lies behind the tenth.
    "adadelta": dict(optimizer="adadelta", learning_rate=0.001, epochs=12),
    "adam": dict(optimizer="adam", learning_rate=0.001),
}
STUDIES: dict[str, dict[str, Recipe]] = {
    "heads": {
        recipe.id: recipe
        for optimizer, changes in _OPTIMIZERS.items()
        for recipe in (
            *(_vary(id, optimizer, batch_size=128, **changes) for id in _HEADS),
            # Model 2 changes more than the head; this changes all but the head.
            _vary("heads-softmax", f"{optimizer}, pools of 3", batch_size=128, pools=(3, 3),
                  dropouts=(0.3, 0.2), **changes),
        )
    } | {
        "conv1d-baseline / adadelta": _vary(
            "conv1d-baseline", "adadelta", batch_size=128, **_OPTIMIZERS["adadelta"])
    },
    # Hernandez saw the basic model ahead after three epochs.
    "epochs": {
        recipe.id: recipe
        for recipe in (_vary(id, "test watched") for id in ("cnn-basic", "cnn-standard"))
    },
    "unstated": {
        recipe.id: recipe
        for recipe in (
            _vary("conv1d-deeper", "relu", activation="relu"),
            _vary("conv1d-wider", "relu", activation="relu"),
            _vary("conv1d-kernel3", "relu", activation="relu"),
            _vary("conv1d-kernel3", "relu, same", activation="relu", padding="same"),
            _vary("conv2d-small", "same", padding="same"),
            _vary("conv2d-small", "same, dropouts", padding="same", conv_dropouts=0.2),
            _vary("conv2d-medium", "same, dropouts", padding="same", conv_dropouts=0.2),
            # Copies appended before `validation_split` cuts: more originals to train on, and a
            # validation set of copies.
            _vary("mlp-tuned-augmented", "then split", validation="last 20 %",
                  augmentation="pullover+shirt, then split"),
            _vary("mlp-tuned", "55,000 images", validation="first 5,000"),
            # The report's code says 0.6, its text that rates below 0.5 were best.
            _vary("cnn-pool4", "dropout 0.4", conv_dropouts=(0.0, 0.4), validation="first 5,000"),
        )
    },
}  # fmt: skip


def file(study: str) -> Path:
    return reference.FOLDER / "studies" / f"{study}.csv"


def results(study: str) -> pd.DataFrame:
    """One row an epoch of each run: id, seed, run, epoch, and training and test figures.

    loss and accuracy are those of the training epoch, val_loss and val_accuracy those of the images
    that the recipe watches, in general the test images, after it; test_accuracy belongs to the end
    of the run. Raises CourseError if the file is no such table.
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


def add(study: str, run: Run) -> None:
    """Enter a finished run into its study, in place of an older one of the same id and seed."""
    reference.refuse_others(run)
    id, seed = run.recipe.id, run.record["key"]["seed"]
    facts = dict(id=id, seed=seed, run=digest(run.record["key"]))
    rows = run.history.assign(**facts, test_accuracy=run.metrics["test_accuracy"]).round(6)
    known = results(study)
    others = known[(known.id != id) | (known.seed != seed)]
    table = pd.concat([others, rows[COLUMNS]]) if len(others) else rows[COLUMNS]
    order = {id: number for number, id in enumerate(STUDIES[study])}
    table = table.sort_values(
        ["id", "seed", "epoch"], key=lambda c: c.map(order) if c.name == "id" else c
    )
    reference.write_table(table, file(study))
