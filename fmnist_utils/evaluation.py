"""How good is a classifier? Every answer is a number or a DataFrame.

`labels` are integers (n,), 0 to 9; `probabilities` are the network's outputs (n, 10). The largest
output is the prediction, even where the outputs are no probabilities. Averages over classes are
unweighted ("macro"). Every function raises ValueError for what is of another form.
"""

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn import metrics

from fmnist_utils.data import CLASS_NAMES

_DIGITS = range(10)


def _checked(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays; ValueError unless each image has a class, 0 to 9, and ten outputs."""
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
    return labels, probabilities


def scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Cross-entropy (nats), accuracy, and macro precision, recall and F1 (fractions)."""
    labels, probabilities = _checked(labels, probabilities)
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, labels=_DIGITS, average="macro", zero_division=0
    )
    return {
        "cross_entropy": float(cross_entropy(labels, probabilities).mean()),
        "accuracy": float((predicted == labels).mean()),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def cross_entropy(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Each image's cross-entropy in nats, (n,): -log of the true class's share of the outputs.

    Outputs that don't sum to 1 are divided by their sum first, and shares below 1e-7 count as
    1e-7, as in `keras.losses.categorical_crossentropy`.
    """
    labels, probabilities = _checked(labels, probabilities)
    with np.errstate(invalid="ignore", divide="ignore"):  # ten zeros: no number, as in Keras
        shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    return -np.log(shares[np.arange(len(labels)), labels].clip(1e-7, 1))


def report(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Precision, recall, F1 and support of each class, and their macro average."""
    labels, probabilities = _checked(labels, probabilities)
    table = metrics.classification_report(
        labels,
        probabilities.argmax(axis=1),
        labels=_DIGITS,
        target_names=CLASS_NAMES,
        output_dict=True,
        zero_division=0,
    )
    frame = pd.DataFrame(table).T.loc[[*CLASS_NAMES, "macro avg"]]
    return frame.astype({"support": int}).rename(columns={"f1-score": "f1"})


def confusion(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Counts: true classes in rows, predicted classes in columns."""
    labels, probabilities = _checked(labels, probabilities)
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
    """The `n` largest entries off the diagonal that aren't 0: true class, predicted class,
    images. matrix: as `confusion` gives it."""
    wrong = matrix.where(~np.eye(10, dtype=bool), 0).stack().nlargest(n)
    return wrong[wrong > 0].rename("images").reset_index()


def roc(labels: np.ndarray, probabilities: np.ndarray) -> tuple[pd.DataFrame, pd.Series]:
    """One-vs-rest ROC curves, and the area under each.

    Returns a long table (class, threshold, false positive rate, true positive rate) and the
    areas by class. A class of which there is no image, or nothing else, has no curve.
    Raises ValueError if an output is not a finite number, and if all images are of one class.
    """
    labels, probabilities = _checked(labels, probabilities)
    if len(np.unique(labels)) < 2:
        raise ValueError("ROC curves need images of at least two classes.")
    if not np.isfinite(probabilities).all():
        raise ValueError("ROC curves need finite outputs; this model's training has diverged.")
    curves, areas = [], {}
    for digit, name in enumerate(CLASS_NAMES):
        positive = labels == digit
        if positive.all() or not positive.any():
            continue
        false, true, threshold = metrics.roc_curve(positive, probabilities[:, digit])
        columns = {
            "class": name,
            "threshold": threshold,
            "false positive rate": false,
            "true positive rate": true,
        }
        curves.append(pd.DataFrame(columns))
        areas[name] = metrics.auc(false, true)
    return pd.concat(curves, ignore_index=True), pd.Series(areas, name="AUC")


def mistakes(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """The misclassified images, the most confident first: index, true, predicted, confidence."""
    labels, probabilities = _checked(labels, probabilities)
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    names = np.array(CLASS_NAMES)
    table = pd.DataFrame(
        {
            "index": wrong,
            "true": names[labels[wrong]],
            "predicted": names[predicted[wrong]],
            "confidence": probabilities[wrong, predicted[wrong]],
        }
    )
    return table.sort_values("confidence", ascending=False, ignore_index=True)


def standard_error(accuracy: float, n: int) -> float:
    """The binomial standard error of an accuracy measured on `n` images, as a fraction.

    Source: sqrt(p (1 - p) / n), the standard deviation of the share of successes in n trials.
    """
    if not 0 <= accuracy <= 1 or n < 1:
        raise ValueError(f"No accuracy is {accuracy}, measured on {n} images.")
    return float(np.sqrt(accuracy * (1 - accuracy) / n))


def prediction_half(sd: float, n: int) -> float:
    """How far from the mean of n values one more falls at most, with a probability of 95 %: half
    the prediction interval, t · sd · √(1 + 1/n), t being Student's with n - 1 degrees of freedom.

    sd: the sample standard deviation of the n >= 2 values, taken for normal. (A confidence interval
    is that of their mean, and narrower.)
    """
    if not sd >= 0 or n < 2:
        raise ValueError(f"A standard deviation of {sd} of {n} values foretells no other value.")
    return float(stats.t.ppf(0.975, n - 1) * sd * np.sqrt(1 + 1 / n))


def combine(outputs: np.ndarray, how: str) -> np.ndarray:
    """An ensemble's probabilities (n, 10), from its members' (members, n, 10).

    how: "average" of the members' probabilities; their "maximum", class by class; "vote", each
    member has one vote for its favourite, and a class gets its share of them; "majority", the
    class that more than half of the members vote for gets 1, and where there is none, the average
    decides. Raises ValueError for another word and for outputs of another form.
    """
    outputs = np.asarray(outputs)
    if outputs.ndim != 3 or 0 in outputs.shape or outputs.shape[2] != 10:
        raise ValueError(f"Members' outputs are (members, n, 10), and not {outputs.shape}.")
    votes = np.eye(10)[outputs.argmax(axis=2)].mean(axis=0)
    if how == "average":
        combined = outputs.mean(axis=0)
    elif how == "maximum":
        highest = outputs.max(axis=0)
        combined = highest / highest.sum(axis=1, keepdims=True)
    elif how == "vote":
        combined = votes
    elif how == "majority":
        favourite = np.eye(10)[outputs.mean(axis=0).argmax(axis=1)]
        combined = np.where(votes.max(axis=1, keepdims=True) > 0.5, votes > 0.5, favourite)
    else:
        raise ValueError(f"{how!r}: choose one of average, maximum, vote, majority.")
    return combined.astype(np.float32)


def calibration(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """How often is the model right when it is so sure? One row a bin of confidence.

    Confidence is the largest probability. bins: how many, of equal widths from 0 to 1; empty ones
    are left out. Columns: confidence (mean) and accuracy, both as fractions, and images.
    Raises ValueError if an output is no probability: not from 0 to 1, or no number.
    """
    labels, probabilities = _checked(labels, probabilities)
    # The reference's outputs are rounded: some lie a little above 1.
    if not (np.min(probabilities) >= 0 and np.max(probabilities) <= 1.01):
        raise ValueError(
            f"Outputs from {np.min(probabilities)} to {np.max(probabilities)} say nothing of how "
            "sure a model is; probabilities, from 0 to 1, do."
        )
    confidence = probabilities.max(axis=1)
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    right = probabilities.argmax(axis=1) == labels
    grouped = pd.DataFrame({"confidence": confidence, "accuracy": right}).groupby(bin_of)
    return grouped.mean().assign(images=grouped.size()).rename_axis("bin")


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> float:
    """The expected calibration error, a fraction: |confidence - accuracy|, averaged over images.

    Raises ValueError as `calibration` does.
    Source: Guo et al. 2017, "On calibration of modern neural networks", equation 3.
    """
    table = calibration(labels, probabilities, bins)
    gaps = (table.confidence - table.accuracy).abs()
    return float((gaps * table.images).sum() / table.images.sum())


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """What a softmax of the scores divided by `temperature` gives, from its probabilities (n, 10).

    Above 1 the network is less sure, below 1 surer; the order of the classes stays. Probabilities
    below 1e-7 count as 1e-7. Raises ValueError unless the temperature is above 0.
    Source: Guo et al. 2017, "On calibration of modern neural networks", section 4.2. (Logarithms
    of probabilities are scores, up to a number that is the same for all ten.)
    """
    if not 0 < temperature < np.inf:
        raise ValueError(f"A temperature is above 0, and not {temperature}.")
    if np.ndim(probabilities) != 2 or np.shape(probabilities)[1] != 10:
        raise ValueError(f"Probabilities are (n, 10), and not {np.shape(probabilities)}.")
    scores = np.log(np.maximum(probabilities, 1e-7).astype(np.float64)) / temperature
    return softmax(scores, axis=1).astype(np.float32)


def temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature, from 0.05 to 20, at which the mean cross-entropy is smallest."""
    found = minimize_scalar(
        lambda log: cross_entropy(labels, at_temperature(probabilities, np.exp(log))).mean(),
        bounds=(np.log(0.05), np.log(20)),
    )
    return float(np.exp(found.x))


def compare(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """The course's test: is the first of two ways to train better than the second?

    first, second: (seeds, images), a value for each image, the higher the better: 100 or 0 for
    right or wrong, say, and all is in points. Both have seen the same images; their numbers of
    seeds, at least two, may differ.

    Two things vary by chance: which images happen to be in the set, and the seeds. The images' part
    is estimated from the paired differences, image by image, each averaged over the seeds; the
    seeds' part from the variance of the seeds' means. The two variances add up. (The images' part
    holds a little of the seeds' as well, so the test errs on the side of "undecided".) Returns what
    `judge` returns. Raises ValueError for values of another form.
    """
    first, second = (np.asarray(values, float) for values in (first, second))
    if not (first.ndim == second.ndim == 2 and first.shape[1] == second.shape[1] > 1):
        raise ValueError(
            f"{first.shape} and {second.shape} can't be compared; (seeds, images) of the same "
            "images can."
        )
    if min(len(first), len(second)) < 2:
        raise ValueError("A single seed says nothing of chance: at least 2 of each are needed.")
    paired = first.mean(axis=0) - second.mean(axis=0)
    parts = [(paired.var(ddof=1) / len(paired), len(paired) - 1)]
    parts += [(v.mean(axis=1).var(ddof=1) / len(v), len(v) - 1) for v in (first, second)]
    return judge(float(paired.mean()), parts)


def judge(difference: float, parts: list[tuple[float, int]]) -> dict[str, float]:
    """A difference with its 95 % interval (low, high), error, t, df and p.

    parts: each source's variance and its degrees of freedom. t = difference / error is compared
    with Student's t, with Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946).
    Raises ValueError for what is no number, or no variance: NaN would pass for a verdict.
    """
    if not np.isfinite(difference) or not all(0 <= v < np.inf and n > 0 for v, n in parts):
        raise ValueError(f"{difference} with the variances {parts} can't be judged.")
    variance = sum(v for v, _ in parts)
    error = float(np.sqrt(variance))
    if variance == 0:
        t, freedom, half = np.copysign(np.inf, difference) if difference else 0.0, np.inf, 0.0
        p = float(difference == 0)
    else:
        t = difference / error
        freedom = variance**2 / sum(v**2 / n for v, n in parts)
        p = float(2 * stats.t.sf(abs(t), freedom))
        half = float(stats.t.ppf(0.975, freedom)) * error
    interval = {"difference": difference, "low": difference - half, "high": difference + half}
    return interval | {"error": error, "t": float(t), "df": float(freedom), "p": p}
