"""Teachers: what they answer, and that they are asked about each image once."""

import numpy as np
import pytest
from scipy.special import softmax

from fmnist_utils.models.backend import keras
from fmnist_utils.training import Recipe, Teachers, teaching

RECIPE = Recipe("teacher", "conv2d", dict(filters=(3,), pools=4, batch_norm="fused"))


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    return [RECIPE.build() for _ in range(3)]


@pytest.fixture
def asked(monkeypatch):
    """How many images each question was about."""
    sizes, real = [], teaching.predict
    monkeypatch.setattr(
        teaching, "predict", lambda *given: sizes.append(len(given[-1])) or real(*given)
    )
    return sizes


def test_answers_are_averaged_and_then_softened(models, splits):
    images = splits.train.images[:30]
    pixels = images[..., None] / np.float32(255)
    mean = np.mean([model.predict(pixels, verbose=0) for model in models], axis=0)
    wanted = softmax(np.log(mean) / 3, axis=1)
    np.testing.assert_allclose(Teachers(RECIPE, models, 3.0)(images), wanted, atol=1e-6)


def test_each_image_is_shown_once_and_its_answer_is_its_own(models, splits, asked, monkeypatch):
    monkeypatch.setattr(teaching, "JUDGED", 8)
    images, teachers = splits.train.images[:20], Teachers(RECIPE, models[:1], 1.0)
    first = teachers(images[:6])
    assert asked == [8], "a whole block"
    mixed = [3, 19, 0, 7, 7, 12]
    again = teachers(images[mixed])
    assert asked == [8, 8], "three new ones"
    np.testing.assert_array_equal(again[[0, 2]], first[[3, 0]])
    all_at_once = Teachers(RECIPE, models[:1], 1.0)(images)
    np.testing.assert_array_equal(again, all_at_once[mixed])
    np.testing.assert_array_equal(teachers(images[:6]), first)
    assert asked == [8, 8, 24], "and nothing for the last question"
