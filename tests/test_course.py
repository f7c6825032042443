"""The course's own models: how they were chosen, and what they are trained on."""

import pytest

from fmnist_utils import data, searches, spaces, studies
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
    assert COURSE[id] == chosen.but(id, validation="none", source="the course")


def test_the_perceptron_is_the_best_trial_of_its_search():
    found = searches.trials("course-mlp")
    assert len(found) == spaces.SEARCHES["mlp"].trials
    best = found.loc[found.val_accuracy.idxmax()]
    assert best.state == "complete"
    assert best.epochs == COURSE["mlp-course"].epochs
    asked = {name: best[name] for name in spaces.SEARCHES["mlp"].space}
    wanted = spaces.SEARCHES["mlp"].recipe(asked)
    assert COURSE["mlp-course"] == wanted.but("mlp-course", validation="none", source="the course")
