"""Figures and tables: what they show, and that they say who made them."""

import importlib.util
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_rgb

import fmnist_utils
from fmnist_utils import CourseError, data, evaluation, plots
from fmnist_utils.plots import comparisons, figures
from fmnist_utils.profiles import PROFILES

STAND_IN = "smoke profile · DRAWN STAND-IN, NOT FASHION-MNIST"
REFERENCE = "reference runs · Fashion-MNIST"


def words():
    return " ".join(text.get_text() for text in plt.gcf().findobj(plt.Text))


@pytest.fixture
def outputs(dataset):
    labels = dataset.test.labels[:300]
    noise = np.random.default_rng(0).random((300, 10))
    return labels, 0.5 * np.eye(10)[labels] + noise


def test_table():
    table = plots.Table(pd.DataFrame({"a": [1.26, np.nan]}), "Two <numbers>", decimals=1)
    lines = [line.split() for line in repr(table).splitlines()]
    assert lines == [f"Two <numbers> ({STAND_IN})".split(), ["a"], ["0", "1.3"], ["1", "–"]]
    shown = table._repr_html_()
    assert re.findall(r"<(?:td|caption)>(.*)</", shown) == [
        f"Two &lt;numbers&gt; ({STAND_IN})",
        "1.3",
        "–",
    ]


def drawn(ax):
    """Each line: what the legend calls it, and its points."""
    return {line.get_label(): line.get_xydata().tolist() for line in ax.lines}


def test_any_number_of_curves():
    history = pd.DataFrame({"epoch": [1, 2], "loss": [2, 1], "accuracy": [0.1, 0.6]})
    plots.curves({f"network {n}": history for n in range(21)})
    assert len(plt.gcf().axes[0].lines) == 21


def test_curves_tell_training_from_validation_without_colour():
    history = pd.DataFrame({"epoch": [1, 2], "loss": [2, 1], "accuracy": [0.1, 0.6]})
    watched = history.assign(val_loss=[4, 1.5], val_accuracy=[0.2, 0.5])
    plots.curves({"one": history, "two": watched}, "Title")
    loss, accuracy = plt.gcf().axes
    looks = [line.get_linestyle() + line.get_marker() for line in loss.lines]
    assert looks == ["-o", "-s", "--s"]
    for ax, learned, validated, label in (
        (loss, [[1, 2], [2, 1]], [[1, 4], [2, 1.5]], "loss"),
        (accuracy, [[1, 0.1], [2, 0.6]], [[1, 0.2], [2, 0.5]], "accuracy"),
    ):
        both = {"one, training": learned, "two, training": learned, "two, validation": validated}
        assert drawn(ax) == both
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", label)
    assert accuracy.yaxis.get_major_formatter()(0.5) == "50%"
    plots.curves(watched)
    assert list(drawn(plt.gcf().axes[0])) == ["training", "validation"]


@pytest.mark.parametrize(("loss", "scale"), [([2, 1], "linear"), ([9e4, np.nan], "log")])
def test_a_diverged_training_leaves_the_others_visible(loss, scale):
    history = pd.DataFrame({"epoch": [1, 2], "loss": [2, 1], "accuracy": [0.1, 0.6]})
    plots.curves({"sound": history, "other": history.assign(loss=loss)})
    assert plt.gcf().axes[0].get_yscale() == scale


def test_confusion_shows_per_cent_of_rows():
    counts = np.zeros((10, 10), int)
    counts[0, :2], counts[1, 0], counts[3, 3] = (3, 1), 9, 5
    plots.confusion(
        {"one": evaluation.as_confusion(counts), "two": evaluation.as_confusion(counts.T)}
    )
    first, second = plt.gcf().axes
    shown = [
        [text.get_text() for text in ax.texts if text.get_text() != "0"] for ax in (first, second)
    ]
    assert shown == [["75", "25", "100", "100"], ["25", "75", "100", "100"]]
    assert [ax.get_title()[:4] for ax in (first, second)] == ["one ", "two "]
    assert (first.get_ylabel(), first.get_xlabel()) == ("true class", "predicted class")


def test_roc_by_hand():
    rates = {"false positive rate": [0, 0.5, 1, 0, 1], "true positive rate": [0, 0.75, 1, 0.25, 1]}
    table = pd.DataFrame({"class": ["Bag"] * 3 + ["Coat"] * 2} | rates)
    plots.roc(table, pd.Series({"Bag": 0.625, "Coat": 0.75012}), mark=(0.5, 0.75))
    whole, corner = plt.gcf().axes
    wanted = {"Bag (0.625)": [[0, 0], [0.5, 0.75], [1, 1]], "Coat (0.750)": [[0, 0.25], [1, 1]]}
    assert corner.get_ylim() == (0.7, 1.01)
    plots.roc(table, pd.Series({"Bag": 0.625, "Coat": 0.75012}), mark=(0.5, 0.6))
    assert plt.gcf().axes[1].get_ylim() == pytest.approx((0.55, 1.01)), "the mark is in sight"
    for ax in (whole, corner):
        assert wanted.items() <= drawn(ax).items()
        marks = [line.get_xydata().tolist() for line in ax.lines if line.get_marker() == "X"]
        assert marks == [[[0.5, 0.75]]]
    assert (whole.get_xlabel(), whole.get_ylabel()) == tuple(rates)
    assert len({(line.get_linestyle(), line.get_color()) for line in corner.lines[:2]}) == 2


