"""Figures of comparisons: what stands where, by values worked out by hand."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from fmnist_utils import plots
from fmnist_utils.plots import comparisons, figures

NAN = float("nan")


def said():
    return [text.get_text() for text in plt.gcf().findobj(plt.Text)]


def looks_of(ax):
    """Each series of points in the legend: its marker, colour and points."""
    series = zip(*ax.get_legend_handles_labels(), strict=True)
    return {
        label: (handle[0].get_marker(), handle[0].get_color(), handle[0].get_xydata().tolist())
        for handle, label in series
    }


def test_forest():
    table = pd.DataFrame(
        {
            "difference": [2.0, -1.0, 0.5, 0.1],
            "low": [1.0, -1.5, -0.5, 0.0],
            "high": [3.0, -0.5, 1.5, 0.2],
            "verdict": ["helps", "harms", "undecided", NAN],
        },
        index=list("abcd"),
    )
    plots.forest(table, "points", "What helps")
    (ax,) = plt.gcf().axes
    found = looks_of(ax)
    assert {name: points for name, (_, _, points) in found.items()} == {
        "helps": [[2, 3]],
        "harms": [[-1, 2]],
        "undecided": [[0.5, 1]],
        "not judged": [[0.1, 0]],
    }
    assert len({marker for marker, _, _ in found.values()}) == 4, "told apart in grey"
    bars = [line for series in ax.collections for line in series.get_segments()]
    ends = sorted((low, high) for (low, _), (high, _) in (bar.tolist() for bar in bars))
    assert ends == [(-1.5, -0.5), (-0.5, 1.5), (0, 0.2), (1, 3)]
    assert [label.get_text() for label in ax.get_yticklabels()] == list("abcd")
    assert {"What helps", "points", "reference runs · Fashion-MNIST"} <= set(said())


def test_forest_of_very_different_differences_shows_them_all():
    table = pd.DataFrame(
        {"difference": [58.0, -0.2], "low": [56.0, -0.9], "high": [60.0, 0.5], "verdict": "holds"}
    )
    plots.forest(table, "points", linear=1)
    (ax,) = plt.gcf().axes
    assert ax.get_xscale() == "symlog"
    assert ax.get_xlim()[0] < -0.9
    assert ax.get_xlim()[1] > 60
    assert {0, 1, 10, 30} <= set(ax.get_xticks())


RUNGS = pd.DataFrame(
    {
        "accuracy": [90.0, 89.0, 91.5],
        "change": [NAN, -1.0, 2.5],
        "low": [NAN, -1.5, NAN],
        "high": [NAN, -0.5, NAN],
        "verdict": [NAN, "harms", NAN],
        "epoch": [1.0, 1.2, 0.6],
    },
    index=["plain", "one", "two"],
)


def test_ladder():
    plots.ladder(RUNGS, "Up")
    left, right = plt.gcf().axes
    bars = [
        (bar.get_x(), bar.get_width(), bar.get_y() + bar.get_height() / 2) for bar in left.patches
    ]
    assert bars == [pytest.approx((90, -1, 1)), pytest.approx((89, 2.5, 2))]
    assert [bar.get_facecolor()[:3] for bar in left.patches] == [
        to_rgb(figures.PALETTE[1]),
        to_rgb("#D5D5D5"),
    ]
    assert [bar.get_width() for bar in right.patches] == [1, 1.2, 0.6]
    assert {"−1.00", "+2.50", "1.20", "harms", "not judged"} <= set(said())
    intervals = [line.get_xdata().tolist() for line in left.lines]
    assert [88.5, 89.5] in intervals
    low, high = left.get_xlim()
    assert low < 88.5
    assert high > 91.5


MODELS = pd.DataFrame(
    {
        "accuracy": [0.90, 0.88, 0.93, 0.93, 0.95],
        "low": [0.89, NAN, 0.92, 0.92, 0.94],
        "high": [0.91, NAN, 0.94, 0.94, 0.96],
        "group": ["old", "old", "new", "old", "new"],
        "minutes": [1.0, 2.0, 5.0, 6.0, 60.0],
    },
    index=["quick", "beaten", "good", "as good, later", "best"],
)


def test_the_frontier_by_hand():
    assert plots.on_the_frontier(MODELS, "minutes") == ["quick", "good", "best"]
    same_cost = MODELS.assign(minutes=1.0)
    assert plots.on_the_frontier(same_cost, "minutes") == ["best"]


def test_frontier_names_every_model_where_nothing_is_covered():
    looks = {"old": ("C0", "o"), "new": ("C1", "s")}
    plots.frontier(MODELS, "minutes", "All", groups=looks)
    (ax,) = plt.gcf().axes
    names = {text.get_text(): text for text in ax.texts if text.get_text()}
    assert set(names) == set(MODELS.index)
    assert {name for name, text in names.items() if text.get_weight() == "bold"} == {
        "quick",
        "good",
        "best",
    }
    boxes = [text.get_window_extent() for text in names.values()]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    places = ax.transData.transform(MODELS[["minutes", "accuracy"]])
    assert not any(box.contains(*place) for box in boxes for place in places)
    assert ax.get_xscale() == "log"
    least, most = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if least <= tick <= most]
    assert ticks == [1, 2, 5, 10, 20, 50]
    heights = [ax.transData.transform((1, accuracy))[1] for accuracy in (0.8, 0.9, 0.95)]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])  # half the errors
    (line,) = (
        line for line in ax.lines if len(line.get_xdata()) == 3 and line.get_linestyle() == "-"
    )
    assert line.get_drawstyle() == "steps-post"


def test_the_frontier_has_ticks_whatever_the_cost():
    plots.frontier(
        MODELS.assign(minutes=2000 * MODELS.minutes),
        "minutes",
        "",
        {"old": ("C0", "o"), "new": ("C1", "s")},
    )
    (ax,) = plt.gcf().axes
    assert {2000, 5000, 10000, 100000} <= set(ax.get_xticks())


@pytest.mark.parametrize(
    ("other", "area"),
    [((1, 1, 3, 3), 1), ((2, 0, 4, 2), 0), ((0, 0, 2, 2), 4), ((5, 5, 6, 6), 0)],
)
def test_the_area_that_two_boxes_share(other, area):
    assert comparisons._overlap((0, 0, 2, 2), other) == area


def test_rows():
    images = [np.full((28, 28), n) for n in range(4)]
    plots.rows(
        {"a": images, "b": images[::-1]},
        "Before and after",
        marked={"a": [False, False, True, False], "b": [False] * 4},
        halves=("before", "after"),
    )
    grid = np.array(plt.gcf().axes).reshape(2, 5)
    shown = [[ax.images[0].get_array().max() if ax.images else None for ax in row] for row in grid]
    assert shown == [[0, 1, None, 2, 3], [3, 2, None, 1, 0]]
    framed = [ax for ax in grid.flat if ax.axison and ax.spines["top"].get_visible()]
    assert framed == [grid[0, 3]]
    assert framed[0].images[0].get_cmap().name == "Oranges"
    assert {"a", "b", "before", "after", "Before and after"} <= set(said())
    assert [ax.get_title() for ax in grid[0]] == ["", "before", "", "", "after"]


def test_search():
    trials = pd.DataFrame(
        {
            "learning_rate": [1e-3, 1e-4, 1e-2, 1e-3],
            "width": [10, 20, 30, 40],
            "val_accuracy": [0.80, 0.85, 0.60, 0.84],
            "seconds": [60, 120, 30, 90],
            "state": ["complete", "complete", "pruned", "complete"],
        }
    )
    plots.search(trials, "learning_rate", "width", "Four trials")
    space, clock, _ = plt.gcf().axes
    assert space.collections[0].get_offsets().tolist() == [[1e-3, 10], [1e-3, 40], [1e-4, 20]]
    crosses, ring = space.lines
    assert crosses.get_xydata().tolist() == [[1e-2, 30]]
    assert ring.get_xydata().tolist() == [[1e-4, 20]]
    *bars, so_far = clock.lines
    spans = [(*bar.get_xdata(), bar.get_ydata()[0]) for bar in bars]
    assert spans[0] == pytest.approx((0, 1, 80))
    assert spans[1] == pytest.approx((1, 3, 85))
    assert spans[2] == pytest.approx((3.5, 5, 84))
    assert spans[3][:2] == pytest.approx((3, 3.5)), "the pruned one, cut off at the bottom"
    assert 60 < spans[3][2] < 80
    assert so_far.get_ydata().tolist() == pytest.approx([80, 85, 85, 85])
    assert {"not pruned: 3 trials", "pruned: 1 trials", " or lower"} <= set(said())


def test_a_search_names_how_its_trials_came_about():
    trials = pd.DataFrame(
        {
            "learning_rate": [1e-3, 1e-4, 1e-4],
            "width": [10, 20, 20],
            "val_accuracy": [0.80, 0.84, 0.85],
            "seconds": [60, 120, 30],
            "state": ["drawn", "drawn", "chosen"],
        },
        index=[1, 2, 3],
    )
    plots.search(trials, "learning_rate", "width")
    space, clock, _ = plt.gcf().axes
    assert {text.get_text(): text.xy for text in space.texts} == {
        "1": (1e-3, 10),
        "2, 3": (1e-4, 20),
    }
    assert {text.get_text(): text.xy for text in clock.texts} == {
        "1": (0.5, 80),
        "2": (2, 84),
        "3": (3.25, 85),
    }
    first, second, third, _ = clock.lines
    assert first.get_color() == second.get_color() != third.get_color()
    assert {"drawn: 2 trials", "chosen: 1 trials"} <= set(said())


def test_trials_at_one_place_are_counted_and_the_best_lies_on_top():
    n = 13
    trials = pd.DataFrame(
        {
            "learning_rate": [1e-3] * (n - 1) + [1e-2],
            "width": [10] * n,
            "val_accuracy": [0.80, 0.85, *[0.81] * (n - 2)],
            "seconds": [60] * n,
            "state": ["complete"] * n,
        }
    )
    plots.search(trials, "learning_rate", "width")
    space = plt.gcf().axes[0]
    assert space.collections[0].get_array()[-1] == pytest.approx(85)
    assert [(text.get_text(), text.xy) for text in space.texts] == [("12 ×", (1e-3, 10))]


def test_an_interval_may_reach_further_up_than_down():
    one = {"difference": [2.0], "low": [1.5], "high": [4.0], "verdict": ["holds"]}
    plots.forest(pd.DataFrame(one, index=["a"]), "points")
    (bars,) = plt.gcf().axes[0].collections
    assert [bar.tolist() for bar in bars.get_segments()] == [[[1.5, 0], [4, 0]]]


def test_a_frontier_s_bars_stand_along_its_accuracies():
    looks = {"old": ("C0", "o"), "new": ("C1", "s")}
    plots.frontier(MODELS.assign(low=[0.87, NAN, 0.92, 0.92, 0.94]), "minutes", "All", looks)
    (ax,) = plt.gcf().axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("minutes", "test accuracy")
    bars = [np.array(bar) for kind in ax.collections for bar in kind.get_segments()]
    ends = sorted(bar.ravel().tolist() for bar in bars if np.isfinite(bar).all() and len(bar))
    wanted = [[1, 0.87, 1, 0.91], [5, 0.92, 5, 0.94], [6, 0.92, 6, 0.94], [60, 0.94, 60, 0.96]]
    np.testing.assert_allclose(ends, wanted)


def test_a_ladder_s_times_are_in_units_of_its_lowest_rung():
    plots.ladder(RUNGS)
    _, right = plt.gcf().axes
    assert right.get_xlabel() == "time of an epoch (plain: 1)"


def test_the_best_so_far_rises_where_a_trial_ends():
    trials = pd.DataFrame(
        {
            "learning_rate": [1e-3, 1e-2],
            "width": [10, 20],
            "val_accuracy": [0.80, 0.85],
            "seconds": [60, 120],
            "state": ["complete"] * 2,
        }
    )
    plots.search(trials, "learning_rate", "width")
    *_, so_far = plt.gcf().axes[1].lines
    assert so_far.get_xydata().tolist() == [pytest.approx([1, 80]), pytest.approx([3, 85])]
    assert so_far.get_drawstyle() == "steps-post"
