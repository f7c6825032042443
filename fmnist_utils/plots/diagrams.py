"""Diagrams: neurons, networks as blocks, the way of data and gradients, drawn by code.

They show how something is built, not what came of a run, and so bear no signature.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from fmnist_utils.plots import figures

if TYPE_CHECKING:
    import keras

FORWARD, BACK, PLAIN = figures.PALETTE[0], figures.PALETTE[1], "#dbe7ee"


def units(
    columns: Sequence[Sequence[str]], weights: np.ndarray | None = None, title: str = ""
) -> None:
    """A network's units as circles, one column a layer; every unit is joined to all of the next.

    columns: the text in each circle. weights: (units of the first column, units of the second),
    written on the lines between these two.
    """
    tallest = max(map(len, columns))
    figure, ax = _canvas(2.2 * len(columns), 0.75 * tallest + 0.3)
    places = [
        [(2.2 * c, 0.75 * (tallest / 2 - len(column) / 2 + r)) for r in range(len(column))][::-1]
        for c, column in enumerate(columns)
    ]
    for c, (left, right) in enumerate(zip(places, places[1:], strict=False)):
        for i, (x0, y0) in enumerate(left):
            for j, (x1, y1) in enumerate(right):
                ax.plot([x0, x1], [y0, y1], color="#777777", linewidth=0.8, zorder=1)
                if c == 0 and weights is not None:
                    at = (x0 + 0.42 * (x1 - x0), y0 + 0.42 * (y1 - y0))
                    ax.text(*at, f"{weights[i, j]:g}", **_ON_LINE)
    for column, texts in zip(places, columns, strict=True):
        for (x, y), text in zip(column, texts, strict=True):
            ax.add_patch(Circle((x, y), 0.3, fc=PLAIN, ec=FORWARD, zorder=2))
            ax.text(x, y, text, ha="center", va="center", fontsize=9, zorder=3)
    _end(figure, ax, title, "Diagram of a network's units")


def flow(steps: Sequence[str], back: Sequence[str] = (), title: str = "") -> None:
    """Boxes from left to right, joined by arrows.

    back: what returns below them, from right to left: one text for each arrow, the first under the
    rightmost.
    """
    wide = 2.3
    figure, ax = _canvas(wide * len(steps), 1.0 if back else 0.6)
    for i, text in enumerate(steps):
        box = FancyBboxPatch(
            (wide * i, 0), 1.5, 0.7, boxstyle="round,pad=0.05", fc=PLAIN, ec=FORWARD
        )
        ax.add_patch(box)
        ax.text(wide * i + 0.75, 0.35, text, ha="center", va="center", fontsize=10)
        if i:
            _arrow(ax, (wide * i - 0.72, 0.45), (wide * i - 0.08, 0.45), FORWARD)
    for k, text in enumerate(back):
        x = wide * (len(steps) - 1 - k)
        _arrow(ax, (x - 0.08, 0.15), (x - 0.72, 0.15), BACK)
        ax.text(x - 0.4, -0.3, text, ha="center", va="top", fontsize=10, color=BACK)
    _end(figure, ax, title, "Diagram")


def layers(model: "keras.Model", title: str = "") -> None:
    """A network as blocks, one a layer: kind, shape of what it outputs, parameters.

    A block is as high as its maps and as wide as it has channels; a list is narrow, and the higher
    the longer it is. The scales let small ones be seen.
    """
    shapes = [("input", tuple(model.input_shape[1:]), None)] + [
        (type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
    ]
    figure, ax = _canvas(1.15 * len(shapes), 3.1)
    x = 0.0
    for number, (kind, shape, parameters) in enumerate(shapes):
        high = (
            0.25 + 1.35 * shape[0] / 28 if len(shape) > 1 else 1.6 * min(1, shape[0] / 784) + 0.25
        )
        width = 0.12 + 0.09 * np.log2(shape[-1]) if len(shape) > 1 else 0.16
        color = "#f7d9cc" if parameters else PLAIN
        ax.add_patch(Rectangle((x - width / 2, -high / 2), width, high, fc=color, ec=FORWARD))
        below = " × ".join(map(str, shape))
        below += f"\n{parameters:,}" if parameters else "\n"
        ax.text(x, -1.05, below, ha="center", va="top", fontsize=8)
        name = kind.replace("2D", " 2-D").replace("1D", " 1-D").replace("Batch", "Batch\n")
        ax.text(x, 1.0, name, ha="center", va="bottom", fontsize=8, rotation=30)
        if number + 1 < len(shapes):
            _arrow(ax, (x + width / 2 + 0.06, 0), (x + 0.8, 0), FORWARD)
        x += 1.15
    total = f"{title} ({model.count_params():,} parameters)" if title else ""
    _end(figure, ax, total, "Diagram of a network's layers, shapes and parameters")


def window(
    image: np.ndarray, kernel: np.ndarray, at: tuple[int, int] = (0, 0), title: str = ""
) -> None:
    """A kernel on an image, in numbers: the values below it, its weights, and the map of sums.

    image: 2-D, small enough to be read; kernel: 2-D; at: row and column of its upper left corner.
    """
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    result = (windows * kernel).sum(axis=(2, 3))
    parts = {"image": image, "kernel": kernel, "sums of the products": result}
    widths = [part.shape[1] for part in parts.values()]
    figure, axes = plt.subplots(
        1, 3, figsize=(9, 9 * max(len(image), 3) / sum(widths)), width_ratios=widths
    )
    for ax, (name, part) in zip(axes, parts.items(), strict=True):
        limit = np.abs(part).max()
        ax.imshow(part, cmap="PuOr_r", vmin=-2 * limit, vmax=2 * limit)
        for (r, c), value in np.ndenumerate(part):
            ax.text(c, r, f"{value:g}", ha="center", va="center", fontsize=10)
        ax.set(xticks=[], yticks=[])
        ax.set_title(name, weight="normal")
    (r, c), (high, wide) = at, kernel.shape
    box = dict(fill=False, edgecolor=BACK, linewidth=3)
    axes[0].add_patch(Rectangle((c - 0.5, r - 0.5), wide, high, **box))
    axes[2].add_patch(Rectangle((c - 0.5, r - 0.5), 1, 1, **box))
    figures.finish(figure, title, kind="Diagram of a kernel on an image", made_by="")
    plt.show()


_ON_LINE = dict(
    ha="center",
    va="center",
    fontsize=8,
    bbox=dict(boxstyle="round,pad=0.1", facecolor="white", edgecolor="none"),
)


def _canvas(width: float, height: float) -> tuple[plt.Figure, Axes]:
    figure, ax = plt.subplots(figsize=(min(10, width), height + 0.4))
    ax.set_aspect("equal")
    ax.axis("off")
    return figure, ax


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    style = dict(arrowstyle="-|>", color=color, linewidth=1.5, shrinkA=0, shrinkB=0)
    ax.annotate("", end, start, arrowprops=style)


def _end(figure: plt.Figure, ax: Axes, title: str, kind: str) -> None:
    ax.margins(0.06)
    figures.finish(figure, title, kind=kind, made_by="")
    plt.show()
