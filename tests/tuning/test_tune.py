"""Searches: repeatable, resumable, shared by workers, and refused before anything is trained."""

import contextlib
import itertools
import multiprocessing
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pandas as pd
import pytest
import sqlalchemy
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from fmnist_utils import CourseError, data, training, tuning
from fmnist_utils.profiles import PROFILES, Profile
from fmnist_utils.training import Recipe
from fmnist_utils.tuning import SearchSpace, search
from fmnist_utils.tuning import storage as trial_storage

BUDGET = Profile("tiny", 300, 200, 100, 1.0, None, 1)
ONE_LAYER = dict(widths=(8,), dropouts=(0.0,))
BASE = Recipe("tiny", "mlp", ONE_LAYER, "sgd", epochs=2, validation="first 5,000")
RANGES = {
    "learning_rate": FloatDistribution(1e-6, 0.3, log=True),
    "batch_size": IntDistribution(32, 96, step=32),
}
TINY = SearchSpace(RANGES, lambda chosen: BASE.but("tiny", **chosen), 4)


@pytest.fixture
def storage(tmp_path):
    return f"sqlite:///{tmp_path}/trials.db"


def outcome(study):
    return tuning.table(study).drop(columns="seconds").to_dict("records")


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    """Seven trials by one worker, never interrupted."""
    place = f"sqlite:///{tmp_path_factory.mktemp('whole')}/trials.db"
    return tuning.tune("s", TINY, dataset, BUDGET, 3, trials=7, storage=place)


def test_a_trial_is_what_training_gives(whole, dataset):
    trial = whole.get_trials()[2]
    recipe = BASE.but("again", **trial.params)
    _, history = training.fit(recipe, dataset.split("first 5,000", BUDGET), 2, 3)
    assert trial.intermediate_values == dict(enumerate(history.val_accuracy, start=1))
    assert trial.value == history.val_accuracy.iloc[-1]


def test_trials_are_judged_by_their_recipes_own_validation_images(storage, monkeypatch):
    drawn = np.arange(60_000, dtype=np.uint8)
    images = np.zeros((60_000, 28, 28), np.uint8)
    numbered = data.Dataset(data.ImageSet(images, drawn), data.ImageSet(images, drawn), "numbers")
    seen = []

    def fit(recipe, splits, epochs, seed, report):
        seen.append([part.labels[:2].tolist() for part in splits[:2]])
        report(1, {"val_accuracy": 0.5})
        return None, pd.DataFrame({"val_accuracy": [0.5]})

    monkeypatch.setattr(training, "fit", fit)
    tuning.tune("s", dataset=numbered, profile=BUDGET, storage=storage, **validated("last 20 %"))
    assert seen == [[[0, 1], [48_000 % 256, 48_001 % 256]]]


def test_table(whole):
    table = tuning.table(whole)
    assert table.trial.tolist() == list(range(7))
    assert list(table.columns[:5]) == ["trial", "state", "val_accuracy", "epochs", "seconds"]
    assert table.seconds.between(0, 60, inclusive="neither").all()
    assert table.batch_size.isin([32, 64, 96]).all()
    assert table.learning_rate.between(1e-6, 0.3).all()
    assert table.learning_rate.is_unique
    assert len(whole.trials) == 7, "none was begun and given up"


def test_a_worker_that_is_silent_for_a_minute_has_lost_its_trial(whole):
    kept = whole._storage._backend
    assert (kept.heartbeat_interval, kept.grace_period) == (10, 60)


def test_a_server_is_reached_by_the_driver_that_is_installed(monkeypatch):
    asked = []

    def create_engine(url):
        asked.append(url.drivername)
        raise OSError("no server here")

    monkeypatch.setattr(sqlalchemy, "create_engine", create_engine)
    with pytest.raises(CourseError, match="no server here"):
        trial_storage.open_study("postgresql://ann@server/db", "s", None, None)
    assert asked == ["postgresql+psycopg"]


def test_a_password_is_handed_on(monkeypatch):
    asked = []
    monkeypatch.setattr(optuna.storages, "RDBStorage", lambda url, **how: asked.append(url))
    trial_storage._tables_made(sqlalchemy.make_url("postgresql://ann:secret@server/db"))
    assert asked == ["postgresql://ann:secret@server/db"]


