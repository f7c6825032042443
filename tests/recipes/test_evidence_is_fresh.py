"""What the committed figures were made with is what the recipes say today, to the last setting."""

from dataclasses import replace
from types import SimpleNamespace

import optuna
import pytest

from fmnist_utils import tuning
from fmnist_utils.cli.reproduce import trial_keys
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import MODELS, STUDIES, course
from fmnist_utils.reference import search, search_trials, study, study_runs, tables
from fmnist_utils.runs import files
from fmnist_utils.tuning import published

REAL = SimpleNamespace(fingerprint="923164e4e993")  # that of Fashion-MNIST; see data/test_sets.py


def comparable(key):
    """Without the versions of Keras and TensorFlow: a new one doesn't make figures wrong."""
    return key | {"versions": {"training": key["versions"]["training"]}}


def stale(keys, recipes):
    """The runs, as (id, seed), that today's recipes wouldn't make as they were made."""
    return [
        (id, seed)
        for (id, seed), key in keys.items()
        if id not in recipes
        or comparable(key) != comparable(files.make_key(recipes[id], REAL, PROFILES["full"], seed))
    ]


def kept_models(ids=MODELS):
    runs = ((id, seed) for id in ids for seed in tables.seeds_of(id))
    return {(id, seed): tables.run(id, seed).record["key"] for id, seed in runs}


def test_models():
    keys = kept_models()
    assert {id for id, _ in keys} == set(MODELS)
    assert stale(keys, MODELS) == []


@pytest.mark.parametrize("name", STUDIES)
def test_studies(name):
    keys, table = study_runs.keys(name), study(name)
    assert set(keys) == set(zip(table.id, table.seed, strict=True)) != set()
    assert stale(keys, STUDIES[name]) == []


@pytest.mark.parametrize("name", search_trials.SEARCHES)
def test_searches(name):
    table = search(name)
    assert table.key.tolist() == trial_keys(name, table, REAL)


def changed(name, monkeypatch, what):
    """Keys of a search's first trials, after one thing is changed."""
    table = search(name).head(3)
    if what == "another width":
        table = table.assign(**{"units_1" if "units_1" in table else "width": 416})
    elif what == "another recipe":
        id, other = ("mlp-tuned", dict(batch_size=64))
        monkeypatch.setitem(published.PUBLISHED, id, replace(MODELS[id], **other))
        monkeypatch.setattr(course, "_recipe", lambda *given: RECIPE(*given).but("", l2=1e-4))
    elif what == "another rule":
        monkeypatch.setitem(published.SEARCHES, "search-mlp", (published.mlp, 7))
        monkeypatch.setattr(tuning, "PRUNING", dict.fromkeys(tuning.METHODS, "never"))
    elif what == "another space":
        ranges = tuning.SPACES["mlp"].ranges | {
            "layers": optuna.distributions.IntDistribution(1, 9)
        }
        monkeypatch.setitem(tuning.SPACES, "mlp", replace(tuning.SPACES["mlp"], ranges=ranges))
    elif what == "other seeds":
        monkeypatch.setattr(published, "SEED", 2)
        table = table.assign(seed=7)
    elif what == "other data":
        return trial_keys(name, table, SimpleNamespace(fingerprint="another"))
    elif what == "another version":
        monkeypatch.setattr(files, "VERSION", 99)
    elif what == "a new Keras":
        monkeypatch.setattr(files.keras, "__version__", "4.0")
    return trial_keys(name, table, REAL)


RECIPE = course._recipe


@pytest.mark.parametrize("name", ["search-mlp", "tuners"])
@pytest.mark.parametrize(
    "what",
    ["another width", "another recipe", "another rule", "other data", "other seeds"]
    + ["another version"],
)
def test_what_determines_a_trial_changes_its_key(name, what, monkeypatch):
    before = trial_keys(name, search(name).head(3), REAL)
    assert len(set(before)) == 3
    assert not set(before) & set(changed(name, monkeypatch, what))


def test_another_number_of_random_trials_changes_the_keys_of_a_published_search(monkeypatch):
    before = trial_keys("search-cnn", search("search-cnn"), REAL)
    monkeypatch.setattr(published, "RANDOM_FIRST", 3)
    assert not set(before) & set(trial_keys("search-cnn", search("search-cnn"), REAL))


def test_a_trials_key_outlives_a_new_keras_and_not_another_space(monkeypatch):
    before = trial_keys("tuners", search("tuners").head(3), REAL)
    assert changed("tuners", monkeypatch, "a new Keras") == before
    assert not set(before) & set(changed("tuners", monkeypatch, "another space"))


OTHERWISE = dict(label_smoothing=0.2, epochs=17, options={}, changes={}, opens_test=False)


@pytest.mark.parametrize("field", OTHERWISE)
def test_a_changed_setting_is_noticed_and_the_model_named(field):
    id = "mlp-course-augmented"
    changed = replace(MODELS[id], **{field: OTHERWISE[field]})
    named = [(id, seed) for seed in tables.seeds_of(id)]
    assert stale(kept_models([id, "cnn-basic"]), MODELS | {id: changed}) == named != []


@pytest.mark.parametrize(
    "fact",
    [{"data": "another"}, {"versions": {"training": 1}}, {"images": [600, 300, 500]}, {"seed": 1}],
)
def test_other_facts_of_a_key_are_compared_as_well(fact):
    kept = kept_models()["cnn-basic", 0]
    assert stale({("cnn-basic", 0): kept | fact}, MODELS) == [("cnn-basic", 0)]
    other = kept["versions"] | {"keras": "4.0", "tensorflow": "3.0"}
    assert stale({("cnn-basic", 0): kept | {"versions": other}}, MODELS) == []
