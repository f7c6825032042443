"""Making and checking the reference: each model is trained as its record says, several times."""

import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fmnist_utils import data, runs, training
from fmnist_utils.data import Dataset
from fmnist_utils.messages import CourseError, Line
from fmnist_utils.profiles import PROFILES, Profile, check_seed
from fmnist_utils.recipes import MODELS, PUBLISHED, STUDIES
from fmnist_utils.reference import search_trials, study_runs, tables
from fmnist_utils.reference.search_trials import (
    FINISHED_SEEDS,
    PUBLISHED_SEARCHES,
    SEARCHES,
    TUNER_SEEDS,
)
from fmnist_utils.reference.study_runs import STUDY_OF
from fmnist_utils.runs import Run, files, jobs
from fmnist_utils.training import Recipe
from fmnist_utils.training.limits import nearest

if TYPE_CHECKING:
    from fmnist_utils.tuning import SearchSpace

Task = tuple[str, int]  # a recipe's id, and a seed
TUNER_SPACE = "mlp"
TUNERS = {"random": 40, "tpe": 40, "hyperband": 60}  # trials that take about as many epochs


def reproduce(ids: list[str], seeds: int, dataset: Dataset, at_a_time: int = 1) -> None:
    """Train models as their records say, with the seeds 0, 1, …, and enter them in `reference/`.

    ids: of models, or names of studies or searches; none means the twenty published models. What
    `reference/` has already, with the same recipe, data and versions, is not trained again; an
    interrupted training goes on.
    at_a_time: how many trainings, each in a process of its own with its share of the cores.
    Raises CourseError, before any training, for an unknown id, for data that is not the real one,
    and for anything in `reference/` that does not belong there.
    """
    check(ids)
    for name, number in (("seeds", seeds), ("jobs", at_a_time)):
        if number < 1:
            raise CourseError(f"{number} {name} are too few; ask for at least 1.")
    data.refuse_stand_in(dataset, PROFILES["full"])
    if searches := [id for id in ids if id in SEARCHES]:
        _make_searches(searches, dataset, at_a_time)
        if not (ids := [id for id in ids if id not in searches]):
            return
    table = tables.results()
    ids = list(dict.fromkeys(one for id in ids or PUBLISHED for one in STUDIES.get(id, [id])))
    tasks = [(id, seed) for seed in range(seeds) for id in ids]
    todo = [task for task in tasks if not _done(task, dataset)]
    print(f"{len(tasks) - len(todo)} of {len(tasks)} runs are in the reference already")
    if not todo:
        return
    known = table.groupby("id").train_seconds.mean().to_dict()
    clock, finished = _Clock(todo, known, at_a_time), 0

    def show() -> None:
        line.show(f"{finished} of {len(todo)} runs · {clock.left()} left")

    pairs = [(_recipe(id), seed) for id, seed in todo]
    with Line() as line:
        if teachers := _teachers([recipe for recipe, _ in pairs]):
            # Before their students, each of which would train them all by itself.
            line.show(f"{len(teachers)} teachers")
            for _ in jobs.train_all(teachers, dataset, PROFILES["full"], at_a_time):
                pass
        for run in jobs.train_all(pairs, dataset, PROFILES["full"], at_a_time, show):
            if run.recipe.id in STUDY_OF:
                study_runs.enter(run, dataset)
            else:
                tables.enter(run)
            finished += 1
            clock.finished(run)
            reached = 100 * run.metrics.get("test_accuracy", run.metrics.get("val_accuracy"))
            line.clear()
            print(
                f"{finished} of {len(todo)} · {run.recipe.id} · seed {run.record['key']['seed']} · "
                f"{reached:.2f} % · {clock.left()} left",
                flush=True,
            )


def verify(id: str, seed: int, dataset: Dataset) -> tuple[bool, str]:
    """Train one model anew and compare it with the reference.

    Returns whether its test accuracy is within 4 standard deviations of the reference runs' mean,
    and at least within 0.5 points, and a sentence that says so.
    Raises CourseError for an unknown id, and if there is nothing to compare with.
    """
    check([id])
    if id not in MODELS:
        raise CourseError(f"{id} is no model; `reproduce {id}` makes it where it is missing.")
    seed = check_seed(seed)
    data.refuse_stand_in(dataset, PROFILES["full"])
    known = 100 * tables.results().query("id == @id").test_accuracy.astype(float)
    if known.empty:
        raise CourseError(f"There are no reference runs of {id}; `reproduce {id}` makes them.")
    with tempfile.TemporaryDirectory() as place:  # what was trained before proves nothing
        run = runs.train(MODELS[id], dataset, PROFILES["full"], seed, Path(place))
    reached, mean = 100 * run.metrics["test_accuracy"], known.mean()
    allowed = max(0.5, 4 * known.std()) if len(known) > 1 else 0.5
    agrees = bool(abs(reached - mean) <= allowed)
    return agrees, (
        f"{id}, seed {seed}: {reached:.2f} % {'agrees' if agrees else 'DOES NOT AGREE'} with the "
        f"reference, {mean:.2f} % over {len(known)} seeds (allowed: ± {allowed:.2f} points)"
    )


