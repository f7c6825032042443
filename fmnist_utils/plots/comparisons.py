"""Figures of comparisons: differences with their verdicts, a ladder of changes, a frontier, rows of
pictures before and after a change."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator, PercentFormatter

from fmnist_utils.plots.figures import PALETTE, finish

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
        ax.set_xlim(1.6 * min(-linear, table.low.min()), 1.6 * max(linear, table.high.max()))
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
            f"{row.change:+.2f}".replace("-", "−"),
            (end, rung),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    left.set_yticks(height, table.index)
    lines = " (black: 95 % interval of the step)" if table.low.notna().any() else ""
    left.set_xlabel(f"validation accuracy, per cent{lines}")
    below = table.accuracy.shift()
    ends = pd.concat([table.accuracy, below + table.low, below + table.high])
    room = 0.14 * (ends.max() - ends.min())
    left.set_xlim(ends.min() - room / 2, ends.max() + room)
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
    title: str,
    groups: Mapping[str, tuple[str, str]],
    made_by: str = "reference",
) -> None:
    """Accuracy against a cost: every model named where it stands, the frontier drawn.

    table: one row a model; column `x`, the cost, on a logarithmic axis; accuracy (fractions) with
    low and high (NaN: no bar); group, its kind. groups: each kind's colour and marker. The
    accuracies' axis is logarithmic in the errors: half as many are as far everywhere.
    """
    figure, ax = plt.subplots(figsize=(11, 7.2))
    for kind, (colour, marker) in groups.items():
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
    ax.set_yscale("function", functions=(_fewer_errors, _from_errors))
    least, most = ax.get_ylim()
    marks = [0.5, 0.6, 0.7, 0.8, 0.84, 0.86, 0.88, *np.arange(0.9, 1, 0.01)]
    ax.yaxis.set_major_locator(FixedLocator([mark for mark in marks if least <= mark <= most]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=99))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set(xlabel=x, ylabel="test accuracy")
    ax.margins(x=0.1, y=0.06)
    ax.legend(loc="lower right", fontsize=10)
    colours = {kind: colour for kind, (colour, _) in groups.items()}
    finish(figure, title, made_by, "Accuracy against cost")
    _name_points(ax, table.assign(x=table[x], colour=table.group.map(colours)), best)
    plt.show()


def on_the_frontier(table: pd.DataFrame, x: str) -> list[str]:
    """The models that none at most as costly equals in accuracy, the cheapest first."""
    ordered = table.sort_values([x, "accuracy"], ascending=[True, False])
    before = ordered.accuracy.cummax().shift(fill_value=-np.inf)
    return ordered.index[ordered.accuracy > before].tolist()


def _fewer_errors(accuracy: np.ndarray) -> np.ndarray:
    return -np.log10(np.clip(1 - accuracy, 1e-4, None))


def _from_errors(height: np.ndarray) -> np.ndarray:
    return 1 - 10.0**-height


def _name_points(ax: Axes, table: pd.DataFrame, best: list) -> None:
    """Write each point's name beside it, where it covers no other name, point, bar or step of the
    frontier; bold if it is on it. table: x, accuracy, low, high and colour of each."""
    figure, colours = ax.figure, table.colour
    figure.canvas.draw()
    x, y = table.x, table.accuracy
    places = ax.transData.transform(np.column_stack([x, y]))
    taken = [(px - 6, py - 6, px + 6, py + 6) for px, py in places]
    bars = table[table.low.notna()]
    ends = [ax.transData.transform(np.column_stack([bars.x, bars[end]])) for end in ("low", "high")]
    taken += [(px - 3, low, px + 3, high) for (px, low), (_, high) in zip(*ends, strict=True)]
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


def rows(
    named: Mapping[str, Sequence[np.ndarray]],
    title: str = "",
    made_by: str = "this run",
    marked: Mapping[str, Sequence[bool]] | None = None,
    halves: tuple[str, str] | None = None,
) -> None:
    """Pictures in rows, each row named at its left.

    named: for each row its 2-D images, as many in each. marked: those that are framed and coloured.
    halves: what stands above the left and the right half of the columns, with a gap between them.
    """
    columns = len(next(iter(named.values())))
    wide = [1.0] * columns
    if halves:
        wide.insert(columns // 2, 0.4)
    figure, axes = plt.subplots(
        len(named),
        len(wide),
        figsize=(0.62 * sum(wide) + 1.6, 0.68 * len(named) + 0.8),
        squeeze=False,
        width_ratios=wide,
    )
    for (name, images), row in zip(named.items(), axes, strict=True):
        cells = [ax for ax, width in zip(row, wide, strict=True) if width == 1]
        for number, (ax, image) in enumerate(zip(cells, images, strict=True)):
            mark = marked is not None and marked[name][number]
            ax.imshow(image, cmap="Oranges" if mark else "gray_r")
            for side in ax.spines.values():
                side.set(visible=mark, color=PALETTE[1], linewidth=2.5)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        if not ax.images:
            ax.axis("off")
    if halves:
        middle = columns // 2
        for at, text in zip(
            (middle // 2, middle + 1 + (columns - middle) // 2), halves, strict=True
        ):
            axes[0, at].set_title(text, fontsize=11)
    finish(figure, title, made_by, "Pictures")
    plt.show()


def search(
    table: pd.DataFrame, x: str, y: str, title: str = "", made_by: str = "reference"
) -> None:
    """A search in space and in time.

    table: one row a trial, in the order of trials and under its number; columns seconds,
    val_accuracy (a fraction), state ("complete", "pruned", or how the trial came about) and the
    hyperparameters `x`, on a logarithmic axis, and `y`.
    At the left where the trials are, with their numbers if there are few; at the right when each
    ran and what it reached, with the best so far.
    """
    figure, (space, clock) = plt.subplots(1, 2, figsize=(11, 4), width_ratios=[4, 5])
    done, pruned = table[table.state != "pruned"], table[table.state == "pruned"]
    best = done.val_accuracy.idxmax()
    ordered = done.sort_values("val_accuracy")  # of several at one place one sees the best
    shades = space.scatter(
        ordered[x],
        ordered[y],
        c=100 * ordered.val_accuracy,
        cmap="cividis",
        s=90,
        edgecolor="white",
    )
    few = len(table) <= 12
    for place, trials in done.groupby([x, y]).groups.items():
        if few or len(trials) > 1:
            text = ", ".join(map(str, trials)) if few else f"{len(trials)} ×"
            space.annotate(text, place, (9, 6), textcoords="offset points", fontsize=9)
    space.plot(pruned[x], pruned[y], "x", color=PALETTE[1], markersize=7)
    space.plot(*table.loc[best, [x, y]], "o", markersize=17, fillstyle="none", color="black")
    space.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "), xscale="log")
    space.margins(0.12)
    figure.colorbar(shades, ax=space).ax.set_title("per cent", fontsize=9)
    end = table.seconds.cumsum() / 60
    begin = end - table.seconds / 60
    score = 100 * table.val_accuracy
    lowest = score[done.index].min()
    floor = min(lowest, score[best] - 1) - 0.15 * (score[best] - lowest + 0.5)
    shown = score.clip(lower=floor)
    states = [*done.groupby("state", sort=False), ("pruned", pruned)]
    for (state, some), colour in zip(states, (PALETTE[0], *PALETTE[2:]), strict=False):
        label = "not pruned" if state == "complete" else state
        style, colour = ("-x", PALETTE[1]) if state == "pruned" else ("-", colour)
        for number, trial in enumerate(some.index):
            clock.plot(
                [begin[trial], end[trial]],
                [shown[trial]] * 2,
                style,
                color=colour,
                linewidth=4,
                markevery=[1],
                label=f"{label}: {len(some)} trials" if not number else None,
            )
            if few:
                middle = (begin[trial] + end[trial]) / 2
                clock.annotate(
                    str(trial),
                    (middle, shown[trial]),
                    (0, 4),
                    textcoords="offset points",
                    ha="center",
                    fontsize=9,
                )
    so_far = score.where(table.state != "pruned", 0.0).cummax().replace(0.0, np.nan)
    clock.step(end, so_far, where="post", color="#555555", linewidth=1, label="the best so far")
    clock.set(xlabel="minutes of training", ylabel="accuracy of the trial, per cent")
    clock.margins(y=0.1)
    clock.yaxis.tick_right()  # beside the label of the colours it would have no room
    clock.yaxis.set_label_position("right")
    if (score < floor).any():
        clock.set_ylim(bottom=floor - 0.05 * (score[best] - floor))
        clock.text(0, floor, " or lower", fontsize=8, va="bottom")
    clock.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    finish(figure, title, made_by, "A search in space and time")
    plt.show()
