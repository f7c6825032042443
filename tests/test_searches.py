"""The kept searches: KerasTuner's spaces are the published ones; what is made once stays."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import keras_tuner
import numpy as np
import optuna
import pandas as pd
import pytest

from fmnist_utils import (
    CourseError,
    checkpoint,
    keras_search,
    reference,
    searches,
    spaces,
    training,
)
from fmnist_utils.profiles import PROFILES, Profile
from fmnist_utils.published import PUBLISHED


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No test writes into the package's own reference."""
    monkeypatch.setattr(reference, "FOLDER", tmp_path / "reference")


def space_of(choose):
    hp = keras_tuner.HyperParameters()
    recipe = choose(hp)
    return hp, recipe


def test_the_perceptrons_space_is_the_published_one():
    hp, _ = space_of(keras_search.mlp)
    hp.values["num_layers"] = 5
    keras_search.mlp(hp)
    ranges = {
        one.name: one.values if one.name == "learning_rate" else
        (one.min_value, one.max_value, one.step)
        for one in hp.space
    }  # fmt: skip
    assert ranges == {
        "num_layers": (2, 5, 1), "learning_rate": [1e-3, 1e-4, 1e-5],
        **{f"units_{i}": (32, 512, 32) for i in range(1, 6)},
        **{f"dropout_{i}": (0.0, 0.3, 0.1) for i in range(1, 6)},
    }  # fmt: skip
    assert keras_search.SEARCHES["search-mlp"][1] == 6


def test_the_cnns_space_is_the_published_one():
    hp, _ = space_of(keras_search.cnn)
    choices = {one.name: one.values for one in hp.space if not hasattr(one, "step")}
    assert choices == {
        "conv_1_filter": [16, 32], "conv_2_filter": [32, 64], "conv_3_filter": [64, 128],
        **{f"conv_{i}_kernel": [3, 4] for i in (1, 2, 3)}, "learning_rate": [1e-3, 1e-4],
    }  # fmt: skip
    steps = {o.name: (o.min_value, o.max_value, o.step) for o in hp.space if hasattr(o, "step")}
    assert steps == {
        "units": (128, 512, 32),
        **{f"dropout_{place}": (0.0, 0.4, 0.1) for place in (2, 3, "dense")},
    }
    assert keras_search.SEARCHES["search-cnn"][1] == 5


def test_the_published_winners_are_points_of_the_spaces():
    hp = keras_tuner.HyperParameters()
    hp.values = {"num_layers": 4, "learning_rate": 1e-4, "units_1": 448, "dropout_1": 0.3}
    hp.values |= {f"units_{i}": 32 for i in (2, 3, 4)} | {f"dropout_{i}": 0.0 for i in (2, 3, 4)}
    found = keras_search.mlp(hp)
    wanted = PUBLISHED["mlp-tuned"]
    assert {k: tuple(v) if isinstance(v, tuple | list) else v for k, v in found.options.items()} \
        == wanted.options  # fmt: skip
    assert replace(found, id="", options={}) == replace(
        wanted, id="", options={}, source="", unstated="", reported={}
    )
    hp = keras_tuner.HyperParameters()
    hp.values = {"conv_1_filter": 32, "conv_2_filter": 32, "conv_3_filter": 128, "dropout_2": 0.2}
    hp.values |= {"dropout_3": 0.4, "units": 128, "dropout_dense": 0.2, "learning_rate": 1e-4}
    hp.values |= {f"conv_{i}_kernel": 3 for i in (1, 2, 3)}
    ours, theirs = (r.build() for r in (keras_search.cnn(hp), PUBLISHED["cnn-tuned"]))
    assert [layer.get_config() | {"name": 0, "build_config": 0} for layer in ours.layers] == [
        layer.get_config() | {"name": 0, "build_config": 0} for layer in theirs.layers
    ]


@pytest.fixture
def small(monkeypatch):
    """The searches on few images, two trials of two epochs."""
    tiny = Profile("full", 200, 100, 100, 1.0, None, 1)
    monkeypatch.setattr(keras_search, "PROFILES", {"full": tiny})
    for id in ("mlp-tuned", "cnn-tuned"):
        monkeypatch.setitem(PUBLISHED, id, replace(PUBLISHED[id], epochs=2))
    for id, (choose, _) in keras_search.SEARCHES.items():
        monkeypatch.setitem(keras_search.SEARCHES, id, (choose, 2))


