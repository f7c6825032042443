"""Figures and tables: what they show, and that they say who made them."""

import importlib.util

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_rgb

import fmnist_utils
from fmnist_utils import CourseError, data, evaluation, plots
from fmnist_utils.plots import figures
from fmnist_utils.profiles import PROFILES

STAND_IN = "smoke profile · DRAWN STAND-IN, NOT FASHION-MNIST"
REFERENCE = "reference runs · Fashion-MNIST"


@pytest.fixture(autouse=True)
def signed(dataset, monkeypatch):
    monkeypatch.setattr(figures, "_SIGNATURES", dict(figures._SIGNATURES))  # as it was, afterwards
    plots.sign_this_run(PROFILES["smoke"], dataset)
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


def words():
    return " ".join(text.get_text() for text in plt.gcf().findobj(plt.Text))


@pytest.fixture
def outputs(dataset):
    labels = dataset.test.labels[:300]
    noise = np.random.default_rng(0).random((300, 10))
    return labels, 0.5 * np.eye(10)[labels] + noise


def test_table():
    table = plots.Table(pd.DataFrame({"a": [1.234, np.nan]}), "Two <numbers>", decimals=1)
    assert "1.2" in repr(table)
    assert "–" in repr(table)
    assert table._repr_html_().count(f"<caption>Two &lt;numbers&gt; ({STAND_IN})</caption>") == 1
    assert repr(table).startswith(f"Two <numbers> ({STAND_IN})\n")


def test_curves_tell_training_from_validation_without_colour():
    history = pd.DataFrame({"epoch": [1, 2], "loss": [2, 1], "accuracy": [0.1, 0.6]})
    watched = history.assign(val_loss=[2, 1.5], val_accuracy=[0.2, 0.5])
    plots.curves({"one": history, "two": watched}, "Title")
    loss, accuracy = plt.gcf().axes
    looks = [line.get_linestyle() + line.get_marker() for line in loss.lines]
    assert looks == ["-o", "-s", "--s"]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.1, 0.6]] * 2 + [[0.2, 0.5]]
    assert "Title" in words()
    assert "epoch" in words()


@pytest.mark.parametrize(("loss", "scale"), [([2, 1], "linear"), ([9e4, np.nan], "log")])
def test_a_diverged_training_leaves_the_others_visible(loss, scale):
    history = pd.DataFrame({"epoch": [1, 2], "loss": [2, 1], "accuracy": [0.1, 0.6]})
    plots.curves({"sound": history, "other": history.assign(loss=loss)})
    assert plt.gcf().axes[0].get_yscale() == scale


def test_confusion_shows_per_cent_of_rows(outputs):
    matrix = evaluation.confusion(*outputs)
    plots.confusion({"test": matrix}, "Title")
    (ax,) = plt.gcf().axes
    shown = np.array([int(text.get_text()) for text in ax.texts]).reshape(10, 10)
    expected = 100 * matrix.to_numpy() / matrix.to_numpy().sum(axis=1, keepdims=True)
    assert np.abs(shown - expected).max() <= 0.5 + 1e-9


def test_roc_lines_differ_in_style(outputs):
    plots.roc(*evaluation.roc(*outputs), "Title")
    whole, corner = plt.gcf().axes
    assert len(corner.lines) == 10
    looks = {(line.get_linestyle(), line.get_color()) for line in corner.lines}
    assert len(looks) == 10
    assert "Ankle boot" in words()


def test_dots_and_scatter():
    plots.dots(pd.Series({"a": 0.5, "b": 0.7}), pd.Series({"a": 0.1, "b": 0.1}), "Title")
    (ax,) = plt.gcf().axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    plots.scatter(pd.DataFrame({"x": [1, 10], "y": [3, 4]}, index=["a", "b"]), "x", "y", "Title")
    (ax,) = plt.gcf().axes
    assert len({line.get_marker() for line in ax.lines}) == 2
    assert ax.get_xscale() == "log"