def speedrun(seed: int, dataset: Dataset) -> str:
    """Train `speedrun-93` on all 60,000 training images, with a live line, and open the test set.

    Returns what came out, beside the best figure of the reports and the reference's own, in a few
    lines. Raises CourseError, before the training, for data that is not the real one.
    """
    with tempfile.TemporaryDirectory() as place:  # trained anew each time: the time is the point
        run = runs.train(MODELS["speedrun-93"], dataset, PROFILES["full"], seed, Path(place))
    reached, minutes = 100 * run.metrics["test_accuracy"], run.record["train_seconds"] / 60
    reported = 100 * max(one.reported["test_accuracy"] for one in PUBLISHED.values())
    known = 100 * tables.results().query("id == 'speedrun-93'").test_accuracy.astype(float)
    lines = [
        f"your run, seed {seed}: {reached:.2f} % of the test images, in {minutes:.1f} minutes",
        f"the best of the reports: {reported:.2f} %, as reported",
    ]
    if len(known) > 1:
        of = f"mean ± standard deviation of {len(known)} seeds"
        lines.append(f"the reference's runs of it: {known.mean():.2f} ± {known.std():.2f} %, {of}")
    return "\n".join(lines)


def check(ids: list[str]) -> None:
    """Raise CourseError that lists what there is if one of `ids` is no model, study or search."""
    if unknown := sorted(set(ids) - {*MODELS, *STUDIES, *SEARCHES}):
        known = [*MODELS, *STUDIES, *SEARCHES]
        raise CourseError(
            f"{unknown[0]!r} is not a model{nearest(unknown[0], known)} There are "
            f"{', '.join(MODELS)}; and the studies and searches {', '.join([*STUDIES, *SEARCHES])}."
        )


def _make_searches(names: list[str], dataset: Dataset, at_a_time: int) -> None:
    """Make what is missing of some searches, or was made with other recipes; what was begun goes on
    with the next trial."""
    todo = [name for name in names if not _is_fresh(name, dataset)]
    done = len(names) - len(todo)
    print(f"{done} of {len(names)} searches are in the reference already", flush=True)
    tasks = [(name,) for name in todo if name != "tuners"]
    if "tuners" in todo:
        tasks += [("tuners", method, seed) for seed in TUNER_SEEDS for method in TUNERS]
    parts = []
    for name, table in jobs.each(_search, tasks, at_a_time):
        if name != "tuners":
            _write_search(name, table, dataset)
            print(f"{name} · {len(table)} trials", flush=True)
        else:
            parts.append(table)
            print(f"tuners · {len(parts)} of {len(TUNER_SEEDS) * len(TUNERS)} searches", flush=True)
    if parts:
        table = pd.concat(parts).sort_values(["method", "seed", "trial"])
        _write_search("tuners", table, dataset)


def _is_fresh(name: str, dataset: Dataset) -> bool:
    """Whether a search is in the reference, all of it made with today's recipes."""
    if not search_trials.file(name).exists():
        return False
    table = search_trials.search(name)
    try:
        return "key" in table and table.key.tolist() == trial_keys(name, table, dataset)
    except (KeyError, TypeError, ValueError):  # its hyperparameters are not today's
        return False


def _write_search(name: str, table: pd.DataFrame, dataset: Dataset) -> None:
    text = table.round(6).to_csv(index=False)
    table = pd.read_csv(io.StringIO(text))  # its keys are those of what is read again
    tables.write_table(table.assign(key=trial_keys(name, table, dataset)), search_trials.file(name))