@pytest.mark.parametrize(
    "setting", ["uri", "mode", "cache", "immutable", "vfs", "nolock", "timeout"]
)
def test_the_settings_of_sqlite_are_known(setting, tmp_path):
    address = f"sqlite:///{tmp_path}/a.db?{setting}=1"
    assert trial_storage._address(address).query == {setting: "1"}


def test_a_file_that_is_an_address_is_refused():
    with pytest.raises(CourseError, match="--storage='https://server/a.db' is an address"):
        trial_storage._address("sqlite:///https://server/a.db")


@pytest.mark.parametrize("trial", [{"worker": "here:7"}, {}])
@pytest.mark.parametrize(("age", "counts"), [(50, True), (70, False)])
def test_a_trial_without_a_worker_counts_for_a_minute(trial, age, counts):
    begun = datetime.now() - timedelta(seconds=age)
    running = SimpleNamespace(
        state=optuna.trial.TrialState.RUNNING, datetime_start=begun, user_attrs=trial
    )
    assert search._counts(running) == (counts or bool(trial))
    for state in optuna.trial.TrialState:
        if state != running.state:
            assert search._counts(SimpleNamespace(state=state)) == (
                state.name in ("COMPLETE", "PRUNED")
            )


def test_what_a_trial_asks_for_is_in_its_range():
    asked = []
    trial = SimpleNamespace(
        suggest_float=lambda *given, **how: asked.append((*given, how)),
        suggest_int=lambda *given, **how: asked.append((*given, how)),
        suggest_categorical=lambda *given: asked.append(given),
    )
    ranges = {
        "rate": FloatDistribution(1e-3, 0.1, log=True),
        "dropout": FloatDistribution(0.0, 0.6, step=0.2),
        "width": IntDistribution(8, 32, step=8),
        "batch": CategoricalDistribution((64, 96)),
    }
    for name, d in ranges.items():
        search._suggest(trial, name, d)
    assert asked == [
        ("rate", 1e-3, 0.1, dict(step=None, log=True)),
        ("dropout", 0.0, 0.6, dict(step=0.2, log=False)),
        ("width", 8, 32, dict(step=8, log=False)),
        ("batch", (64, 96)),
    ]


def test_resumed_as_if_never_stopped(whole, dataset, storage):
    tuning.tune("s", TINY, dataset, BUDGET, 3, trials=3, storage=storage)
    told = []
    study = tuning.tune(
        "s", TINY, dataset, BUDGET, 3, trials=7, storage=storage, report=told.append
    )
    assert len(told) == 4
    assert told[0].startswith("trial 3 · ")
    assert outcome(study) == outcome(whole)
    again = tuning.tune(
        "s", TINY, dataset, BUDGET, 3, trials=7, storage=storage, report=told.append
    )
    assert outcome(again) == outcome(whole)
    assert len(told) == 4


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_an_interrupted_trial_is_tried_again_by_whoever_comes_first(dataset, storage, monkeypatch):
    """Even if others have finished trials meanwhile, after which it would draw something else."""
    fit, tried = training.fit, []

    def interrupted_fit(recipe, *given, **more):
        tried.append(recipe)
        if len(tried) == 3:
            signal.raise_signal(signal.SIGINT)
        return fit(recipe, *given, **more)

    monkeypatch.setattr(training, "fit", interrupted_fit)
    with pytest.raises(KeyboardInterrupt):
        tuning.tune("s", TINY, dataset, BUDGET, 3, trials=5, storage=storage)
    study = optuna.load_study(study_name="s", storage=storage)
    study.add_trial(optuna.create_trial(value=0.9, params={}, user_attrs={"seconds": 1.0}))
    study = tuning.tune("s", TINY, dataset, BUDGET, 3, trials=5, storage=storage)
    assert tried[3] == tried[2]
    assert [trial.state.name for trial in study.trials].count("FAIL") == 1
    assert tuning.table(study).trial.tolist() == [0, 1, 2, 3, 4]