def test_pictures(dataset):
    plots.samples(*dataset.train, each=3, title="Title")
    assert sum(bool(ax.images) for ax in plt.gcf().axes) == 30
    plots.grid([-np.ones((3, 3)), 2 * np.ones((3, 3))], ["a", "b"], columns=3, signed=True)
    drawn = [ax.images[0] for ax in plt.gcf().axes if ax.images]
    assert [image.get_clim() for image in drawn] == [(-2, 2), (-2, 2)]


def test_a_figure_is_told_to_those_who_cannot_see_it():
    plots.dots(pd.Series({"a": 0.5}), title="Best: a\nworst: a")
    shown, metadata = DisplayFormatter().format(plt.gcf())
    assert shown["text/plain"] == "Dots with error bars: Best: a worst: a"
    assert metadata == {"image/png": {"alt": shown["text/plain"], "made_by": STAND_IN}}


HISTORY = pd.DataFrame({"epoch": [1], "loss": [2], "accuracy": [0.1]})
DRAWN = {
    "curves": lambda outputs, **by: plots.curves(HISTORY, **by),
    "confusion": lambda outputs, **by: plots.confusion({"a": evaluation.confusion(*outputs)}, **by),
    "roc": lambda outputs, **by: plots.roc(*evaluation.roc(*outputs), **by),
    "dots": lambda outputs, **by: plots.dots(pd.Series({"a": 0.5}), **by),
    "scatter": lambda outputs, **by: plots.scatter(
        pd.DataFrame({"x": [1], "y": [2]}), "x", "y", **by
    ),
    "grid": lambda outputs, **by: plots.grid([np.eye(28)] * 2, **by),
    "samples": lambda outputs, **by: plots.samples(
        np.zeros((20, 28, 28)), np.arange(20) % 10, each=2, **by
    ),
    "finish": lambda outputs, **by: plots.finish(plt.figure(), **by),
}
SIGNED = {
    None: STAND_IN,
    "this run": STAND_IN,
    "as published": STAND_IN,  # which is as little as the profile has, on the stand-in
    "reference": REFERENCE,
}


def test_what_was_trained_as_published_says_so():
    real = data.Dataset(data.ImageSet(None, None), data.ImageSet(None, None), "Fashion-MNIST")
    plots.sign_this_run(PROFILES["lesson"], real)
    signed = "trained as published · lesson profile · Fashion-MNIST"
    assert figures.signature("as published") == signed
    plots.sign_this_run(PROFILES["smoke"], real)  # trains no more than it usually does
    assert figures.signature("as published") == "smoke profile · Fashion-MNIST"


def test_one_far_below_the_others_does_not_squash_their_axis():
    near = pd.Series({"a": 0.80, "lost": 0.10, "b": 0.82, "c": 0.83, "d": 0.84})
    plots.dots(near, pd.Series(0.01, near.index))
    (ax,) = plt.gcf().axes
    drawn = [line for line in ax.lines if line.get_marker() == "o"]
    assert drawn[0].get_xdata().tolist() == [0.80, 0.82, 0.83, 0.84]
    assert drawn[0].get_ydata().tolist() == [4, 2, 1, 0]
    (arrow,) = [line for line in ax.lines if line.get_marker() == "<"]
    assert arrow.get_ydata() == 3
    assert 0.75 < ax.get_xlim()[0] == arrow.get_xdata() < 0.80
    assert [text.get_text() for text in ax.texts] == ["10.0%"]
    plots.dots(near.drop("lost"))
    assert not plt.gcf().axes[0].texts


def test_every_drawing_function_is_tried():
    functions = {name for name in plots.__all__ if callable(getattr(plots, name))}
    assert functions - {"Table", "sign_this_run"} == DRAWN.keys()


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
@pytest.mark.parametrize("made_by", SIGNED)
def test_every_figure_says_who_made_it(draw, made_by, outputs):
    draw(outputs, **({"made_by": made_by} if made_by else {}))
    (line,) = [text for text in plt.gcf().texts if text.get_text() in SIGNED.values()]
    assert line.get_text() == SIGNED[made_by]
    assert line.get_weight() == ("normal" if made_by == "reference" else "bold")
    _, metadata = DisplayFormatter().format(plt.gcf())
    assert metadata["image/png"]["made_by"] == SIGNED[made_by]


