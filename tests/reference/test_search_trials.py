"""The committed searches: whole, and within their spaces."""

from itertools import product

import keras_tuner
import numpy as np
import optuna
import pytest

from fmnist_utils import CourseError, reference
from fmnist_utils.cli.reproduce import TUNER_SPACE, TUNERS
from fmnist_utils.recipes.spaces import SPACES
from fmnist_utils.reference import search_trials, tables
from fmnist_utils.tuning import published


def within(values, allowed):
    return np.isclose(np.asarray(values)[:, None], np.asarray(allowed, float)).any(axis=1).all()


def test_all_searches_are_made():
    made = {path.stem for path in (tables.FOLDER / "searches").glob("*.csv")}
    assert made == {"search-mlp", "search-cnn", "tuners", "course-mlp"}
    assert made == set(search_trials.SEARCHES)
    assert tuple(published.SEARCHES) == reference.PUBLISHED_SEARCHES


@pytest.mark.parametrize(("id", "number"), [("search-mlp", 6), ("search-cnn", 5)])
def test_the_published_searches_are_whole_and_within_their_spaces(id, number):
    table = reference.search(id)
    assert table.trial.tolist() == list(range(1, number + 1))
    assert table.epochs.between(11, 100).all(), "ten epochs of patience behind the best"
    hp = keras_tuner.HyperParameters()
    hp.values = {"num_layers": 5}  # so that the space shows all of its layers
    published.SEARCHES[id][0](hp)
    tried = [one for one in hp.space if one.name in table]  # none may have had so many layers
    assert len(tried) > 3
    assert all(within(table[one.name].dropna(), list(one.values)) for one in tried)


@pytest.mark.parametrize("id", ["tuners", "course-mlp"])
def test_no_trial_left_its_space(id):
    space = SPACES[TUNER_SPACE].ranges
    for row in reference.search(id).to_dict("records"):  # a value outside its range is refused
        tried = {name: row[name] for name in space}
        optuna.create_trial(params=tried, distributions=space, value=row["val_accuracy"])


def test_the_tuners_are_whole():
    table = reference.search("tuners")
    sizes = table.groupby(["method", "seed"]).trial.nunique()
    assert sizes.index.tolist() == list(product(sorted(TUNERS), reference.TUNER_SEEDS))
    assert all(number == TUNERS[method] for (method, _), number in sizes.items())
    assert set(table.state) == {"complete", "pruned"}
    complete, pruned = (table[table.state == how] for how in ("complete", "pruned"))
    assert complete.finished.tolist() == complete.val_accuracy.tolist()
    finished = pruned.finished.notna()
    assert finished.tolist() == pruned.seed.isin(search_trials.FINISHED_SEEDS).tolist()
    # The same seeds: what comes before a Bayesian method has learned is drawn alike.
    first = table[table.trial < 10]
    drawn = [part[list(SPACES[TUNER_SPACE].ranges)] for _, part in first.groupby("method")]
    tried = [part.to_numpy().tolist() for part in drawn]
    assert tried == [tried[0]] * len(TUNERS)


def test_a_search_that_was_not_made_is_named(elsewhere):
    with pytest.raises(CourseError, match="no search in .*tuners.csv.*reproduce tuners"):
        reference.search("tuners")