def test_workers_make_no_more_trials_than_asked_for(whole, dataset, storage, monkeypatch):
    """One finds the last trial begun, at the same moment, by another: it waits for that one."""
    optimize, others = optuna.Study.optimize, []

    def late(study, *given, **more):
        if len(study.trials) == 2:
            others.append(study.ask())
            others[0].set_user_attr("worker", "elsewhere")
        optimize(study, *given, **more)

    def finish(_):
        others[0].set_user_attr("seconds", 1.0)
        study = optuna.load_study(study_name="s", storage=storage)
        study.tell(others[0].number, 0.5)

    monkeypatch.setattr(optuna.Study, "optimize", late)
    monkeypatch.setattr(time, "sleep", finish)
    study = tuning.tune("s", TINY, dataset, BUDGET, 3, trials=3, storage=storage)
    assert len(others) == 1
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3 + ["FAIL"]
    study = tuning.tune("s", TINY, dataset, BUDGET, 3, trials=5, storage=storage)
    table = tuning.table(study)
    assert table.trial.tolist() == [0, 1, 2, 3, 4]
    known = tuning.table(whole).learning_rate
    assert table.learning_rate.drop(2).tolist() == known[:5].drop(2).tolist()


def test_other_seeds_try_other_things_and_other_methods_begin_alike(whole, dataset, storage):
    tried = {tuple(tuning.table(whole).learning_rate[:2])}
    for method in tuning.METHODS:
        study = tuning.tune(method, TINY, dataset, BUDGET, 4, method, 2, storage=storage)
        tried.add(tuple(tuning.table(study).learning_rate))
    # Before its eleventh trial, TPE draws at random as well: from the same numbers here.
    assert len(tried) == 2


def test_after_ten_trials_tpe_looks_where_it_was_good():
    """The wrapped sampler finds a narrow peak more closely than random search does."""

    def distance(kind):
        sampler = search._ByNumber(kind, 0)
        sampler.study = study = optuna.create_study(sampler=sampler)
        study.optimize(lambda trial: (trial.suggest_float("x", -100, 100) - 30) ** 2, n_trials=60)
        return sum(abs(trial.params["x"] - 30) for trial in study.trials[30:]) / 30

    assert distance(tuning.METHODS["tpe"]) < distance(tuning.METHODS["random"]) / 3


@pytest.fixture
def curves(monkeypatch):
    """Validation accuracies, a list a trial, in the place of training."""
    waiting = []

    def fit(recipe, splits, epochs, seed, report):
        curve = waiting.pop(0)
        for epoch, reached in enumerate(curve, start=1):
            report(epoch, {"val_accuracy": reached})
        return None, pd.DataFrame({"val_accuracy": curve})

    monkeypatch.setattr(training, "fit", fit)
    return waiting


def test_hopeless_trials_are_ended_early(dataset, storage, curves):
    space = SearchSpace(RANGES, lambda chosen: BASE.but("x", epochs=8, **chosen), 8)
    curves += [[*[0.5] * 7, 0.9]] * 4 + [[0.1] * 8]  # nothing is ended before five trials are done
    curves += [[0.1] * 8, [*[0.1] * 3, *[0.5] * 4, 0.9]]  # nor in the first half of the epochs
    curves += [[0.5] * 8]  # nor when there is nothing left to save
    table = tuning.table(tuning.tune("s", space, dataset, BUDGET, storage=storage))
    assert table.state.tolist() == ["complete"] * 5 + ["pruned", "complete", "complete"]
    assert table.epochs.tolist() == [8] * 5 + [4, 8, 8]


def test_hyperband_goes_on_with_the_best_third(dataset, storage, curves):
    two = SearchSpace(RANGES, lambda chosen: BASE.but("x", epochs=2, **chosen), 7)
    first = [0.50, 0.40, 0.55, 0.45, 0.51, 0.54, 0.52]
    curves += [[reached, 0.9] for reached in first]
    table = tuning.table(tuning.tune("two", two, dataset, BUDGET, 0, "hyperband", storage=storage))
    # The best so far; and of six or seven the two best: .55 and .54.
    assert table.epochs.tolist() == [2, 1, 2, 1, 1, 2, 1]
    assert (table.state == "pruned").tolist() == (table.epochs == 1).tolist()


def test_hyperband_gives_some_trials_more_time_before_it_judges(dataset, storage, curves):
    eight = SearchSpace(RANGES, lambda chosen: BASE.but("x", epochs=8, **chosen), 60)
    curves += [[0.9 - n / 100] * 8 for n in range(60)]  # each is worse than all before it
    study = tuning.tune("eight", eight, dataset, BUDGET, 0, "hyperband", storage=storage)
    ended = tuning.table(study).epochs.value_counts()
    # Li and others 2018, for 8 epochs and thirds: 3 of 5 begin at one epoch, 2 of 5 at three. Of
    # either, the first had nothing to be worse than.
    assert ended[8] == 2
    assert ended[1] + ended[3] == 58
    assert 28 <= ended[1] <= 44


