"""Looking around with sliders, in a notebook.

What they show first is a plain picture, which stays where no kernel runs: on GitHub, in HTML.
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

from fmnist_utils import evaluation
from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.plots import figures


def predictions(
    images: np.ndarray, labels: np.ndarray, outputs: np.ndarray, made_by: str = "this run"
) -> None:
    """Look at predictions: ten images of a class, as sure as a slider says.

    images: uint8 (n, 28, 28); labels: (n,); outputs: the network's, (n, 10).
    """

    def show(said: str, confidence: float) -> None:
        chosen = nearest(outputs, CLASS_NAMES.index(said), confidence)
        if not len(chosen):
            print(f"No image is called {said}.")
            return
        captions = [
            f"{outputs[i].max():.0%} "
            + ("✓" if labels[i] == outputs[i].argmax() else f"✗\n{CLASS_NAMES[labels[i]]}")
            for i in chosen
        ]
        title = f"Called {said} with a confidence near {confidence:.0%} (✗: the true class)"
        figures.grid(images[chosen], captions, columns=10, title=title, size=1.1, made_by=made_by)

    _with_sliders(show, said=(CLASS_NAMES, "Shirt"), confidence=((0.2, 1.0, 0.01), 0.5))


def threshold(labels: np.ndarray, outputs: np.ndarray, made_by: str = "this run") -> None:
    """Move the probability from which on an image counts as one of a class.

    Shows the point on the class's ROC curve, and what it means in images.
    labels: (n,); outputs: the network's, (n, 10).
    """
    curves, areas = evaluation.roc(labels, outputs)

    def show(name: str, threshold: float) -> None:
        table = at_threshold(labels, outputs, CLASS_NAMES.index(name), threshold)
        found, false = table.loc[name, "recall"], table.loc[name, "false positive rate"]
        title = (
            f"{name}, threshold {threshold:.0%}: {found:.1%} of its images are found,\n"
            f"and {false:.2%} of all others are called so"
        )
        figures.roc(curves, areas[[name]], title, mark=(false, found), made_by=made_by)
        print(table.to_string(float_format="{:.4f}".format))

    first = "Shirt" if "Shirt" in areas else areas.index[0]
    _with_sliders(show, name=(list(areas.index), first), threshold=((0.01, 0.99, 0.01), 0.5))


def nearest(outputs: np.ndarray, digit: int, confidence: float, n: int = 10) -> np.ndarray:
    """Indices of the n images called `digit` whose confidence is nearest, the surest first.

    outputs: the network's, (n, 10); digit: a class, 0 to 9; confidence: 0 to 1.
    """
    called = np.flatnonzero(outputs.argmax(axis=1) == digit)
    sure = outputs[called].max(axis=1)
    chosen = np.argsort(np.abs(sure - confidence), kind="stable")[:n]
    return called[chosen[np.argsort(-sure[chosen], kind="stable")]]


def at_threshold(
    labels: np.ndarray, outputs: np.ndarray, digit: int, threshold: float
) -> pd.DataFrame:
    """One class against the rest at a threshold: images called so rightly and wrongly, images
    missed, precision (NaN if none is called so), recall and false positive rate.

    labels: (n,); outputs: the network's, (n, 10); digit: a class, 0 to 9; threshold: 0 to 1.
    """
    called, true = outputs[:, digit] >= threshold, labels == digit
    right, wrong = int((called & true).sum()), int((called & ~true).sum())
    facts = {
        "rightly": right,
        "wrongly": wrong,
        "missed": int(true.sum()) - right,
        "precision": right / (right + wrong) if right + wrong else np.nan,
        "recall": right / true.sum(),
        "false positive rate": wrong / (~true).sum(),
    }
    return pd.DataFrame([facts], index=[CLASS_NAMES[digit]])


def _with_sliders(show: Callable[..., None], **controls: tuple) -> None:
    """Show the first choice, as a plain picture; in a notebook also what chooses another.

    controls: (what can be chosen, what is chosen first); a list, or (least, most, step).
    """
    show(**{name: first for name, (_, first) in controls.items()})
    if "ipykernel" not in sys.modules:
        return
    import ipywidgets
    from IPython.display import display

    widgets = {}
    for name, (choice, first) in controls.items():
        if isinstance(choice, list):
            widgets[name] = ipywidgets.Dropdown(description=name, options=choice, value=first)
        else:
            least, most, step = choice
            widgets[name] = ipywidgets.FloatSlider(
                description=name,
                value=first,
                min=least,
                max=most,
                step=step,
                continuous_update=False,
            )
    below = ipywidgets.Output()

    def moved(_: object) -> None:
        with below:
            below.clear_output(wait=True)
            show(**{name: widget.value for name, widget in widgets.items()})

    for widget in widgets.values():
        widget.observe(moved, "value")
    display(ipywidgets.VBox([*widgets.values(), below]))
