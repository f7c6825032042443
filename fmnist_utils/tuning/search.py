"""Searches with Optuna, by one worker or by many that share a storage.

The trials live in Optuna's own storage (an SQLite file, or a database server that several machines
reach), so that any number of workers take part. A trial that is interrupted, or whose worker is
killed, is tried again with its own hyperparameters, by whichever worker comes first.
"""

import json
import os
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.trial import TrialState

from fmnist_utils import data, training
from fmnist_utils.data import Dataset
from fmnist_utils.messages import CourseError, Held
from fmnist_utils.profiles import Profile, check_seed
from fmnist_utils.recipes.spaces import SearchSpace
from fmnist_utils.runs import files
from fmnist_utils.training import Recipe
from fmnist_utils.tuning import storage as trial_storage

# An interrupted trial is a warning to Optuna, with a traceback; an error is raised anyhow.
optuna.logging.set_verbosity(optuna.logging.ERROR)

# What draws the next trial; and what ends one early, in the words of a search's key.
METHODS = {
    "tpe": optuna.samplers.TPESampler,
    "random": optuna.samplers.RandomSampler,
    "hyperband": optuna.samplers.RandomSampler,
}
# Earlier, a trial whose learning rate is high and has still to fall looks worse than it ends.
_MEDIAN = "below the median, after half of the epochs"
PRUNING = {"tpe": _MEDIAN, "random": _MEDIAN, "hyperband": "below the best third of each rung"}
DONE = (TrialState.COMPLETE, TrialState.PRUNED)


