"""The course's own models: how they were chosen, and what they are trained on."""

import json
from dataclasses import asdict, fields

import optuna
import pytest

from fmnist_utils.models import ready
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import CANDIDATES, COURSE, MODELS, PUBLISHED, SHIPPED, STUDIES
from fmnist_utils.recipes.spaces import SPACES
from fmnist_utils.reference import search, study
from fmnist_utils.training import Recipe

# A chosen candidate is trained anew, on all images, and then meets the test set; what else differs:
DIFFERS = {"speedrun-95": {"epochs"}}  # as many as the published fit's time allows


def test_models_are_the_published_ones_and_then_the_course_s():
    assert list(MODELS) == [*PUBLISHED, *COURSE]


@pytest.mark.parametrize("id", COURSE)
def test_a_course_model_learns_from_all_images_and_opens_the_test_set_once(id, dataset):
    recipe = COURSE[id]
    assert recipe.id == id
    assert recipe.opens_test
    assert not recipe.reported
    assert recipe.patience is None
    train, validation, _ = dataset.split(recipe.validation, PROFILES["full"])
    assert len(train.labels) == len(dataset.train.labels)
    assert not len(validation.labels)


@pytest.mark.parametrize("name", ["choice", "speedrun"])
def test_a_candidate_leaves_the_test_set_closed(name):
    found = {(recipe.opens_test, recipe.validation) for recipe in STUDIES[name].values()}
    assert found == {(False, "first 5,000")}


def differing(first, second):
    names = (field.name for field in fields(Recipe))
    return {name for name in names if getattr(first, name) != getattr(second, name)}


@pytest.mark.parametrize("id", [id for id in CANDIDATES if id in COURSE])
def test_the_chosen_candidate_is_the_best_on_the_validation_images(id):
    last = study("choice").drop_duplicates(["id", "seed"], keep="last")
    reached = last.groupby("id").val_accuracy.mean()
    reached = reached[[f"{id} / {name}" for name in CANDIDATES[id]]]
    chosen = CANDIDATES[id][reached.idxmax().partition(" / ")[2]]
    anew = {"id", "validation", "source", "opens_test"}
    assert differing(chosen, COURSE[id]) == anew | DIFFERS.get(id, set())


def test_the_perceptron_is_the_best_trial_of_its_search():
    found = search("course-mlp")
    assert len(found) == SPACES["mlp"].trials
    best = found.loc[found.val_accuracy.idxmax()]
    assert best.state == "complete"
    assert best.epochs == COURSE["mlp-course"].epochs
    asked = {name: best[name] for name in SPACES["mlp"].ranges}
    wanted = SPACES["mlp"].recipe(asked)
    anew = dict(validation="none", source="the course", opens_test=True)
    assert COURSE["mlp-course"] == wanted.but("mlp-course", **anew)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_hyperparameter_matters_and_rates_are_searched_on_a_log_scale(space):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    drawn = [study.ask(dict(space.ranges)).params for _ in range(200)]
    for name, kind in space.ranges.items():
        others = {json.dumps(asdict(space.recipe(drawn[0] | {name: p[name]}))) for p in drawn}
        assert len(others) == len({p[name] for p in drawn}), name
        if name in ("learning_rate", "weight_decay"):
            middle = (kind.low * kind.high) ** 0.5
            assert 75 < sum(p[name] < middle for p in drawn) < 125, name


EITHER = {
    "learning_rate": (3e-4, 3e-2, None, True),  # the least, the most, in steps of, logarithmic
    "weight_decay": (1e-3, 0.3, None, True),
    "label_smoothing": (0.0, 0.15, 0.05, False),
    "batch_size": (64, 128, 256, 512),
    "schedule": ("constant", "one cycle"),
}
WANTED = {
    "mlp": {
        "layers": (1, 4, 1, False),
        "width": (128, 1024, 128, False),
        "dropout": (0.0, 0.6, 0.1, False),
        "input_dropout": (0.0, 0.4, 0.1, False),
    },
    "cnn": {"width": (8, 32, 8, False), "dropout": (0.0, 0.6, 0.1, False)},
}


def test_the_courses_spaces_spelt_out_a_second_time():
    found = {
        id: {
            name: getattr(d, "choices", None) or (d.low, d.high, d.step, d.log)
            for name, d in space.ranges.items()
        }
        for id, space in SPACES.items()
    }
    assert found == {id: wanted | EITHER for id, wanted in WANTED.items()}
    assert {id: space.trials for id, space in SPACES.items()} == {"mlp": 40, "cnn": 30}
    least = dict(width=128, dropout=0.0, learning_rate=1e-3)
    made = (
        SPACES["mlp"].recipe(least | dict(layers=2, input_dropout=0.0)),
        SPACES["cnn"].recipe(least),
    )
    assert [(one.id, one.epochs) for one in made] == [("mlp-searched", 20), ("cnn-searched", 8)]
    assert {one.options["activation"] for one in made} == {"gelu"}


def test_what_comes_trained_is_named_as_its_recipe():
    assert {id: recipe.id for id, recipe in SHIPPED.items()} == {id: id for id in ready.TRAINED}


@pytest.mark.parametrize("recipe", CANDIDATES["speedrun-small"].values())
def test_the_small_run_is_small(recipe):
    assert recipe.build().count_params() <= 100_000
