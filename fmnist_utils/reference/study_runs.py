"""What came of the studies, the recipes varied on purpose (`recipes.STUDIES`).

`python -m fmnist_utils reproduce heads` makes the study `heads` and keeps it in `studies/`:

    heads.csv     one row an epoch of each run
    heads.json    the full key of each run: what it was made with
    speedrun.npz  of the studies that verdicts are drawn from also the classes that each run named:
                  for the test images where its recipe opens the test set, else for the validation
                  images
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fmnist_utils import evaluation
from fmnist_utils.data import Dataset
from fmnist_utils.messages import whole
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import PUBLISHED, STUDIES
from fmnist_utils.reference import tables
from fmnist_utils.runs import Run, files
from fmnist_utils.training import transform

COLUMNS = [
    "id",
    "seed",
    "epoch",
    "seconds",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "train_accuracy",
    "averaged_accuracy",
    "test_accuracy",
]
WITH_ANSWERS = ("explorations", "augmentation", "speedrun", "unchanged")
STUDY_OF = {id: name for name, recipes in STUDIES.items() for id in recipes}


def file(name: str) -> Path:
    return tables.FOLDER / "studies" / f"{name}.csv"


def study(name: str) -> pd.DataFrame:
    """One row an epoch of each run of a study: id, seed, epoch, seconds, training and test figures.

    loss and accuracy are those of the training epoch, val_loss and val_accuracy those of the images
    that the recipe watches after it: the test images in the studies that retrace a report, else
    validation images. averaged_accuracy (on the validation images, over several views of each) and
    test_accuracy belong to the end of the run. seconds and averaged_accuracy are missing where a
    run is older than these columns. Raises CourseError if the file is no such table.
    """
    return tables.read_table(file(name), COLUMNS, "the table of a study")


def keys(name: str) -> dict[tuple[str, int], dict]:
    """What each run of a study was made with: its full key, by id and seed."""
    where = file(name).with_suffix(".json")
    groups = json.loads(where.read_text()) if where.exists() else {}
    return {
        (id, seed): group["key"] | {"seed": seed}
        for id, alike in groups.items()
        for group in alike
        for seed in group["seeds"]
    }


def has(id: str, seed: int, key: dict) -> bool:
    """Whether its study holds this run, made with this key, and its answers where they are kept."""
    name = STUDY_OF[id]
    rows = study(name)
    return (
        keys(name).get((id, seed)) == key
        and ((rows.id == id) & (rows.seed == seed)).any()
        and (name not in WITH_ANSWERS or seed in answered_seeds(id))
    )


def variants(name: str, ids: list[str]) -> pd.DataFrame:
    """Published models as stated and in a study's variants: test accuracy in per cent, after as
    many epochs as were published.

    One row a variant that has runs, under (model, variant): reported, mean, sd (both over the
    seeds), seeds, and difference (mean - reported, in points).
    """
    full, watched = tables.results(), study(name)
    rows = {}
    for id in ids:
        reached_by = {"as stated": full[full.id == id].test_accuracy}
        for variant in STUDIES[name]:
            if variant.startswith(f"{id} / "):
                run = watched[watched.id == variant]
                if STUDIES[name][variant].epochs > PUBLISHED[id].epochs:  # it watches the test set
                    reached = run[run.epoch == PUBLISHED[id].epochs].val_accuracy
                else:
                    reached = run.drop_duplicates("seed").test_accuracy
                reached_by[variant.partition(" / ")[2]] = reached
        for variant, reached in reached_by.items():
            if not len(reached):
                continue
            rows[id, variant] = {
                "reported": 100 * PUBLISHED[id].reported["test_accuracy"],
                "mean": 100 * reached.mean(),
                "sd": 100 * reached.std(),
                "seeds": len(reached),
            }
    table = pd.DataFrame(rows).T.rename_axis(["model", "variant"]).astype({"seeds": int})
    return table.assign(difference=table["mean"] - table.reported)


def explained() -> pd.DataFrame:
    """One row a published model: whether its report's test accuracy lies in the 95 % prediction
    interval of one more training, `as stated` or in one of the variants of the studies.

    Columns, accuracies in per cent: reported; low and high, of the interval as stated, or if that
    doesn't hold the reported figure, of the first variant's that does; `by`: "as stated", or the
    variants whose intervals hold it, or "open". Variants with fewer than three seeds don't count:
    with two, an interval holds nearly anything.
    """
    rows = {}
    for study_name in ("unstated", "heads", "epochs"):
        table = variants(study_name, list(PUBLISHED))
        for (id, variant), row in table[table.seeds > 2].iterrows():
            half = evaluation.prediction_half(row.sd, row.seeds)
            model = rows.setdefault(id, {"reported": row.reported, "by": []})
            fits = abs(row["mean"] - row.reported) <= half
            if not model["by"] and (fits or variant == "as stated"):
                model |= {"low": row["mean"] - half, "high": row["mean"] + half}
            if fits and variant not in model["by"]:
                model["by"].append(variant)
    for model in rows.values():
        stated = "as stated" in model["by"]
        model["by"] = "as stated" if stated else "; ".join(model["by"]) or "open"
    return pd.DataFrame(rows).T.rename_axis("model")[["reported", "low", "high", "by"]]


class Answers(NamedTuple):
    """What one run answered."""

    labels: np.ndarray  # uint8 (n,)
    outputs: np.ndarray  # float32 (n, 10), 1 for the class it named, else 0


def answers(id: str, changed: bool = False) -> list[Answers]:
    """The answers of all runs of one recipe of a study, by seed: for the test images where the
    recipe opens the test set, else for the validation images. None where its study keeps none.

    changed: those for changed copies of the validation images, one of each, made as the published
    scheme makes them (study `augmentation` only).
    """
    where = answers_file(STUDY_OF[id])
    if not where.exists():
        return []
    end = ".changed" if changed else ""
    with np.load(where, allow_pickle=False) as kept:
        labels = kept["labels"]
        named = [(labels + kept[f"{id}.seed{n}{end}"]) % 10 for n in answered_seeds(id)]
    return [Answers(labels, np.eye(10, dtype=np.float32)[classes]) for classes in named]


def answered_seeds(id: str) -> list[int]:
    """The seeds of whose runs `answers` has the answers."""
    where = answers_file(STUDY_OF[id])
    if not where.exists():
        return []
    with np.load(where, allow_pickle=False) as kept:
        found = [re.fullmatch(rf"{re.escape(id)}\.seed(\d+)", name) for name in kept.files]
    return sorted(int(match[1]) for match in found if match)


def answers_file(name: str) -> Path:
    """Holds labels, uint8 (n,), and under `<id>.seed<n>` by how much a run's classes for these
    images differ from them (modulo 10), under `<id>.seed<n>.changed` the same for changed copies.
    Differences are nearly all 0, and so take less than half of the bytes."""
    return file(name).with_suffix(".npz")


def enter(run: Run, dataset: Dataset) -> None:
    """Enter a finished run into its study, in place of an older one of the same id and seed."""
    tables.refuse_others(run)
    name, key = STUDY_OF[run.recipe.id], run.record["key"]
    id, seed = run.recipe.id, key["seed"]
    answered = _answers(run, dataset) if name in WITH_ANSWERS else {}
    with tables.locked():
        known = study(name)
        if answered:
            _write_answers(answers_file(name), answered)
        rows = run.history.assign(
            id=id,
            seed=seed,
            train_accuracy=run.metrics.get("train_accuracy"),
            averaged_accuracy=run.metrics.get("val_averaged_accuracy"),
            test_accuracy=run.metrics.get("test_accuracy"),
        ).round(6)
        rows = rows.reindex(columns=COLUMNS)  # a run without validation images lacks theirs
        others = known[(known.id != id) | (known.seed != seed)]
        table = pd.concat([others, rows]) if len(others) else rows
        order = {id: number for number, id in enumerate(STUDIES[name])}
        table = table.sort_values(
            ["id", "seed", "epoch"], key=lambda c: c.map(order) if c.name == "id" else c
        )
        tables.write_table(table, file(name))
        # Last: a run without a key, where this was stopped in between, is made again.
        write_keys(name, keys(name) | {(id, seed): key})


def write_keys(name: str, kept: dict[tuple[str, int], dict]) -> None:
    """Write `<name>.json`: a line an id, runs that differ in nothing but the seed together."""
    groups: dict[str, list[dict]] = {id: [] for id in STUDIES[name]}
    for (id, seed), key in sorted(kept.items()):
        without_seed = {fact: value for fact, value in key.items() if fact != "seed"}
        alike = [group for group in groups[id] if group["key"] == without_seed]
        if alike:
            alike[0]["seeds"].append(seed)
        else:
            groups[id].append({"seeds": [seed], "key": without_seed})
    lines = [f"{json.dumps(id)}: {json.dumps(alike)}" for id, alike in groups.items() if alike]
    with whole(file(name).with_suffix(".json")) as unfinished:
        unfinished.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _answers(run: Run, dataset: Dataset) -> dict[str, np.ndarray]:
    """What a run adds to its study's `answers_file`."""
    id, seed = run.recipe.id, run.record["key"]["seed"]
    splits = dataset.split(run.recipe.validation, PROFILES["full"])
    images, labels = splits.test if run.recipe.opens_test else splits.validation
    found, shown = {"labels": labels}, {"": images}
    if STUDY_OF[id] == "augmentation":
        shown[".changed"] = transform(images, np.random.default_rng(0))
    for end, these in shown.items():
        named = run.predict(these).argmax(axis=1).astype(np.uint8)
        found[f"{id}.seed{seed}{end}"] = (named + 10 - labels) % 10
    return found


def _write_answers(where: Path, answered: dict[str, np.ndarray]) -> None:
    kept = {}
    if where.exists():
        with np.load(where, allow_pickle=False) as arrays:
            kept = dict(arrays)
    with whole(where) as unfinished:
        files.write_arrays(unfinished, **kept | answered)
