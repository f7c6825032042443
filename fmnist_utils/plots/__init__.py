"""Figures and tables that say what made them, and sliders to look around with."""

from fmnist_utils.plots import diagrams, sliders
from fmnist_utils.plots.comparisons import forest, frontier, ladder, on_the_frontier, rows, search
from fmnist_utils.plots.figures import (
    MARKERS,
    PALETTE,
    STYLES,
    Table,
    confusion,
    curves,
    dots,
    finish,
    grid,
    roc,
    samples,
    sign_this_run,
)

__all__ = [
    "MARKERS",
    "PALETTE",
    "STYLES",
    "Table",
    "confusion",
    "curves",
    "diagrams",
    "dots",
    "finish",
    "forest",
    "frontier",
    "grid",
    "ladder",
    "on_the_frontier",
    "roc",
    "rows",
    "samples",
    "search",
    "sign_this_run",
    "sliders",
]