def test_dots_stand_from_the_first_to_the_last_with_their_errors():
    plots.dots(pd.Series({"a": 0.5, "b": 0.7}), pd.Series({"a": 0.1, "b": 0.05}), "Title")
    (ax,) = plt.gcf().axes
    height = {label.get_text(): label.get_position()[1] for label in ax.get_yticklabels()}
    assert height["a"] > height["b"], "the first on top"
    ((dots, _, (bars,)),) = ax.containers
    assert dots.get_xydata().tolist() == [[0.5, height["a"]], [0.7, height["b"]]]
    ends = [part.tolist() for part in bars.get_segments()]
    wanted = [[[0.4, height["a"]], [0.6, height["a"]]], [[0.65, height["b"]], [0.75, height["b"]]]]
    np.testing.assert_allclose(ends, wanted)
    assert (ax.get_xlabel(), ax.xaxis.get_major_formatter()(0.5)) == ("validation accuracy", "50%")
    assert "Title" in words()


def pictures():
    """What each place of the figure shows, row by row: title, numbers, and the colour of 0."""
    for ax in plt.gcf().axes:
        for image in ax.images:
            lowest = image.cmap(image.norm(image.get_array().min()))
            yield ax.get_title() or ax.get_ylabel(), image.get_array(), np.mean(lowest[:3])


def test_samples_show_the_first_images_of_each_class():
    labels = np.tile(np.arange(10), 3)[::-1]
    images = np.arange(30)[:, None, None] + np.zeros((30, 2, 2))
    images[:, 0, 0] = 0
    plots.samples(images, labels, each=2)
    names, shown, lowest = zip(*pictures(), strict=True)
    assert names[::2] == tuple(data.CLASS_NAMES)
    wanted = [number for digit in range(10) for number in (9 - digit, 19 - digit)]
    assert [image[1, 1] for image in shown] == wanted
    assert min(lowest) == 1, "black is drawn white"


def test_a_grid_fills_rows_with_its_images_and_captions():
    images = [np.eye(2) * number for number in range(-2, 3)]
    plots.grid(images, list("abcde"), columns=3, signed=True)
    places = [ax.get_title() for ax in plt.gcf().axes]
    assert places == [*"abcde", ""]
    names, shown, _ = zip(*pictures(), strict=True)
    for name, image, given in zip(names, shown, images, strict=True):
        np.testing.assert_array_equal(image, given, name)
    assert {ax.images[0].get_clim() for ax in plt.gcf().axes[:5]} == {(-2, 2)}
    plots.grid([np.eye(2)])
    assert [lowest for *_, lowest in pictures()] == [1], "dark where it is large"


def test_a_signed_grid_leaves_whole_images_grey():
    plots.grid([np.array([[0, 255]], np.uint8), np.array([[-3.0, 1.0]])], signed=True)
    garment, answer = (image for ax in plt.gcf().axes for image in ax.images)
    shades = garment.to_rgba(np.array([0, 255]))
    np.testing.assert_allclose(shades, [[1, 1, 1, 1], [0, 0, 0, 1]])
    assert answer.get_clim() == (-3, 3)


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
    in_their_own_tests = {name for name in functions if hasattr(comparisons, name)} - DRAWN.keys()
    assert functions - {"Table", "sign_this_run"} - in_their_own_tests == DRAWN.keys()


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
        for given in (7, "7"):  # `papermill -r` hands over text
            chosen, seed, loaded = fmnist_utils.setup(profile, given)
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


def test_an_explanation_by_hand(monkeypatch):
    written = []
    monkeypatch.setattr(figures.Figure, "savefig", lambda figure, *_, **__: written.append(figure))
    photo, image = np.full((9, 9, 3), 7, np.uint8), np.arange(784, dtype=np.uint8).reshape(28, 28)
    probabilities = np.array([0.02, 0, 0, 0, 0.08, 0, 0.6, 0, 0.3, 0])
    fall = np.zeros((28, 28))
    fall[3, 4], fall[5, 6] = 0.5, -0.25  # covered there, the answer loses, and gains
    figures.explanation({"photo": photo, "stretched": image}, probabilities, fall, "Why", "why.png")
    (figure,) = written
    first, last, bars, seen, map_, _ = figure.axes
    assert [ax.get_title() for ax in (first, last)] == ["photo", "stretched"]
    names = [label.get_text() for label in bars.get_yticklabels()]
    shown = dict(zip(names, (bar.get_width() for bar in bars.patches), strict=True))
    wanted = dict.fromkeys(data.CLASS_NAMES, 0.0)
    wanted |= {"Shirt": 60, "Bag": 30, "Coat": 8, "T-shirt/top": 2}
    assert shown == pytest.approx(wanted)
    assert names[:-5:-1] == ["Shirt", "Bag", "Coat", "T-shirt/top"], "the most probable on top"
    np.testing.assert_array_equal(seen.images[0].get_array(), image)
    covered = map_.images[1]
    assert (covered.get_array()[3, 4], covered.get_array()[5, 6]) == (50, -25)
    assert covered.get_clim() == (-50, 50)
