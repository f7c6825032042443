"""Figures of comparisons: differences with their verdicts, a ladder of changes, a frontier."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from fmnist_utils.plots.figures import finish

NOT_JUDGED = "not judged"
# The look of each verdict: colour, marker, hatch. (Told apart in grey as well.)
LOOKS = {
    "holds": ("C0", "o", ""),
    "helps": ("C0", "o", ""),
    "undecided": ("#9A9A9A", "s", "//"),
    "refuted": ("C1", "X", ".."),
    "harms": ("C1", "X", ".."),
    NOT_JUDGED: ("#D5D5D5", "D", ""),
}


def forest(
    table: pd.DataFrame,
    axis: str,
    title: str = "",
    made_by: str = "reference",
    linear: float = np.inf,
) -> None:
    """One row a comparison: its difference, with a bar from low to high, looks by its verdict.

    table: columns difference, low, high, verdict; what is missing is "not judged". linear: beyond
    this, either way, the axis goes on in logarithms, for differences of very different size.
    """
    figure, ax = plt.subplots(figsize=(8, 0.34 * len(table) + 1.2))
    height = np.arange(len(table))[::-1]
    said = table.verdict.fillna(NOT_JUDGED)
    for verdict, (colour, marker, _) in LOOKS.items():
        chosen = (said == verdict).to_numpy()
        if chosen.any():
            one = table[chosen]
            reach = [one.difference - one.low, one.high - one.difference]
            ax.errorbar(
                one.difference,
                height[chosen],
                xerr=reach,
                fmt=marker,
                color=colour,
                capsize=3,
                label=verdict,
            )
    ax.axvline(0, color="#555555", linewidth=1)
    ax.set_yticks(height, table.index)
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xlabel(axis)
    if np.isfinite(linear):
        ax.set_xscale("symlog", linthresh=linear)
        reach = np.abs(ax.get_xlim()).max()
        steps = [step for step in (1, 3, 10, 30, 100) if step <= reach]
        ax.set_xticks(ticks := [-step for step in steps[::-1]] + [0, *steps], ticks)
    ax.legend(fontsize=9)
    finish(figure, title, made_by, "Differences with intervals")
    plt.show()


def ladder(table: pd.DataFrame, title: str = "", made_by: str = "reference") -> None:
    """A ladder of changes, to be read from the bottom to the top: what each rung does.

    table: one row a rung, the lowest first; accuracy (per cent, mean over the seeds), change (over
    the rung below, points), low and high (its 95 % interval), verdict, and epoch (an epoch's time;
    the lowest rung's is 1). At the left a bar from rung to rung, at the right the time.
    """
    height = np.arange(len(table))
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.5, 0.38 * len(table) + 1.3), sharey=True, width_ratios=[5, 2]
    )
    said = table.verdict.fillna(NOT_JUDGED)
    named = set()
    left.plot(table.accuracy.iloc[0], 0, "o", color="#555555", markersize=8)
    for rung in range(1, len(table)):
        row, below = table.iloc[rung], table.accuracy.iloc[rung - 1]
        colour, _, hatch = LOOKS[said.iloc[rung]]
        left.barh(
            rung,
            row.change,
            left=below,
            height=0.62,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=said.iloc[rung] if said.iloc[rung] not in named else None,
        )
        named.add(said.iloc[rung])
        left.plot([below, below], [rung - 1, rung + 0.31], color="#555555", linewidth=0.8)
        left.plot([below + row.low, below + row.high], [rung, rung], color="black", linewidth=1.2)
        end = max(below, row.accuracy, below + np.nan_to_num(row.high, nan=row.change))
        left.annotate(
            f"{row.change:+.2f}",
            (end, rung),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    left.set_yticks(height, table.index)
    left.set_xlabel("validation accuracy, per cent (black: 95 % interval of the step)")
    left.margins(x=0.12)
    left.legend(title="the step, by the test", fontsize=9, title_fontsize=9, loc="lower right")
    right.barh(height, table.epoch, height=0.62, color="C2")
    for rung, time in enumerate(table.epoch):
        right.annotate(
            f"{time:.2f}", (time, rung), (4, 0), textcoords="offset points", va="center", fontsize=9
        )
    right.set_xlabel(f"time of an epoch ({table.index[0]}: 1)")
    right.margins(x=0.2)
    finish(figure, title, made_by, "A ladder of changes")
    plt.show()


def frontier(
    table: pd.DataFrame,
    x: str,
    title: str = "",
    made_by: str = "reference",
    groups: dict[str, tuple[str, str]] | None = None,
) -> list[str]:
    """Accuracy against a cost: every model named where it stands, the frontier drawn.

    table: one row a model; column `x`, the cost, on a logarithmic axis; accuracy (fractions) with
    low and high (NaN: no bar); group, its kind. groups: each kind's colour and marker.
    Returns the models on the frontier, the cheapest first: those that no cheaper one equals.
    """
    figure, ax = plt.subplots(figsize=(11, 7.2))
    kinds = groups or {kind: (f"C{n}", "osD^vPX"[n]) for n, kind in enumerate(table.group.unique())}
    for kind, (colour, marker) in kinds.items():
        if len(one := table[table.group == kind]):
            reach = [one.accuracy - one.low, one.high - one.accuracy]
            ax.errorbar(
                one[x],
                one.accuracy,
                yerr=reach,
                fmt=marker,
                color=colour,
                markersize=8,
                capsize=2,
                elinewidth=1,
                label=kind,
            )
    best = on_the_frontier(table, x)
    steps = table.loc[best]
    ax.step(steps[x], steps.accuracy, where="post", color="#555555", linewidth=1.2, zorder=0)
    ax.set_xscale("log")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    decades = [1, 2, 5, 10, 20, 50, 100, 200]
    low, high = ax.get_xlim()
    ax.xaxis.set_major_locator(FixedLocator([t for t in decades if low <= t <= high]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set(xlabel=x, ylabel="test accuracy")
    ax.margins(x=0.1, y=0.06)
    ax.legend(loc="lower right", fontsize=10)
    colours = {kind: colour for kind, (colour, _) in kinds.items()}
    finish(figure, title, made_by, "Accuracy against cost")
    _name_points(ax, table[x], table.accuracy, table.group.map(colours), best)
    plt.show()
    return best


def on_the_frontier(table: pd.DataFrame, x: str) -> list[str]:
    """The models that none at most as costly equals in accuracy, the cheapest first."""
    ordered = table.sort_values([x, "accuracy"], ascending=[True, False])
    before = ordered.accuracy.cummax().shift(fill_value=-np.inf)
    return ordered.index[ordered.accuracy > before].tolist()


def _name_points(ax: Axes, x: pd.Series, y: pd.Series, colours: pd.Series, best: list) -> None:
    """Write each point's name beside it, where it covers no other name, point or step of the
    frontier; bold if it is on it."""
    figure = ax.figure
    figure.canvas.draw()
    places = ax.transData.transform(np.column_stack([x, y]))
    taken = [(px - 6, py - 6, px + 6, py + 6) for px, py in places]
    on_it = ax.transData.transform(np.column_stack([x[best], y[best]]))
    for (left, low), (right, high) in pairwise(on_it):
        taken += [(left, low - 3, right, low + 3), (right - 3, low, right + 3, high)]
    frame = ax.get_window_extent()
    around = [(dx, dy) for r in (9, 16, 26, 40, 56) for dx, dy in _directions(r)]
    for name, point in sorted(zip(x.index, places, strict=True), key=lambda pair: -pair[1][1]):
        text = ax.annotate(
            name,
            (x[name], y[name]),
            (0, 0),
            textcoords="offset pixels",
            fontsize=9,
            color=colours[name],
            weight="bold" if name in best else "normal",
            va="center",
        )
        box = text.get_window_extent()
        width, height = box.width, box.height
        chosen = None
        for dx, dy in around:
            left = point[0] + dx - (width if dx < 0 else width / 2 if dx == 0 else 0)
            low = point[1] + dy - height / 2
            here = (left, low, left + width, low + height)
            outside = (
                here[0] < frame.x0 or here[2] > frame.x1 or here[1] < frame.y0 or here[3] > frame.y1
            )
            clashes = sum(_overlap(here, other) for other in taken) + 1e6 * outside
            if chosen is None or clashes < chosen[0]:
                chosen = (clashes, dx, dy, here)
            if not clashes:
                break
        _, dx, dy, here = chosen
        text.set_position((here[0] - point[0], dy))
        if np.hypot(dx, dy) > 20:  # too far off to be told whose name it is
            ax.annotate(
                "",
                (x[name], y[name]),
                (dx, dy),
                textcoords="offset pixels",
                arrowprops={"arrowstyle": "-", "color": colours[name], "linewidth": 0.6},
            )
        taken.append(here)


def _directions(r: float) -> list[tuple[float, float]]:
    return [(r, 0), (-r, 0), (0, 1.3 * r), (0, -1.3 * r), (r, r), (r, -r), (-r, r), (-r, -r)]


def _overlap(a: tuple, b: tuple) -> float:
    """The area that two boxes (left, low, right, high) share."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    return max(wide, 0) * max(high, 0)