def test_hyperband_draws_what_random_search_draws(dataset, storage, curves):
    """Each trial anew, whichever bracket it belongs to."""
    eight = SearchSpace(RANGES, lambda chosen: BASE.but("x", epochs=8, **chosen), 20)
    curves += [[0.5] * 8] * 40
    drawn = [
        tuning.table(tuning.tune(how, eight, dataset, BUDGET, 3, how, storage=storage))
        for how in ("hyperband", "random")
    ]
    assert drawn[0].learning_rate.is_unique
    assert drawn[0].learning_rate.tolist() == drawn[1].learning_rate.tolist()


def test_a_trial_is_worth_its_last_epoch(dataset, storage, curves):
    told = []
    curves += [[0.91, 0.84], [0.7, 0.75]]
    space = replace(TINY, ranges=RANGES | {"batch_size": IntDistribution(1001, 1999)})
    study = tuning.tune("s", space, dataset, BUDGET, trials=2, storage=storage, report=told.append)
    assert [trial.value for trial in study.trials] == [0.84, 0.75]
    assert study.best_value == 0.84
    assert study.user_attrs["made with"]["seed"] == 0
    me = f"{socket.gethostname()}:{os.getpid()}"
    assert {trial.user_attrs["worker"] for trial in study.trials} == {me}
    table = tuning.table(study)
    assert table.val_accuracy.tolist() == [0.84, 0.75]
    rate, size = table.learning_rate[1], table.batch_size[1]
    assert told[1] == (
        "trial 1 · complete · validation accuracy 75.00 % after 2 epochs · "
        f"learning_rate {rate:.3g} · batch_size {size}"
    )


def ranging(**ranges):
    """A change of `tune`'s arguments: another space."""
    return dict(space=SearchSpace(ranges, lambda chosen: BASE.but("x", **chosen), 1))


def pooling(least, most):
    """A change of `tune`'s arguments: networks that halve the image so many times."""

    def recipe(chosen):
        return Recipe("x", "conv2d", dict(filters=chosen["depth"] * (4,)), "sgd")

    return dict(space=SearchSpace({"depth": IntDistribution(least, most)}, recipe, 1))


def validated(rule):
    """A change of `tune`'s arguments: recipes that choose by other images."""
    return dict(
        space=SearchSpace(RANGES, lambda chosen: BASE.but("x", validation=rule, **chosen), 1)
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (ranging(), "space is empty"),
        (ranging(epochs=(1, 2)), "optuna.distributions"),
        (ranging(epochz=IntDistribution(1, 2)), "can't be built.*epochz"),
        (ranging(widths=IntDistribution(1, 2)), "can't be built"),
        (pooling(4, 5), "can't be built.*depth.: 5"),
        (
            ranging(activation=CategoricalDistribution(("relu", "tanh", "no such"))),
            "can't be built.*no such",
        ),
        (validated("none"), "validation='none'.*needs training images that are held out"),
        (validated("test"), "validation='test'.*needs training images that are held out"),
        (dict(trials=0), "A search of 0 trials"),
        (dict(method="psychic"), "psychic.*tpe, random, hyperband"),
        (dict(seed=-1), "seed"),
        (dict(profile=PROFILES["full"]), "full .* refuses the drawn stand-in"),
        (dict(storage="quark"), "quark can't be used"),
        (dict(storage="sqlite:////nowhere/at/all.db"), "can't be used.*unable to open"),
        (dict(storage="oracle://u:secret@host/x"), "^the storage can't be used"),
        (dict(storage="postgresql://u:secret@127.0.0.1:1/x"), "^the storage can't.*refused"),
    ],
)
def test_refused_before_anything_is_trained(changes, says, dataset, storage, monkeypatch):
    monkeypatch.setattr(training, "fit", None)
    given = dict(space=TINY, dataset=dataset, profile=BUDGET, storage=storage) | changes
    with pytest.raises(CourseError, match=says) as refused:
        tuning.tune("s", **given)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_warning_comes_first(dataset, monkeypatch):
    monkeypatch.setattr(trial_storage, "password_warning", lambda address: f"beware of {address}")
    monkeypatch.setattr(trial_storage, "open_study", None)
    told = []
    with pytest.raises(TypeError):  # as nothing opens
        tuning.tune("s", TINY, dataset, BUDGET, storage="server", report=told.append)
    assert told == ["beware of server"]


