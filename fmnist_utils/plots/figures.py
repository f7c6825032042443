"""Figures and tables that say what made them.

`made_by` says what a figure or table shows: "this run", the reader's own, whose profile and data
`sign_this_run` has told; "as published", the reader's own too, of what `runs.train_as_published`
trained; or "reference", the course's full runs. Colours are never the only cue:
lines differ in style and marker as well. The functions draw into a new figure and return nothing,
so that a notebook shows it once.
"""

import html
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fmnist_utils.data import CLASS_NAMES, Dataset, as_published
from fmnist_utils.profiles import Profile

# Found by a search for what tests/plots/test_figures.py asks: told apart by the colour-blind,
# and in grey.
PALETTE = [
    "#016c9e",
    "#e7410e",
    "#003e40",
    "#6d23b5",
    "#39a3a3",
    "#1a1a2e",
    "#5e371c",
    "#e24cbd",
    "#757275",
    "#9f3b00",
]
STYLES = ["-", "--", ":", "-."]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*", "<", ">"]
_SIGNATURES = {
    "this run": "not signed: setup() was not called",
    "as published": "not signed: setup() was not called",
    "reference": "reference runs · Fashion-MNIST",
}

sns.set_theme(context="notebook", style="whitegrid", palette=PALETTE)
plt.rcParams.update(
    {
        "figure.dpi": 80,
        "figure.constrained_layout.use": True,
        "axes.titleweight": "bold",
        "axes.titlesize": "medium",
        "figure.titleweight": "bold",
        "figure.titlesize": "medium",
    }
)


def sign_this_run(profile: Profile, dataset: Dataset) -> None:
    """Tell what the reader's own figures are made with."""
    source = dataset.source if dataset.real else "DRAWN STAND-IN, NOT FASHION-MNIST"
    _SIGNATURES["this run"] = f"{profile} profile · {source}"
    whole = as_published(profile, dataset) is not profile
    _SIGNATURES["as published"] = "trained as published · " * whole + _SIGNATURES["this run"]


def signature(made_by: str) -> str:
    """The words that stand below a figure, or in a table's caption.

    made_by: "this run", "as published" or "reference". Raises ValueError for another word.
    """
    if made_by not in _SIGNATURES:
        raise ValueError(f"made_by={made_by!r}: choose one of {', '.join(_SIGNATURES)}.")
    return _SIGNATURES[made_by]


def finish(figure: Figure, title: str = "", made_by: str = "this run", kind: str = "Chart") -> None:
    """Give a figure its title (the finding, in words) and the line that says what made it.

    kind: with the title, a notebook keeps it as the alternative text for who can't see.
    made_by: as for `signature`; "" for a drawing that no run made.
    """
    signed = "" if made_by == "" else signature(made_by)
    figure.suptitle(title)
    words = " ".join(f"{kind}: {title}".split())
    figure._repr_mimebundle_ = lambda **_: (
        {"text/plain": words},
        {"image/png": {"alt": words, "made_by": signed or "drawing"}},
    )
    if not signed:
        return
    figure.text(
        1,
        -0.01,
        signed,
        ha="right",
        va="top",
        fontsize=8,
        color="#555555",
        weight="bold" if "STAND-IN" in signed else "normal",
    )


class Table:
    """A DataFrame with a caption; it reads well in a notebook, on paper and as plain text."""

    def __init__(
        self, frame: pd.DataFrame, caption: str, decimals: int = 2, made_by: str = "this run"
    ) -> None:
        self.frame, self.caption = frame, f"{caption} ({signature(made_by)})"
        self._options = {"float_format": f"{{:.{decimals}f}}".format, "na_rep": "–"}

    def _repr_html_(self) -> str:
        head = f"<caption>{html.escape(self.caption)}</caption>\n  <thead>"
        return self.frame.to_html(border=0, **self._options).replace("<thead>", head, 1)

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.frame.to_string(**self._options)}"


def grid(
    images: Sequence[np.ndarray],
    captions: Sequence[str] | None = None,
    columns: int = 10,
    title: str = "",
    size: float = 1.0,
    signed: bool = False,
    made_by: str = "this run",
) -> None:
    """Small pictures in rows, left to right.

    images: 2-D arrays of any range, each drawn dark where it is large. signed: a diverging
    palette around zero, the same scale for all but whole images (uint8), which stay grey.
    size: width of one picture in inches.
    """
    rows = -(-len(images) // columns)
    height = size * (1.2 if captions is not None else 1.0)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * size, rows * height + 0.4), squeeze=False
    )
    coloured = [signed and image.dtype != np.uint8 for image in images]
    limit = max((np.abs(images[i]).max() for i in np.flatnonzero(coloured)), default=0)
    diverging = {"cmap": "PuOr_r", "vmin": -limit, "vmax": limit}
    for number, ax in enumerate(axes.flat):
        ax.axis("off")
        if number < len(images):
            ax.imshow(images[number], **(diverging if coloured[number] else {"cmap": "gray_r"}))
            if captions is not None:
                ax.set_title(captions[number], fontsize=8, weight="normal")
    finish(figure, title, made_by, "Pictures")
    plt.show()


