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
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fmnist_utils import evaluation
from fmnist_utils.data import Dataset
from fmnist_utils.messages import CourseError, whole
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import PUBLISHED, STUDIES
from fmnist_utils.reference import tables
from fmnist_utils.runs import Run, files
from fmnist_utils.training import Recipe, transform

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
WITH_ANSWERS = ("explorations", "augmentation", "speedrun", "unchanged", "taught")
STUDY_OF = {id: name for name, recipes in STUDIES.items() for id in recipes}


def file(name: str) -> Path:
    return tables.FOLDER / "studies" / f"{name}.csv"


def study(name: str) -> pd.DataFrame:
    """One row an epoch of each run of a study: id, seed, epoch, seconds, training and test figures.

    loss and accuracy are those of the training epoch, val_loss and val_accuracy those of the images
    that the recipe watches after it: the test images in the studies that retrace a report, else
    validation images. averaged_accuracy (over several views of each validation image, or without
    these of each test image) and test_accuracy belong to the end of the run. seconds and
    averaged_accuracy are missing where a run is older than these columns, the latter also where the
    recipe doesn't change its images. Raises CourseError for an unknown name, and if the file is no
    such table.
    """
    if name not in STUDIES:
        raise CourseError(f"{name!r} is no study; choose one of {', '.join(STUDIES)}.")
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
    seeds), seeds, and difference (mean - reported, in points). Raises KeyError for an unknown id.
    """
    rows = {}
    for id in ids:
        for variant, reached in _reached(name, id).items():
            accuracy = 100 * reached.test_accuracy
            rows[id, variant] = {
                "reported": 100 * PUBLISHED[id].reported["test_accuracy"],
                "mean": accuracy.mean(),
                "sd": accuracy.std(),
                "seeds": len(accuracy),
            }
    table = pd.DataFrame(rows).T.rename_axis(["model", "variant"]).astype({"seeds": int})
    return table.assign(difference=table["mean"] - table.reported)


def _reached(name: str, id: str) -> dict[str, pd.DataFrame]:
    """Test accuracy and test loss of a published model's runs, and of its variants' in a study,
    after as many epochs as were published: a row a seed. (A variant that doesn't watch the
    test images to its last epoch has no loss here.)"""
    full, watched = tables.results(), study(name)
    found = {"as stated": full[full.id == id].set_index("seed")[["test_accuracy", "test_loss"]]}
    for variant, recipe in STUDIES[name].items():
        if variant.startswith(f"{id} / "):
            runs = watched[watched.id == variant]
            if recipe.epochs > PUBLISHED[id].epochs:  # it watches the test images
                runs = runs[runs.epoch == PUBLISHED[id].epochs]
                runs = runs.assign(test_accuracy=runs.val_accuracy)
            else:
                runs = runs.drop_duplicates("seed", keep="last")
            watched_to_the_end = recipe.validation == "test" and recipe.patience is None
            runs = runs.assign(test_loss=runs.val_loss if watched_to_the_end else np.nan)
            runs = runs.set_index("seed")[["test_accuracy", "test_loss"]]
            found[variant.partition(" / ")[2]] = runs
    return {variant: runs for variant, runs in found.items() if len(runs)}


def explained() -> pd.DataFrame:
    """One row a published model: whether its report's test accuracy, and its test loss where there
    is one, lie in the 95 % prediction interval of one more training, `as stated` or in one of the
    variants of the studies.

    Columns, accuracies in per cent: reported; low and high, of the interval as stated, or if that
    doesn't hold the reported figures, of the first variant's that does; the same of the loss, NaN
    where none is reported; seeds behind the interval; `by`: "as stated", or the variants whose
    intervals hold what is reported, or "open". Variants with fewer than three seeds don't count:
    with two, an interval holds nearly anything. One that differs by nothing but more seeds takes
    the place of the model as stated.
    """
    rows = {}
    for id, recipe in PUBLISHED.items():
        found = {}
        for name in ("unstated", "heads", "epochs"):
            for variant, runs in _reached(name, id).items():
                if variant != "as stated" and _same(STUDIES[name][f"{id} / {variant}"], recipe):
                    variant = "as stated"
                found.setdefault(variant, []).append(runs)
        fitting, shown = [], None
        for variant, runs in found.items():
            reached = max(runs, key=len)  # each time the seeds 0, 1, …
            if len(reached) > 2:
                row, fits = _interval(recipe.reported, reached)
                if fits:
                    fitting.append(variant)
                if shown is None or (fits and len(fitting) == 1):
                    shown = row
        if shown is not None:
            by = "as stated" if "as stated" in fitting else "; ".join(fitting) or "open"
            rows[id] = shown | {"by": by}
    return pd.DataFrame(rows.values(), pd.Index(list(rows), name="model"))


def _interval(reported: dict[str, float], reached: pd.DataFrame) -> tuple[dict, bool]:
    """A row of `explained` from one recipe's runs, and whether all that is reported fits."""
    row, fits = {}, True
    for metric, unit, end in (("test_accuracy", 100, ""), ("test_loss", 1, " loss")):
        mean, half = np.nan, np.nan
        if metric in reported and reached[metric].isna().any():
            fits = False  # the loss of two heads, trained with Adam, is no number
        elif metric in reported:
            mean = unit * reached[metric].mean()
            half = evaluation.prediction_half(unit * reached[metric].std(), len(reached))
            fits = fits and abs(mean - unit * reported[metric]) <= half
        known = unit * reported.get(metric, np.nan)
        row |= {f"reported{end}": known, f"low{end}": mean - half, f"high{end}": mean + half}
    return row | {"seeds": len(reached)}, bool(fits)


def _same(variant: Recipe, published: Recipe) -> bool:
    """Whether a variant's first epochs are the published model's training, image by image."""
    trains_on_all = {"none", "test"}
    return {variant.validation, published.validation} <= trains_on_all and replace(
        variant,
        id=published.id,
        epochs=published.epochs,
        validation=published.validation,
        source=published.source,
        unstated=published.unstated,
    ) == published


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
            averaged_accuracy=run.metrics.get(
                "val_averaged_accuracy", run.metrics.get("test_averaged_accuracy")
            ),
            test_accuracy=run.metrics.get("test_accuracy"),
        ).round(6)
        rows = rows.reindex(columns=COLUMNS)  # a run without validation images lacks theirs
        order = {id: number for number, id in enumerate(STUDIES[name])}
        # Without those whose recipe is gone.
        others = known[known.id.isin(order) & ((known.id != id) | (known.seed != seed))]
        table = pd.concat([others, rows]) if len(others) else rows
        table = table.sort_values(
            ["id", "seed", "epoch"], key=lambda c: c.map(order) if c.name == "id" else c
        )
        tables.write_table(table, file(name))
        # Last: a run without a key, where this was stopped in between, is made again.
        write_keys(name, keys(name) | {(id, seed): key})


def write_keys(name: str, kept: dict[tuple[str, int], dict]) -> None:
    """Write `<name>.json`: a line an id of today's, runs that differ in nothing but the seed
    together."""
    groups: dict[str, list[dict]] = {id: [] for id in STUDIES[name]}
    for (id, seed), key in sorted(kept.items()):
        if id not in groups:
            continue
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