def opened(storage):
    study = trial_storage.open_study(storage, "any", optuna.samplers.RandomSampler(0), None)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    return study


STRANGE = ["a b", "q?x", "with#and%20and%", "{braces}", "Übung/運動靴", "it's", "[a]*"]


@pytest.mark.parametrize("name", STRANGE)
def test_trials_are_kept_in_the_run_store_whatever_its_name(name, tmp_path, monkeypatch):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path / name))
    opened(None)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept == [tmp_path / name / "tuning.db"]
    assert len(opened(None).trials) == 2


ADDRESSES = {
    "sqlite:///search.db": "work/search.db",
    "sqlite:///a b ü.db": "work/a b ü.db",
    "sqlite:///~/search.db": "home/search.db",
    "sqlite:///with#hash.db": "work/with#hash.db",
    "sqlite:///100%25.db": "work/100%.db",
    "sqlite:///q%3Fx.db": "work/q?x.db",
    "sqlite:///slow.db?timeout=9": "work/slow.db",
    "sqlite+pysqlite:///search.db": "work/search.db",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_storage_is_the_file_that_is_named(address, tmp_path, monkeypatch):
    for folder in ("home", "work"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    study = opened(address)
    monkeypatch.chdir("/")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept == [tmp_path / ADDRESSES[address]]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("sqlite:///q?x/search.db", "'x/search.db' is no setting of SQLite; write %3F for a ?"),
        ("sqlite:///~nobody-of-this-name/s.db", "needs a home folder"),
        ("sqlite:///s.db ", "spaces at its ends"),
        ("search.db", "can't be used"),
        ("~/search.db", "can't be used"),
        ("sqlite://search.db", "can't be used"),
        ("postgresql://host:port/db", "can't be used"),
        ("", "can't be used"),
    ],
)
def test_a_storage_that_is_no_address_is_refused(address, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trial_storage.password_warning(address)
    with pytest.raises(CourseError, match=re.escape(says)) as refused:
        opened(address)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"not a database, but long enough to look at" * 9, None])
def test_a_storage_of_something_else_is_left_alone(content, dataset, tmp_path):
    file = tmp_path / "other.db"
    if content is None:
        with sqlite3.connect(file) as other:
            other.execute("create table stamps (country text)")
    else:
        file.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(CourseError, match="not a database|something else, stamps"):
        tuning.tune("s", TINY, dataset, BUDGET, storage=f"sqlite:///{file}")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            dict(space=replace(TINY, ranges=RANGES | {"batch_size": IntDistribution(32, 64)})),
            "space",
        ),
        (
            dict(space=replace(TINY, recipe=lambda tried: BASE.but("", optimizer="adam", **tried))),
            "recipe",
        ),
        (dict(profile=Profile("other", 200, 200, 100, 1.0, None, 1)), "images"),
        (dict(profile=Profile("other", 300, 201, 100, 1.0, None, 1)), "images"),
        (dict(profile=Profile("other", 300, 200, 100, 0.5, None, 1)), "epochs"),
        (dict(seed=9), "seed"),
        (dict(method="random"), "method"),
        (dict(method="hyperband"), "method and pruning"),
        (dict(dataset=SimpleNamespace(fingerprint="others")), "data"),
    ],
)
def test_a_study_made_otherwise_is_refused(changes, says, whole, dataset, monkeypatch):
    monkeypatch.setattr(training, "fit", None)
    url = whole._storage._backend.url
    given = dict(space=TINY, dataset=dataset, profile=BUDGET, seed=3, storage=url) | changes
    with pytest.raises(CourseError, match=f"made with other {says};"):
        tuning.tune("s", trials=9, **given)


def test_in_the_run_store_a_search_made_otherwise_is_another_one(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path))
    made, curve = [], pd.DataFrame({"val_accuracy": [0.5, 0.6]})
    monkeypatch.setattr(training, "fit", lambda *given, **_: made.append(given[3]) or (None, curve))
    studies = [tuning.tune("s", TINY, dataset, BUDGET, seed, trials=2) for seed in (3, 3, 4)]
    assert made == [3, 3, 4, 4]
    assert studies[0].study_name == studies[1].study_name != studies[2].study_name
    assert all(study.study_name.startswith("s.") for study in studies)


