"""How good is a classifier? Every answer is a number or a DataFrame.

`labels` are integers (n,), 0 to 9; `probabilities` are the network's outputs (n, 10). The largest
output is the prediction, even where the outputs are no probabilities. Averages over classes are
unweighted ("macro"). Every function raises ValueError for labels or outputs of another form.
"""

import numpy as np
import pandas as pd
from sklearn import metrics

from fmnist_utils.backend import keras
from fmnist_utils.data import CLASS_NAMES

_DIGITS = range(10)


def _check(labels: np.ndarray, probabilities: np.ndarray) -> None:
    """Raise ValueError unless there is a class, 0 to 9, and a row of ten outputs for each image."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    numbers = labels.dtype.kind in "iu" and probabilities.dtype.kind in "fiub"
    if not numbers or labels.ndim != 1 or probabilities.shape != (len(labels), 10):
        raise ValueError(
            f"Labels {labels.dtype} {labels.shape} and outputs {probabilities.dtype} "
            f"{probabilities.shape} don't go together; integers (n,) and numbers (n, 10) do."
        )
    if not len(labels):
        raise ValueError("There is no image to judge a classifier by.")
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"Labels go from 0 to 9, not from {labels.min()} to {labels.max()}.")


def scores(
    labels: np.ndarray, probabilities: np.ndarray, loss: str = "sparse_categorical_crossentropy"
) -> dict[str, float]:
    """Loss, accuracy, and macro precision, recall and F1.

    loss: the one the model was trained with, computed by Keras, without weight penalties. The
    two cross-entropies differ only for outputs below 0 or above 1, which each cuts in its way.
    """
    _check(labels, probabilities)
    truth = labels.astype("int32")
    if loss == "categorical_crossentropy":
        truth = keras.utils.to_categorical(labels, 10)
    losses = keras.ops.convert_to_numpy(getattr(keras.losses, loss)(truth, probabilities))
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, labels=_DIGITS, average="macro", zero_division=0
    )
    return {
        "loss": float(losses.mean()),
        "accuracy": float((predicted == labels).mean()),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def report(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Precision, recall, F1 and support of each class, and their macro average."""
    _check(labels, probabilities)
    table = metrics.classification_report(
        labels, probabilities.argmax(axis=1), labels=_DIGITS, target_names=CLASS_NAMES,
        output_dict=True, zero_division=0,
    )  # fmt: skip
    frame = pd.DataFrame(table).T.loc[[*CLASS_NAMES, "macro avg"]]
    return frame.astype({"support": int}).rename(columns={"f1-score": "f1"})


def confusion(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Counts: true classes in rows, predicted classes in columns."""
    _check(labels, probabilities)
    return as_confusion(
        metrics.confusion_matrix(labels, probabilities.argmax(axis=1), labels=_DIGITS)
    )


def as_confusion(matrix: np.ndarray) -> pd.DataFrame:
    """Counts (10, 10) with the classes' names on both sides."""
    return pd.DataFrame(
        matrix,
        index=pd.Index(CLASS_NAMES, name="true class"),
        columns=pd.Index(CLASS_NAMES, name="predicted class"),
    )


def worst_confusions(matrix: pd.DataFrame, n: int = 5) -> pd.DataFrame:
    """The `n` largest entries off the diagonal: true class, predicted class, images."""
    wrong = matrix.where(~np.eye(10, dtype=bool)).stack().nlargest(n).astype(int)
    return wrong.rename("images").reset_index()


def roc(labels: np.ndarray, probabilities: np.ndarray) -> tuple[pd.DataFrame, pd.Series]:
    """One-vs-rest ROC curves, and the area under each.

    Returns a long table (class, threshold, false positive rate, true positive rate) and the
    areas by class. A class of which there is no image, or nothing else, has no curve.
    Raises ValueError if an output is not a finite number.
    """
    _check(labels, probabilities)
    if not np.isfinite(probabilities).all():
        raise ValueError("ROC curves need finite outputs; this model's training has diverged.")
    curves, areas = [], {}
    for digit, name in enumerate(CLASS_NAMES):
        positive = labels == digit
        if positive.all() or not positive.any():
            continue
        false, true, threshold = metrics.roc_curve(positive, probabilities[:, digit])
        columns = {"class": name, "threshold": threshold,
                   "false positive rate": false, "true positive rate": true}  # fmt: skip
        curves.append(pd.DataFrame(columns))
        areas[name] = metrics.auc(false, true)
    return pd.concat(curves, ignore_index=True), pd.Series(areas, name="AUC")


def mistakes(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """The misclassified images, the most confident first: index, true, predicted, confidence."""
    _check(labels, probabilities)
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    names = np.array(CLASS_NAMES)
    table = pd.DataFrame({
        "index": wrong,
        "true": names[labels[wrong]],
        "predicted": names[predicted[wrong]],
        "confidence": probabilities[wrong, predicted[wrong]],
    })  # fmt: skip
    return table.sort_values("confidence", ascending=False, ignore_index=True)


def standard_error(accuracy: float, n: int) -> float:
    """The binomial standard error of an accuracy measured on `n` images, as a fraction.

    Source: sqrt(p (1 - p) / n), the spread of the share of successes in n independent trials.
    """
    if not 0 <= accuracy <= 1 or n < 1:
        raise ValueError(f"No accuracy is {accuracy}, measured on {n} images.")
    return float(np.sqrt(accuracy * (1 - accuracy) / n))


def combine(outputs: np.ndarray, how: str) -> np.ndarray:
    """An ensemble's probabilities (n, 10), from its members' (members, n, 10).

    how: "average" of the members' probabilities; their "maximum", class by class; "vote", each
    member has one vote for its favourite, and a class gets its share of them; "majority", the
    class that more than half of the members vote for gets 1, and where there is none, the average
    decides. Raises KeyError for another word, ValueError for outputs of another form.
    """
    if np.ndim(outputs) != 3 or 0 in np.shape(outputs) or np.shape(outputs)[2] != 10:
        raise ValueError(f"Members' outputs are (members, n, 10), and not {np.shape(outputs)}.")
    average = outputs.mean(axis=0)
    votes = np.eye(10)[outputs.argmax(axis=2)].mean(axis=0)
    highest = outputs.max(axis=0)
    favourite = np.eye(10)[average.argmax(axis=1)]
    return {
        "average": average,
        "maximum": highest / highest.sum(axis=1, keepdims=True),
        "majority": np.where(votes.max(axis=1, keepdims=True) > 0.5, votes > 0.5, favourite),
        "vote": votes,
    }[how].astype(np.float32)


def calibration(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """How often is the model right when it is so sure? One row a bin of confidence.

    Confidence is the largest probability. Columns: images, confidence (mean), accuracy, both as
    fractions; empty bins are left out.
    """
    _check(labels, probabilities)
    sure = probabilities.max(axis=1)
    which = np.minimum((sure * bins).astype(int), bins - 1)
    table = pd.DataFrame({"confidence": sure, "accuracy": probabilities.argmax(axis=1) == labels})
    grouped = table.groupby(which)
    return grouped.mean().assign(images=grouped.size()).rename_axis("bin")


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> float:
    """The expected calibration error, a fraction: |confidence - accuracy|, averaged over images.

    Source: Guo et al. 2017, "On calibration of modern neural networks", equation 3.
    """
    table = calibration(labels, probabilities, bins)
    gaps = (table.confidence - table.accuracy).abs()
    return float((gaps * table.images).sum() / table.images.sum())
