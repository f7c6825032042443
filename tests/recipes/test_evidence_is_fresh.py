"""What the committed figures were made with is what the recipes say today, to the last setting."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import MODELS, STUDIES
from fmnist_utils.reference import study, study_runs, tables
from fmnist_utils.runs import files

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


@pytest.mark.parametrize("name", [name for name in STUDIES if study_runs.file(name).exists()])
def test_studies(name):
    keys, table = study_runs.keys(name), study(name)
    assert set(keys) == set(zip(table.id, table.seed, strict=True)) != set()
    assert stale(keys, STUDIES[name]) == []


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