@pytest.mark.parametrize("made_by", SIGNED)
def test_every_table_says_who_made_it(made_by):
    table = plots.Table(HISTORY, "Losses", **({"made_by": made_by} if made_by else {}))
    assert table.caption == f"Losses ({SIGNED[made_by]})"


@pytest.mark.parametrize("word", ["the reference", None])
def test_nobody_else_makes_figures(word, outputs):
    for draw in (*DRAWN.values(), lambda outputs, made_by: plots.Table(HISTORY, "", 2, made_by)):
        with pytest.raises(ValueError, match="choose one of this run, as published, reference"):
            draw(outputs, made_by=word)


def test_the_real_data_is_named(dataset):
    found = data.Dataset(dataset.train, dataset.test, "Fashion-MNIST")
    plots.sign_this_run(PROFILES["full"], found)
    assert plots.Table(HISTORY, "Losses").caption == "Losses (full profile · Fashion-MNIST)"


def test_before_setup_figures_say_that_they_are_not_signed():
    spec = importlib.util.spec_from_file_location("as_if_just_imported", figures.__file__)
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    unsigned = "not signed: setup() was not called"
    assert fresh.Table(HISTORY, "Losses").caption == f"Losses ({unsigned})"
    fresh.dots(pd.Series({"a": 0.5}))
    assert unsigned in words()
    fresh.dots(pd.Series({"a": 0.5}), made_by="reference")
    assert REFERENCE in words()


def test_setup_signs_what_follows(dataset, monkeypatch):
    monkeypatch.setattr(data, "load", lambda profile: dataset)
    for profile in ("smoke", "lesson", PROFILES["lesson"]):  # a cell that is run again gives that
        chosen, seed, loaded = fmnist_utils.setup(profile, 7)
        assert (chosen, seed, loaded) == (PROFILES[str(profile)], 7, dataset)
        assert plots.Table(HISTORY, "Losses").caption.startswith(f"Losses ({profile} profile · ")
    for wrong in (("quick", 0), ("smoke", -1), ("smoke", "x")):
        with pytest.raises(CourseError, match="is not a (profile|seed)"):
            fmnist_utils.setup(*wrong)
    assert plots.Table(HISTORY, "Losses").caption.startswith("Losses (lesson profile · ")


# What is left of linear RGB for people without one of the three kinds of cones.
# Source: Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of
# color vision deficiency", table 1, severity 1.0.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(colours):
    """sRGB without its gamma (IEC 61966-2-1)."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIELAB, in which distances are roughly what the eye sees, from linear RGB."""
    xyz = rgb.clip(0, 1) @ TO_XYZ.T / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


def nearest(points):
    """The smallest distance between two of them."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return apart[~np.eye(len(points), dtype=bool)].min()


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_differ_for_the_colour_blind(kind):
    seen = lab(linear(plots.PALETTE) @ np.transpose(BLINDNESS[kind]))
    assert nearest(seen) > 10  # 2.3 is just noticeable
    assert nearest(seen[:4]) > 20  # few figures need more


def test_colours_differ_in_grey_and_from_the_ground():
    rgb = linear(plots.PALETTE)
    lightness = lab(rgb)[:, :1]
    assert nearest(lightness) > 4
    assert nearest(lightness[:4]) > 9
    contrast = 1.05 / (rgb @ TO_XYZ[1] + 0.05)
    assert contrast.min() >= 3  # WCAG 2.2, 1.4.11: graphics


def test_the_simulation_finds_colours_that_are_too_near():
    red_and_green = ["#c00000", "#6a6a00"]
    assert nearest(lab(linear(red_and_green))) > 50
    assert nearest(lab(linear(red_and_green) @ np.transpose(BLINDNESS["deuteranopia"]))) < 20