@pytest.mark.parametrize("space", tuning.SPACES.values(), ids=tuning.SPACES)
def test_the_courses_spaces_can_be_built(space):
    assert search._check(space).build().output_shape == (None, 10)


def worker(storage, trials):
    """A worker of the study mlp, as people start it."""
    return subprocess.Popen(
        [
            *(sys.executable, "-u", "-m", "fmnist_utils", "tune", "mlp", "--profile", "smoke"),
            *("--trials", str(trials), "--storage", storage),
        ],
        env=os.environ | {"FMNIST_DATA_DIR": "stand-in"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def two_workers(storage):
    """Two workers that start at once on an empty storage: one study, both take part."""
    both = [worker(storage, 5), worker(storage, 5)]
    said = [one.communicate(timeout=200)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    study = optuna.load_study(study_name="mlp.tpe.smoke.seed0", storage=storage)
    table = tuning.table(study)
    assert len(table) == 5
    assert table.learning_rate.is_unique
    assert len({trial.user_attrs["worker"] for trial in study.trials}) == 2
    assert sum(len(re.findall(r"^trial \d+ · ", text, re.M)) for text in said) == len(table)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("postgresql://ann@server/db", True),
        ("postgresql+psycopg://ann@server/db", True),
        ("mysql://server/db", True),
        ("postgresql://ann:secret@server/db", False),
        ("sqlite:///trials.db", False),
        ("quark", False),
        (None, False),
    ],
)
def test_a_server_without_a_password_is_warned_of(url, warned, monkeypatch):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.delenv("PGPASSFILE", raising=False)
    warning = trial_storage.password_warning(url)
    assert warning.startswith("warning: server is entered without a password") == warned
    for known in ("PGPASSWORD", "PGPASSFILE"):
        with monkeypatch.context() as set_here:
            set_here.setenv(known, "secret")
            assert trial_storage.password_warning(url) == ""


@pytest.mark.parametrize(
    ("message", "times", "tries"),
    [
        ("table studies already exists", 2, 3),
        ("UNIQUE constraint failed", 9, 10),
        ("UNIQUE constraint failed", 10, None),
        ("disk I/O error", 1, None),
    ],
)
def test_tables_that_others_are_making_are_waited_for(message, times, tries, monkeypatch):
    asked, waited = [], []

    def storage(address, **settings):
        asked.append(address)
        if len(asked) <= times:
            raise sqlalchemy.exc.OperationalError("CREATE", {}, Exception(message))
        return settings["heartbeat_interval"]

    monkeypatch.setattr(optuna.storages, "RDBStorage", storage)
    monkeypatch.setattr(time, "sleep", waited.append)
    url = sqlalchemy.make_url("postgresql://user:secret@server/x")
    if tries is None:
        with pytest.raises(sqlalchemy.exc.OperationalError, match=message):
            trial_storage._tables_made(url)
        assert len(asked) == times
    else:
        assert trial_storage._tables_made(url) == trial_storage.HEARTBEAT
        assert asked == ["postgresql://user:secret@server/x"] * tries
        assert len(waited) == tries - 1
        assert all(0 < seconds < 1 for seconds in waited)


@pytest.mark.parametrize("trials", [0, 1])
def test_a_study_that_others_have_begun_is_not_taken_over(trials):
    others = optuna.create_study()
    if trials:
        others.add_trial(optuna.create_trial(value=0.5))
    else:
        others.set_user_attr("made with", {"seed": 1})
    with pytest.raises(CourseError, match="made with other seed"):
        trial_storage.refuse_other_settings(others, {"seed": 2})
    assert others.user_attrs.get("made with") in (None, {"seed": 1})


def test_the_run_stores_own_file_is_named_if_it_is_no_database(tmp_path, monkeypatch):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path))
    (tmp_path / "tuning.db").write_text("something else, and long enough to be no database" * 9)
    with pytest.raises(CourseError, match=r"^tuning\.db can't be used as a storage of trials"):
        trial_storage.open_study(None, "s", None, None)


@pytest.mark.long
def test_two_workers_on_a_file(storage):
    two_workers(storage)