def tune(
    name: str,
    space: SearchSpace,
    dataset: Dataset,
    profile: Profile,
    seed: int = 0,
    method: str = "tpe",
    trials: int | None = None,
    storage: str | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> optuna.Study:
    """Take part in a search until it has `trials` trials; Optuna's study, whoever made them.

    A trial trains a recipe with `seed` on the profile's images and is worth its accuracy on the
    recipe's validation images after the last epoch. What a trial tries depends on seed, its place
    in the search and the finished trials only: one worker that goes on after an interruption tries
    what it would have tried. (Two workers see each other's trials as they come. Which rungs a trial
    of Hyperband has to take goes by Optuna's own numbers, which count interrupted ones, too.)

    name: under which the storage keeps the study.
    method: a key of METHODS. "tpe" and "random" end a trial early if, after half of its epochs or
        later, it is worse than the median of the complete trials before it at the same epoch;
        "hyperband" draws at random as well, and ends all but the best third of those that have
        come as far, after 1, 3, 9, … epochs (Li and others 2018; some begin with a later rung).
    storage: an address as SQLAlchemy takes it, "sqlite:///search.db" or
        "postgresql://user@host/database"; None: the file tuning.db in the run store,
        where a search with other settings is another study.
    report: called with a line of text after each trial, and with a warning if the storage is a
        server without a password.
    Raises CourseError, before anything is trained, for a space that is empty, from which no network
    can be built or whose recipes hold no training images out, for less than one trial, for a
    storage that can't be used, and, where one is named, for its study of that name with another
    space, other data or other settings.
    """
    seed = check_seed(seed)
    data.refuse_stand_in(dataset, profile)
    trials = space.trials if trials is None else trials
    if trials < 1:
        raise CourseError(f"A search of {trials} trials finds nothing; ask for at least one.")
    if method not in METHODS:
        raise CourseError(f"{method!r} is not a method; choose one of {', '.join(METHODS)}.")
    corner = _check(space)
    epochs = profile.epochs(corner.epochs)
    if warning := trial_storage.password_warning(storage):
        report(warning)
    made_with = {
        "space": {name: json.loads(distribution_to_json(d)) for name, d in space.ranges.items()},
        "recipe": files.settings_digest(corner),
        "data": dataset.fingerprint,
        "seed": seed,
        "method": method,
        "epochs": epochs,
        "pruning": PRUNING[method],
        "images": [profile.train_images, profile.validation_images],
    }
    if storage is None:
        name = f"{name}.{files.digest(made_with)}"
    sampler, pruner = _ByNumber(METHODS[method], seed), _pruner(method, epochs)
    study = trial_storage.open_study(storage, name, sampler, pruner)
    sampler.study = study
    trial_storage.refuse_other_settings(study, made_with)
    held = Held()

    def train(trial: optuna.Trial) -> float:
        if sum(map(_counts, study.get_trials(deepcopy=False)[: trial.number])) >= trials:
            trial.set_user_attr("surplus", True)
            raise _Surplus
        recipe = space.recipe({n: _suggest(trial, n, d) for n, d in space.ranges.items()})
        trial.set_user_attr("worker", f"{socket.gethostname()}:{os.getpid()}")
        start = time.monotonic()

        def watch(epoch: int, row: dict[str, float]) -> None:
            with Held():
                trial.set_user_attr("seconds", time.monotonic() - start)
                trial.report(row["val_accuracy"], epoch)
                if epoch < epochs and trial.should_prune():
                    raise optuna.TrialPruned

        try:
            with held.taken():
                splits = dataset.split(recipe.validation, profile)
                _, history = training.fit(recipe, splits, epochs, seed, report=watch)
        except KeyboardInterrupt:
            _queue_again(study, trial)
            raise
        return history.val_accuracy.iloc[-1]

    def tell(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if trial.state in DONE:
            place = _place(study.get_trials(deepcopy=False), trial)
            report(f"trial {place} · {trial.state.name.lower()} · {_describe(trial)}")

    # What Optuna writes isn't left half done: signals act while a trial trains, or none is there.
    with held:
        while sum(trial.state in DONE for trial in study.get_trials(deepcopy=False)) < trials:
            if sum(map(_counts, study.get_trials(deepcopy=False))) < trials:
                study.optimize(train, n_trials=1, callbacks=[tell], catch=_Surplus)
                continue
            with held.taken():  # others make the last ones, if nothing happens to them
                time.sleep(1)
            with trial_storage.unwarned():
                optuna.storages.fail_stale_trials(study)
    return study


def table(study: optuna.Study) -> pd.DataFrame:
    """One row a finished trial: trial (its place in the search, from 0), state, val_accuracy (as a
    fraction, after its last epoch), epochs, seconds, and its hyperparameters."""
    # Not `study.trials_dataframe`: there, whole numbers become fractions while a trial is running.
    trials = study.get_trials(deepcopy=False)
    rows = [
        {
            "trial": _place(trials, trial),
            "state": trial.state.name.lower(),
            "val_accuracy": trial.value,
            "epochs": trial.last_step,
            "seconds": trial.user_attrs["seconds"],
            **trial.params,
        }
        for trial in trials
        if trial.state in DONE
    ]
    return pd.DataFrame(sorted(rows, key=lambda row: row["trial"]))


def _pruner(method: str, epochs: int) -> optuna.pruners.BasePruner:
    if method == "hyperband":
        return optuna.pruners.HyperbandPruner(1, epochs, 3)
    return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=epochs // 2)


class _Surplus(Exception):
    """Others have begun the last trials at the same moment."""


def _counts(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a trial is done, or is being made: its worker, which signs it at once, lives, or
    Optuna will find that it doesn't."""
    if trial.state != TrialState.RUNNING:
        return trial.state in DONE
    just_begun = datetime.now() - trial.datetime_start < timedelta(seconds=trial_storage.GRACE)
    return just_begun or "worker" in trial.user_attrs


def _queue_again(study: optuna.Study, trial: optuna.Trial) -> None:
    """Let the next worker try an interrupted trial again, as Optuna does if a worker is killed."""
    with trial_storage.unwarned():
        again = optuna.storages.RetryHeartbeatStaleTrialCallback()
    again(study, study.trials[trial.number])


def _place(trials: list[optuna.trial.FrozenTrial], trial: optuna.trial.FrozenTrial) -> int:
    """A trial's place in the search: the number that it would have if none of all these trials, in
    the order of their numbers, had ever been tried again or been one too many."""
    first = trial.system_attrs.get("failed_trial", trial.number)
    return sum(
        "failed_trial" not in other.system_attrs and "surplus" not in other.user_attrs
        for other in trials[:first]
    )


def _check(space: SearchSpace) -> Recipe:
    """The recipe of the space's first corner; raises CourseError if a corner can't be built,
    or leaves nothing to choose by but the test images."""
    if not space.ranges:
        raise CourseError("The search space is empty: give at least one hyperparameter a range.")
    for end in (-1, 0):
        corner = {}
        for name, d in space.ranges.items():
            if not isinstance(d, BaseDistribution):
                raise CourseError(
                    f"The range of {name!r} is {d!r}; give one of optuna.distributions, such as "
                    "FloatDistribution(0.0, 0.5)."
                )
            ends = d.choices if isinstance(d, CategoricalDistribution) else (d.low, d.high)
            corner[name] = ends[end]
        try:
            recipe = space.recipe(corner)
            recipe.build()
        except (KeyError, TypeError, ValueError) as error:
            raise CourseError(
                f"The search space holds what can't be built ({corner}): {error}"
            ) from None
        if recipe.validation in ("none", "test"):
            raise CourseError(
                f"The search space's recipes have validation={recipe.validation!r}, and a search "
                'needs training images that are held out; name "first 5,000" or "last 20 %".'
            )
    return recipe


class _ByNumber(optuna.samplers.BaseSampler):
    """Another sampler, its random numbers drawn anew for each trial from seed and the trial's
    place in the search.

    study: the whole search. (Hyperband shows a sampler the trials of one bracket only.)
    """

    study: optuna.Study

    def __init__(self, kind: type[optuna.samplers.BaseSampler], seed: int) -> None:
        self._kind, self._seed = kind, seed

    def infer_relative_search_space(self, study, trial):
        place = _place(self.study.get_trials(deepcopy=False), trial)
        seed = np.random.SeedSequence([self._seed, place]).generate_state(1)[0]
        self._now = self._kind(seed=int(seed))
        return self._now.infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        return self._now.sample_relative(study, trial, search_space)

    def sample_independent(self, *given):
        return self._now.sample_independent(*given)


def _suggest(trial: optuna.Trial, name: str, d: BaseDistribution) -> float | int | str:
    if isinstance(d, FloatDistribution):
        return trial.suggest_float(name, d.low, d.high, step=d.step, log=d.log)
    if isinstance(d, IntDistribution):
        return trial.suggest_int(name, d.low, d.high, step=d.step, log=d.log)
    return trial.suggest_categorical(name, d.choices)


def _describe(trial: optuna.trial.FrozenTrial) -> str:
    reached = trial.intermediate_values.get(trial.last_step or 0, float("nan"))
    tried = " · ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in trial.params.items()
    )
    return f"validation accuracy {100 * reached:.2f} % after {trial.last_step} epochs · {tried}"
