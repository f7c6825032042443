"""The course's own models: how they were chosen, and what they are trained on."""

from dataclasses import asdict

import pytest

from fmnist_utils import data, searches, spaces, speedrun, studies
from fmnist_utils.course import CANDIDATES, COURSE, MODELS
from fmnist_utils.profiles import PROFILES
from fmnist_utils.published import PUBLISHED


def test_models_are_the_published_ones_and_then_the_course_s():
    assert list(MODELS) == [*PUBLISHED, *COURSE]


@pytest.mark.parametrize("id", COURSE)
def test_a_course_model_learns_from_all_images_and_opens_the_test_set_once(id, dataset):
    recipe = COURSE[id]
    assert recipe.id == id
    assert recipe.opens_test
    assert not recipe.reported
    assert recipe.patience is None
    train, validation, _ = data.split(dataset, recipe.validation, PROFILES["full"])
    assert len(train.labels) == len(dataset.train.labels)
    assert not len(validation.labels)


@pytest.mark.parametrize("recipe", studies.STUDIES["choice"].values(), ids=lambda r: r.id)
def test_a_candidate_leaves_the_test_set_closed(recipe):
    assert not recipe.opens_test
    assert recipe.validation == "first 5,000"


@pytest.mark.parametrize("id", [id for id in CANDIDATES if id in COURSE])
def test_the_chosen_candidate_is_the_best_on_the_validation_images(id):
    last = studies.results("choice").drop_duplicates(["id", "seed"], keep="last")
    reached = last.groupby("id").val_accuracy.mean()
    reached = reached[[f"{id} / {name}" for name in CANDIDATES[id]]]
    chosen = CANDIDATES[id][reached.idxmax().partition(" / ")[2]]
    epochs = 38 if id == "speedrun-95" else chosen.epochs  # what its time allows
    assert COURSE[id] == chosen.but(id, validation="none", source="the course", epochs=epochs)


def test_the_perceptron_is_the_best_trial_of_its_search():
    found = searches.trials("course-mlp")
    assert len(found) == spaces.SEARCHES["mlp"].trials
    best = found.loc[found.val_accuracy.idxmax()]
    assert best.state == "complete"
    assert best.epochs == COURSE["mlp-course"].epochs
    asked = {name: best[name] for name in spaces.SEARCHES["mlp"].space}
    wanted = spaces.SEARCHES["mlp"].recipe(asked)
    assert COURSE["mlp-course"] == wanted.but("mlp-course", validation="none", source="the course")


def differences(first, second):
    """What a recipe changes of another one, options included."""
    one, other = ({**asdict(r), **r.options} for r in (first, second))
    for facts in (one, other):
        del facts["id"], facts["options"]
    return {name: other[name] for name in other if one.get(name) != other[name]}


def test_each_rung_adds_its_ingredient_and_nothing_else():
    names = ["plain", *speedrun.INGREDIENTS]
    rungs = [speedrun.STUDY[f"speedrun / {name}"] for name in names]
    for before, after, changes in zip(
        rungs, rungs[1:], speedrun.INGREDIENTS.values(), strict=False
    ):
        assert differences(before, after) == changes
    for name, changes in speedrun.OTHERS.items():
        assert differences(rungs[-1], speedrun.STUDY[f"speedrun / {name}"]) == changes
    assert len(speedrun.STUDY) == len(rungs) + len(speedrun.OTHERS)


def test_the_ladder_leaves_the_test_set_closed():
    for recipe in speedrun.STUDY.values():
        assert not recipe.opens_test
        assert recipe.validation == "first 5,000"


def test_the_best_run_is_that_of_95_wider_and_longer():
    changes = differences(COURSE["speedrun-95"], COURSE["speedrun-best"])
    assert changes == {"filters": (64,) * 5 + (128,) * 3, "epochs": 70}


@pytest.mark.parametrize("recipe", CANDIDATES["speedrun-small"].values())
def test_the_small_run_is_small(recipe):
    assert recipe.build().count_params() <= 100_000