@pytest.mark.parametrize("id", searches.PUBLISHED_SEARCHES)
def test_a_published_search_goes_on_where_it_was(id, small, dataset, tmp_path, monkeypatch, capsys):
    choose, _ = keras_search.SEARCHES[id]
    with monkeypatch.context() as shorter:
        shorter.setitem(keras_search.SEARCHES, id, (choose, 1))
        first = keras_search.search(id, dataset, tmp_path)
    made = (tmp_path / id / "trial_0" / "facts.json").read_text()
    table = keras_search.search(id, dataset, tmp_path)
    assert (tmp_path / id / "trial_0" / "facts.json").read_text() == made
    assert table.trial.tolist() == [1, 2]
    pd.testing.assert_frame_equal(table[:1][first.columns], first, check_dtype=False)
    assert table.epochs.tolist() == [2, 2]
    assert table.val_accuracy.between(0, 1).all()
    assert table.seconds.gt(0).all()
    score = json.loads((tmp_path / id / "trial_1" / "trial.json").read_text())["score"]
    assert table.val_loss[1] == score


def test_a_search_stopped_within_a_trial_ends_like_one_that_was_not(
    small, dataset, tmp_path, monkeypatch
):
    whole = keras_search.search("search-mlp", dataset, tmp_path / "whole")
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    save, saved = checkpoint.save, []

    def stop(*given):
        save(*given)
        saved.append(given)
        if len(saved) == 3:  # the first epoch of the second trial
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        keras_search.search("search-mlp", dataset, tmp_path / "stopped")
    again = keras_search.search("search-mlp", dataset, tmp_path / "stopped")
    assert len(saved) == 4
    pd.testing.assert_frame_equal(
        whole.drop(columns="seconds"), again.drop(columns="seconds"), check_exact=True
    )


def test_what_is_there_is_not_made_again(dataset, monkeypatch, capsys):
    real = replace(dataset, source="Fashion-MNIST")
    asked = []

    def each(function, tasks, at_a_time):
        asked.append(tasks)
        for id, *what in tasks:
            facts = dict(zip(("sampler", "seed"), what, strict=False))
            yield id, pd.DataFrame([dict(trial=n, val_accuracy=0.5) | facts for n in (0, 1)])

    monkeypatch.setattr(searches.jobs, "each", each)
    searches.make(list(searches.IDS), real, 2)
    alone = ["search-mlp", "search-cnn", "course-mlp"]
    assert [task[0] for task in asked[0]] == alone + ["tuners"] * 16
    tuners = searches.trials("tuners")
    assert list(zip(tuners.sampler, tuners.seed, tuners.trial, strict=True)) == list(
        product(("random", "tpe"), range(8), (0, 1))
    )
    searches.file("search-mlp").unlink()
    searches.make(list(searches.IDS), real, 2)
    assert asked[1] == [("search-mlp",)]
    assert len(searches.trials("search-mlp")) == 2


def test_missing_or_foreign_tables_and_the_stand_in_are_refused(dataset):
    with pytest.raises(CourseError, match="no search in .*tuners.csv.*reproduce tuners"):
        searches.trials("tuners")
    with pytest.raises(CourseError, match="refuses the drawn stand-in"):
        searches.make(["tuners"], dataset, 1)
    assert PROFILES["full"].train_images is None


KEPT = Path(searches.__file__).parent / "reference"


@pytest.mark.parametrize(("id", "number"), [("search-mlp", 6), ("search-cnn", 5)])
def test_the_kept_published_searches_are_whole_and_within_their_spaces(id, number, monkeypatch):
    monkeypatch.setattr(reference, "FOLDER", KEPT)
    table = searches.trials(id)
    assert table.trial.tolist() == list(range(1, number + 1))
    assert table.epochs.between(11, 100).all(), "ten epochs of patience behind the best"
    hp = keras_tuner.HyperParameters()
    hp.values = {"num_layers": 5}  # so that the space shows all of its layers
    keras_search.SEARCHES[id][0](hp)
    for one in hp.space:
        if one.name in table:  # no trial may have had so many layers
            allowed = np.asarray(list(one.values), float)
            assert all(np.isclose(allowed, value).any() for value in table[one.name].dropna())


def test_the_kept_tuners_are_whole_and_within_their_space(monkeypatch):
    monkeypatch.setattr(reference, "FOLDER", KEPT)
    table, space = searches.trials("tuners"), spaces.SEARCHES[searches.TUNER_STUDY].space
    sizes = table.groupby(["sampler", "seed"]).trial.nunique()
    assert sizes.index.tolist() == list(product(searches.SAMPLERS, searches.SEEDS))
    assert set(sizes) == {40}
    assert set(table.state) == {"complete", "pruned"}
    for row in table.to_dict("records"):  # a value outside its range is refused here
        tried = {name: row[name] for name in space}
        optuna.create_trial(params=tried, distributions=space, value=row["val_accuracy"])
    # The same seeds: what comes before a Bayesian method has learned is drawn alike.
    first = table[table.trial < 10].drop(columns=["seconds", "state", "epochs", "val_accuracy"])
    drawn = [part.drop(columns="sampler").to_numpy() for _, part in first.groupby("sampler")]
    assert (drawn[0] == drawn[1]).all()