def program(name):
    """One of PostgreSQL's programs; Debian keeps them out of the PATH. None if not installed."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), None]
    return next(filter(None, (shutil.which(name, path=place) for place in places)), None)


@pytest.fixture
def server():
    """A PostgreSQL server of the test's own: the address of an empty database."""
    initdb, postgres = program("initdb"), program("postgres")
    if not (initdb and postgres):
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    user = {"user": "postgres"} if os.geteuid() == 0 else {}  # it refuses to run as root
    place = tempfile.mkdtemp()
    try:
        if user:
            shutil.chown(place, "postgres")
    except LookupError:
        pytest.skip("PostgreSQL doesn't run as root, and there is no user postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=place, **user)
    made = [initdb, "-D", f"{place}/db", "-U", "postgres", "-A", "trust"]
    subprocess.run(made, check=True, **quiet)
    process = subprocess.Popen(
        [postgres, "-D", f"{place}/db", "-h", "127.0.0.1", "-p", str(port), "-k", place], **quiet
    )
    try:
        for _ in range(100):
            with socket.socket() as ready:
                if ready.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        shutil.rmtree(place, ignore_errors=True)


@pytest.mark.long
def test_two_workers_on_a_real_postgresql(server):
    two_workers(server.replace("postgresql:", "postgresql+psycopg:"))


def stuck_worker(storage):
    """A worker that gets no further than the first epoch of its first trial."""

    def stuck_fit(recipe, splits, epochs, seed, report):
        report(1, {"val_accuracy": 0.5})
        time.sleep(600)

    training.fit = stuck_fit
    os.environ["FMNIST_DATA_DIR"] = "stand-in"
    tuning.tune("s", TINY, data.load(BUDGET), BUDGET, 3, trials=3, storage=storage)


def test_a_killed_worker_loses_its_trial_and_the_next_tries_it_again(dataset, storage, monkeypatch):
    first = multiprocessing.get_context("spawn").Process(target=stuck_worker, args=(storage,))
    first.start()
    lost, until = [], time.monotonic() + 100
    while not lost and first.is_alive() and time.monotonic() < until:
        time.sleep(0.2)
        with contextlib.suppress(KeyError, optuna.exceptions.OptunaError):  # nothing there yet
            trials = optuna.load_study(study_name="s", storage=storage).trials
            lost = [trial for trial in trials if trial.intermediate_values]
    first.kill()
    first.join()
    monkeypatch.setattr(trial_storage, "HEARTBEAT", 1)
    monkeypatch.setattr(trial_storage, "GRACE", 1)
    time.sleep(2)
    study = tuning.tune("s", TINY, dataset, BUDGET, 3, trials=3, storage=storage)
    table = tuning.table(study)
    assert len(table) == 3
    assert lost[0].params in table[list(RANGES)].to_dict("records")
    assert [trial.state.name for trial in study.trials].count("FAIL") == 1


@pytest.mark.long
def test_who_waits_for_another_worker_makes_its_trial_if_that_one_dies(
    dataset, storage, monkeypatch
):
    monkeypatch.setattr(trial_storage, "HEARTBEAT", 1)
    monkeypatch.setattr(trial_storage, "GRACE", 1)
    optimize, sleep, waited, others = optuna.Study.optimize, time.sleep, [], []

    def late(study, *given, **more):
        if len(study.trials) == 2:
            others.append(study.ask())
            others[0].set_user_attr("worker", "elsewhere")
            study._storage.record_heartbeat(others[0]._trial_id)
        optimize(study, *given, **more)

    def wait(seconds):
        waited.append(seconds)
        assert len(waited) < 30, "nothing will come"
        sleep(seconds)

    monkeypatch.setattr(optuna.Study, "optimize", late)
    monkeypatch.setattr(time, "sleep", wait)
    study = tuning.tune("s", TINY, dataset, BUDGET, 3, trials=3, storage=storage)
    assert waited
    assert tuning.table(study).trial.tolist() == [0, 1, 2]
    assert study.trials[others[0].number].state.name == "FAIL"


def test_a_trial_s_seconds_are_those_to_the_end_of_its_last_epoch(
    dataset, storage, curves, monkeypatch
):
    clock = itertools.count(step=30)  # at the start, and after each epoch
    times = SimpleNamespace(monotonic=lambda: next(clock), sleep=time.sleep)
    monkeypatch.setattr(search, "time", times)
    curves += [[0.5, 0.6], [0.7, 0.8]]
    table = tuning.table(tuning.tune("s", TINY, dataset, BUDGET, trials=2, storage=storage))
    assert table.seconds.tolist() == [60, 60]
