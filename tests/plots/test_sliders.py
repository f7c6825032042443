"""Looking around: what the sliders show, and what stands where they don't work."""

import sys

import numpy as np
import pytest

from fmnist_utils import evaluation
from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.plots import figures, sliders

LABELS = np.repeat(np.arange(10), 30)


@pytest.fixture(scope="module")
def outputs():
    """A network that is often right; each row adds up to one."""
    rng = np.random.default_rng(0)
    scores = rng.random((300, 10)) + 0.8 * np.eye(10)[LABELS]
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def images():
    return np.random.default_rng(1).integers(0, 256, (300, 28, 28), dtype=np.uint8)


@pytest.fixture
def shown(monkeypatch):
    """What a notebook displays beside pictures."""
    displayed = []
    pytest.importorskip("ipykernel")
    monkeypatch.setattr("IPython.display.display", displayed.append)
    return displayed


@pytest.fixture
def pictures(monkeypatch):
    """The titles of all that is drawn, in order."""
    drawn = []
    monkeypatch.setattr(figures, "grid", lambda *_, title, **__: drawn.append(title))
    monkeypatch.setattr(figures, "roc", lambda _curves, _areas, title, **_: drawn.append(title))
    return drawn


@pytest.mark.parametrize(
    ("show", "first", "moved"),
    [
        (sliders.predictions, "Called Shirt with a confidence near 50%", "Called Bag with a"),
        (sliders.threshold, "Shirt, threshold 50%:", "Bag, threshold 50%:"),
    ],
)
def test_sliders_stand_below_a_plain_picture(show, first, moved, shown, pictures, images, outputs):
    show(*([images] if show is sliders.predictions else []), LABELS, outputs)
    (box,) = shown
    choice, slider, below = box.children
    assert choice.options == tuple(CLASS_NAMES)
    assert [title.startswith(first) for title in pictures] == [True], "before anything moves"
    assert not below.outputs
    choice.value = "Bag"
    assert pictures[1:] == [title for title in pictures if title.startswith(moved)]
    for end in (slider.min, slider.max):
        slider.value = end
        assert f"{end:.0%}" in pictures[-1]
    assert len(pictures) == 4


def test_no_sliders_where_no_notebook_is(monkeypatch, pictures, outputs, capsys):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    sliders.threshold(LABELS, outputs)
    assert len(pictures) == 1
    assert "VBox" not in capsys.readouterr().out


@pytest.fixture
def alone(monkeypatch):
    """What is drawn without sliders: the arguments."""
    given = {}
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(figures, "grid", lambda *a, **more: given.update(args=a, **more))
    monkeypatch.setattr(figures, "roc", lambda *a, **more: given.update(args=a, **more))
    return given


def test_predictions_by_hand(alone, images, capsys):
    outputs = np.zeros((3, 10))
    outputs[[0, 1, 2], [6, 6, 3]] = 0.75, 0.5, 1
    sliders.predictions(images[:3], np.array([6, 0, 3]), outputs)
    shown, captions = alone["args"]
    np.testing.assert_array_equal(shown, images[:2])
    assert captions == ["75% ✓", "50% ✗\nT-shirt/top"]
    assert alone["title"].startswith("Called Shirt with a confidence near 50%")
    sliders.predictions(images[2:3], np.array([3]), outputs[2:])
    assert "No image is called Shirt." in capsys.readouterr().out


def test_a_threshold_by_hand(alone, capsys):
    outputs = np.zeros((5, 10))
    outputs[:, 6] = 0.9, 0.4, 0.7, 0.1, 0.2
    sliders.threshold(np.array([6, 6, 0, 1, 2]), outputs)
    _, areas, title = alone["args"]
    assert "Shirt, threshold 50%: 50.0% of its images are found" in title
    assert "33.33% of all others are called so" in title
    assert alone["mark"] == pytest.approx((1 / 3, 1 / 2)), (
        "as false positive and true positive rate"
    )
    assert areas.to_dict() == {"Shirt": pytest.approx(5 / 6)}, "of six pairs one is the wrong way"
    assert "0.3333" in capsys.readouterr().out


def test_without_a_shirt_the_first_class_that_there_is_comes_first(alone, capsys):
    sliders.threshold(np.array([3, 1, 1]), np.full((3, 10), 0.6))
    assert "Trouser, threshold 50%" in alone["args"][2]


def test_nearest_by_hand():
    sure = np.array([0.9, 0.5, 0.7, 0.95, 0.6])
    outputs = np.zeros((5, 10))
    outputs[np.arange(5), [6, 6, 6, 2, 6]] = sure
    assert sliders.nearest(outputs, 6, 0.65, 2).tolist() == [2, 4]
    assert sliders.nearest(outputs, 6, 1.0, 2).tolist() == [0, 2]
    assert sliders.nearest(outputs, 6, 0.0).tolist() == [0, 2, 4, 1]
    assert sliders.nearest(outputs, 1, 0.5).tolist() == []


def test_at_threshold_by_hand():
    outputs = np.zeros((6, 10))
    outputs[:, 6] = [0.9, 0.6, 0.2, 0.8, 0.5, 0.1]
    table = sliders.at_threshold(np.array([6, 6, 6, 0, 1, 2]), outputs, 6, 0.5)
    row = table.loc["Shirt"]
    assert (row.rightly, row.wrongly, row.missed) == (2, 2, 1)
    assert row.precision == 0.5
    assert row.recall == pytest.approx(2 / 3)
    assert row["false positive rate"] == pytest.approx(2 / 3)
    none = sliders.at_threshold(np.array([6, 0]), outputs[:2], 6, 0.99).loc["Shirt"]
    assert np.isnan(none.precision)
    assert none.recall == 0


def test_threshold_agrees_with_the_roc_curve(outputs):
    curves, _ = evaluation.roc(LABELS, outputs)
    for point in curves[curves["class"] == "Shirt"].iloc[1::7].itertuples(index=False):
        row = sliders.at_threshold(LABELS, outputs, 6, point.threshold).loc["Shirt"]
        assert row.recall == pytest.approx(point[3])
        assert row["false positive rate"] == pytest.approx(point[2])