def curves(
    histories: pd.DataFrame | Mapping[str, pd.DataFrame],
    title: str = "",
    made_by: str = "this run",
) -> None:
    """Loss and accuracy per epoch: training in solid lines, validation in dashed ones.

    histories: one history (columns epoch, loss, accuracy, val_loss, val_accuracy) or several by
    name; several differ in colour and marker and are named in the legend.
    """
    named = {"": histories} if isinstance(histories, pd.DataFrame) else histories
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6))
    for number, (name, history) in enumerate(named.items()):
        for ax, quantity in zip(axes, ("loss", "accuracy"), strict=True):
            for column, style, kind in (
                (quantity, "-", "training"),
                (f"val_{quantity}", "--", "validation"),
            ):
                if column in history:
                    ax.plot(
                        history["epoch"],
                        history[column],
                        style,
                        color=f"C{number}",
                        marker=MARKERS[number % len(MARKERS)],
                        markersize=4,
                        label=f"{name}, {kind}" if name else kind,
                    )
    for ax, label in zip(axes, ("loss", "accuracy"), strict=True):
        ax.set(xlabel="epoch", ylabel=label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axes[0].dataLim.y1 > 100:  # a training that diverged would flatten all the others
        axes[0].set_yscale("log")
    axes[1].yaxis.set_major_formatter(PercentFormatter(1))
    axes[1].legend(
        fontsize=8,
        loc="best" if len(named) < 3 else "upper left",
        bbox_to_anchor=None if len(named) < 3 else (1, 1),
    )
    finish(figure, title, made_by, "Loss and accuracy per epoch")
    plt.show()


def confusion(
    matrices: Mapping[str, pd.DataFrame], title: str = "", made_by: str = "this run"
) -> None:
    """Confusion matrices, as `evaluation.confusion` gives them, side by side under their names,
    each row in per cent of its true class."""
    figure, axes = plt.subplots(1, len(matrices), figsize=(5.6 * len(matrices), 4.6), squeeze=False)
    for ax, (name, matrix) in zip(axes.flat, matrices.items(), strict=True):
        share = 100 * matrix.div(matrix.sum(axis=1).clip(lower=1), axis=0)
        sns.heatmap(
            share,
            annot=True,
            fmt=".0f",
            cmap="Blues",
            vmin=0,
            vmax=100,
            ax=ax,
            cbar=False,
            annot_kws={"size": 8},
            linewidths=0.5,
        )
        ax.set_title(f"{name} (per cent of each true class)", weight="normal")
    finish(figure, title, made_by, "Confusion matrix")
    plt.show()


def roc(
    table: pd.DataFrame,
    areas: pd.Series,
    title: str = "",
    mark: tuple[float, float] | None = None,
    made_by: str = "this run",
) -> None:
    """One-vs-rest ROC curves: the whole, and the upper left corner.

    table, areas: as `evaluation.roc` gives them, or the areas of some classes only.
    mark: a point on them, (false positive rate, true positive rate).
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2))
    for number, name in enumerate(areas.index):
        one = table[table["class"] == name]
        for ax in axes:
            ax.plot(
                one["false positive rate"],
                one["true positive rate"],
                linestyle=STYLES[number % 4],
                color=f"C{number}",
                label=f"{name} ({areas[name]:.3f})",
            )
    axes[0].plot([0, 1], [0, 1], color="#555555", linewidth=1, linestyle=(0, (1, 4)))
    for ax in axes if mark else ():
        ax.plot(mark[:1], mark[1:], "X", color="C1", markersize=10)
    lowest = min(0.7, mark[1] - 0.05) if mark else 0.7
    axes[1].set(xlim=(-0.01, 0.3), ylim=(lowest, 1.01))
    for ax in axes:
        ax.set(xlabel="false positive rate", ylabel="true positive rate")
    axes[1].set_title("the upper left corner, enlarged", weight="normal")
    axes[1].legend(title="class (area)", fontsize=8, title_fontsize=8)
    finish(figure, title, made_by, "ROC curves")
    plt.show()


def dots(
    values: pd.Series,
    errors: pd.Series | None = None,
    title: str = "",
    made_by: str = "this run",
) -> None:
    """One dot a model on a common axis, their validation accuracy; `errors`: bars either way.

    Where a few lie far below all others, they stand at the edge as arrows, with their value.
    """
    figure, ax = plt.subplots(figsize=(7, 0.32 * len(values) + 1))
    position = np.arange(len(values))[::-1]
    near = ~_far_below(values)
    bars = None if errors is None else errors[near]
    ax.errorbar(values[near], position[near], xerr=bars, fmt="o", capsize=3)
    edge = ax.get_xlim()[0]
    for value, height in zip(values[~near], position[~near], strict=True):
        ax.plot(edge, height, "<", color="C1", clip_on=False)
        ax.annotate(f"{value:.1%}", (edge, height), (8, 0), textcoords="offset points", va="center")
    if not near.all():
        ax.set_xlim(left=edge)
    ax.set_yticks(position, values.index)
    ax.set_xlabel("validation accuracy")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_ylim(-0.6, len(values) - 0.4)
    finish(figure, title, made_by, "Dots with error bars")
    plt.show()


def _far_below(values: pd.Series) -> np.ndarray:
    """Which values would squash an axis that held all: those below the widest gap, if that is more
    than twice as wide as all that lies above it, and at most a quarter of the values lie below."""
    order = np.sort(values.dropna())
    few = max(len(order) // 4, 1 if len(order) > 3 else 0)
    cut = -np.inf
    for i in range(1, few + 1):
        if order[i] - order[i - 1] > 2 * (order[-1] - order[i]):
            cut = order[i - 1]
    return (values <= cut).to_numpy()


def samples(
    images: np.ndarray,
    labels: np.ndarray,
    each: int = 10,
    title: str = "",
    made_by: str = "this run",
) -> None:
    """The first `each` images of every class, one class a row, its name at the left.

    images: uint8 (n, 28, 28); labels: (n,), 0 to 9.
    """
    figure, axes = plt.subplots(10, each, figsize=(each * 0.8 + 1, 8.4))
    for digit, row in enumerate(axes):
        for ax, image in zip(row, images[labels == digit], strict=False):
            ax.imshow(image, cmap="gray_r")
        for ax in row:
            ax.set(xticks=[], yticks=[], frame_on=False)
        row[0].set_ylabel(CLASS_NAMES[digit], rotation=0, ha="right", va="center", fontsize=9)
    finish(figure, title, made_by, "Pictures")
    plt.show()


def explanation(
    steps: Mapping[str, np.ndarray],
    probabilities: np.ndarray,
    fall: np.ndarray,
    title: str,
    file: str,
) -> None:
    """Write into a PNG file how an answer for a photo came about.

    steps: pictures by name, uint8, grey or in colour; the last is the network's input.
    probabilities: (10,). fall: of the answer's probability, where a place is covered, (28, 28).
    """
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.6))
    for ax, (name, picture) in zip(above.subplots(1, len(steps)), steps.items(), strict=True):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        ax.set_title(name, fontsize=9, weight="normal")
        ax.axis("off")
    bars, seen, map_ = below.subplots(1, 3, width_ratios=(1.5, 1, 1.15))
    order = np.argsort(probabilities, kind="stable")
    drawn = bars.barh([CLASS_NAMES[digit] for digit in order], 100 * probabilities[order])
    bars.bar_label(drawn, fmt="%.1f", padding=3, fontsize=8)
    bars.set(xlabel="probability (%)", xlim=(0, 112))
    bars.grid(axis="y", visible=False)
    image = list(steps.values())[-1]
    seen.imshow(image, cmap="gray", vmin=0, vmax=255)
    seen.set_title("what the network sees")
    limit = 100 * max(float(np.abs(fall).max()), 0.01)
    map_.imshow(image, cmap="gray_r", vmin=0, vmax=700)  # faintly, to find one's way
    shown = map_.imshow(100 * fall, cmap="PuOr_r", vmin=-limit, vmax=limit, alpha=0.8)
    map_.set_title("covered here, the answer loses")
    figure.colorbar(shown, ax=map_, label="points of probability", shrink=0.8)
    for ax in (seen, map_):
        ax.axis("off")
    figure.suptitle(title, parse_math=False)  # a file's name may have a $ in it
    # By this mark `predict --explain` knows that it may overwrite the file.
    figure.savefig(file, format="png", dpi=110, metadata={"Software": "fmnist_utils"})