def trial_keys(name: str, table: pd.DataFrame, dataset: Dataset) -> list[str]:
    """Eight digits for each trial of a search, from all that determines it: recipe, data, profile,
    seed, and how trials are chosen and ended; but for the versions of Keras and TensorFlow."""
    if name in PUBLISHED_SEARCHES:
        from fmnist_utils.tuning import published

        profile = PROFILES["full"]
        facts = {"trials": published.SEARCHES[name][1], "random first": published.RANDOM_FIRST}
        recipes = [published.recipe(name, row) for row in table.to_dict("records")]
        seeds, endings = [published.SEED] * len(table), [{}] * len(table)
    else:
        from fmnist_utils import tuning

        space = tuning.SPACES[TUNER_SPACE]
        profile = PROFILES["lesson" if name == "tuners" else "full"]
        facts = {"space": {n: str(d) for n, d in space.ranges.items()}}
        rows = table[list(space.ranges)].to_dict("records")
        recipes = [space.recipe(row) for row in rows]
        seeds = table.seed if name == "tuners" else [0] * len(table)
        methods = table.method if name == "tuners" else ["tpe"] * len(table)
        endings = [{"pruning": tuning.PRUNING[method]} for method in methods]
    keys = []
    for recipe, seed, ending in zip(recipes, seeds, endings, strict=True):
        key = files.make_key(recipe, dataset, profile, int(seed)) | facts | ending
        keys.append(files.digest(key | {"versions": key["versions"]["training"]}))
    return keys


def _search(name: str, method: str = "", seed: int = 0) -> tuple[str, pd.DataFrame]:
    if name in PUBLISHED_SEARCHES:
        from fmnist_utils.tuning import published

        place = runs.run_store() / "searches"
        return name, published.make(name, data.load(PROFILES["full"]), place)
    from fmnist_utils import tuning

    space = tuning.SPACES[TUNER_SPACE]
    if name == "course-mlp":
        full = PROFILES["full"]
        return name, tuning.table(tuning.tune(name, space, data.load(full), full))
    lesson = PROFILES["lesson"]
    study = tuning.tune(
        f"tuners.{method}.seed{seed}",
        space,
        data.load(lesson),
        lesson,
        seed,
        method,
        TUNERS[method],
    )
    table = tuning.table(study).assign(method=method, seed=seed)
    return name, table.assign(finished=list(_finished(table, space, lesson, seed)))


def _finished(
    table: pd.DataFrame, space: "SearchSpace", profile: Profile, seed: int
) -> Iterator[float]:
    """Each trial's validation accuracy after all epochs, also of those that were ended early (for
    a seed of FINISHED_SEEDS; else NaN)."""
    dataset = data.load(profile)
    for row in table.to_dict("records"):
        if row["state"] == "pruned" and seed not in FINISHED_SEEDS:
            yield float("nan")
        elif row["state"] == "pruned":
            recipe = space.recipe({name: row[name] for name in space.ranges})
            splits = dataset.split(recipe.validation, profile)
            _, history = training.fit(recipe, splits, profile.epochs(recipe.epochs), seed)
            yield history.val_accuracy.iloc[-1]
        else:
            yield row["val_accuracy"]


def _teachers(students: list[Recipe]) -> list[tuple[Recipe, int]]:
    """The teachers of some recipes and their seeds, each once."""
    found = []
    for student in students:
        for number in range(student.teachers if student.teacher else 0):
            if (student.teacher, number) not in found:
                found.append((student.teacher, number))
    return found


def _recipe(id: str) -> Recipe:
    return MODELS[id] if id in MODELS else STUDIES[STUDY_OF[id]][id]


def _done(task: Task, dataset: Dataset) -> bool:
    id, seed = task
    key = files.make_key(_recipe(id), dataset, PROFILES["full"], seed)
    if id in STUDY_OF:
        return study_runs.has(id, seed, key)
    found = tables.run(id, seed)
    return found is not None and found.record["key"] == key


class _Clock:
    """Estimates what is left, from what each model took in the reference and what it takes here."""

    def __init__(self, todo: list[Task], known: dict[str, float], jobs: int) -> None:
        usual = sum(known.values()) / len(known) if known else None
        self._expected = {task: known.get(task[0], usual) for task in todo}
        self._left, self._jobs, self._start = dict(self._expected), jobs, time.monotonic()

    def finished(self, run: Run) -> None:
        del self._left[run.recipe.id, run.record["key"]["seed"]]

    def left(self) -> str:
        done = [task for task in self._expected if task not in self._left]
        passed = time.monotonic() - self._start
        if None not in self._expected.values():
            worked = sum(self._expected[task] for task in done)
            pace = passed / worked if worked else 1 / self._jobs
            seconds = pace * sum(self._left.values())
        elif done:
            seconds = passed / len(done) * len(self._left)
        else:
            return "unknown time"
        minutes = round(seconds / 60)
        return f"about {minutes // 60} h {minutes % 60:02} min"
