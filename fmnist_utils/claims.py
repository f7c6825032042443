"""What reports and lessons say about two models, and whether the reference bears it out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from fmnist_utils import CourseError, reference
from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.evaluation import standard_error
from fmnist_utils.store import Run

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"
LEVEL = 0.05  # a difference that chance alone would give less often than this is called real


@dataclass(frozen=True)
class Claim:
    """`first` is better than `second`: higher in `metric`, or lower where that is the loss.

    first, second: ids of published models. metric: "accuracy", "loss" or "recall of <class>" on
    the test images, or "overfitting" (accuracy on the training minus on the test images; `first`
    and `second` are then the same model, and the claim is that there is some).
    says: the claim in words. source: who makes it.
    """

    first: str
    second: str
    metric: str
    says: str
    source: str


CLAIMS = {
    "the heads ruin it": Claim(
        "heads-softmax", "heads-softmax-sigmoid", "accuracy",
        "a sigmoid layer after the softmax lowers the accuracy", "Hochmuth"),
    "relu and sigmoid ruin it": Claim(
        "heads-softmax", "heads-relu-sigmoid", "accuracy",
        "relu and sigmoid layers instead of the softmax lower the accuracy", "Hochmuth"),
    "tanh ruins it": Claim(
        "heads-softmax", "heads-tanh", "accuracy",
        "tanh instead of softmax lowers the accuracy", "Hochmuth"),
    "three activations ruin it": Claim(
        "heads-softmax", "heads-sigmoid-softmax-relu", "accuracy",
        "sigmoid, softmax and relu in a row lower the accuracy", "Hochmuth"),
    "deeper is better": Claim(
        "conv1d-deeper", "conv1d-baseline", "accuracy",
        "a third 1-D convolution raises the accuracy", "Kumar"),
    "wider is better": Claim(
        "conv1d-wider", "conv1d-deeper", "accuracy",
        "256 filters instead of 236 in the first layer raise the accuracy", "Kumar"),
    "kernel 3 is better": Claim(
        "conv1d-kernel3", "conv1d-wider", "accuracy",
        "a kernel of 3 rows instead of 2 raises the accuracy", "Kumar"),
    "2-D is better": Claim(
        "conv2d-small", "conv1d-kernel3", "accuracy",
        "2-D convolutions are more accurate than 1-D ones", "Kumar"),
    "medium beats small": Claim(
        "conv2d-medium", "conv2d-small", "accuracy",
        "more filters and units raise the accuracy", "Kumar"),
    "25 epochs are less accurate": Claim(
        "conv2d-medium", "conv2d-medium-25", "accuracy",
        "25 epochs are less accurate than 10", "Kumar"),
    "25 epochs overfit": Claim(
        "conv2d-medium", "conv2d-medium-25", "loss",
        "25 epochs have a higher test loss than 10", "Kumar"),
    "the MLP overfits": Claim(
        "mlp-350-80", "mlp-350-80", "overfitting",
        "the perceptron is better on its training images (the report: no overfitting)", "course"),
    "the CNN overfits": Claim(
        "cnn-pool4", "cnn-pool4", "overfitting",
        "the CNN is better on its training images (the report: test was better)", "course"),
    "the CNN beats the MLP": Claim(
        "cnn-pool4", "mlp-350-80", "accuracy",
        "the CNN is more accurate than the perceptron", "Rastogi"),
    "the tuned CNN beats the tuned MLP": Claim(
        "cnn-tuned", "mlp-tuned", "accuracy",
        "the tuned CNN is more accurate than the tuned perceptron", "Doudos & Legkas"),
    "augmentation helps the MLP": Claim(
        "mlp-tuned-augmented", "mlp-tuned", "accuracy",
        "copies of pullovers and shirts raise the perceptron's accuracy", "Doudos & Legkas"),
    "augmentation helps the CNN": Claim(
        "cnn-tuned-augmented", "cnn-tuned", "accuracy",
        "copies of pullovers and shirts raise the CNN's accuracy", "Doudos & Legkas"),
    "copies raise the recall of shirts, MLP": Claim(
        "mlp-tuned-augmented", "mlp-tuned", "recall of Shirt",
        "with the copies the perceptron misses fewer shirts", "lesson 6"),
    "copies raise the recall of shirts, CNN": Claim(
        "cnn-tuned-augmented", "cnn-tuned", "recall of Shirt",
        "with the copies the CNN misses fewer shirts", "lesson 6"),
    "standard beats basic": Claim(
        "cnn-standard", "cnn-basic", "accuracy",
        "two convolutions are more accurate than one", "Hernandez"),
    "tuning beats hand-made": Claim(
        "mlp-tuned", "mlp-350-80", "accuracy",
        "the searched perceptron is more accurate than the hand-made one", "lesson 5"),
}  # fmt: skip


def test(claim: Claim) -> dict[str, float | int | str]:
    """Ask the reference: difference (in favour of the claim), error, p and verdict.

    Two things vary by chance: which images happen to be in the test set, and the seeds. Both
    models see the same images, so the images' part is estimated from the paired differences, image
    by image, each averaged over the seeds; the seeds' part from the spread of the seeds' means.
    The two variances add up; (difference / error) is compared with Student's t, with
    Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946). The images' part holds a
    little of the seeds' as well, so the test errs on the side of "cannot be told".

    Accuracies, recalls and their errors are in points (per cent), losses in nats. Raises
    CourseError where a model has fewer than two reference runs.
    """
    first, second = _runs(claim.first), _runs(claim.second)
    if claim.metric == "overfitting":
        difference, parts = _overfitting(first)
    else:
        better, other = _samples(first, claim.metric), _samples(second, claim.metric)
        paired = better.mean(axis=0) - other.mean(axis=0)
        difference = paired.mean()
        parts = [(paired.var(ddof=1) / len(paired), len(paired) - 1)]
        parts += [(s.mean(axis=1).var(ddof=1) / len(s), len(s) - 1) for s in (better, other)]
    seeds = min(len(first), len(second))
    return {"difference": float(difference), "seeds": seeds} | _judge(difference, parts)


def table() -> pd.DataFrame:
    """All claims with their verdicts, one row each, but for those whose runs are still missing."""
    rows = {}
    for name, claim in CLAIMS.items():
        if measured(claim):
            facts = {"claim": claim.says, "made by": claim.source, "metric": claim.metric}
            rows[name] = facts | test(claim)
    return pd.DataFrame(rows.values(), index=pd.Index(rows, name="name"))


def measured(claim: Claim) -> bool:
    """Whether both models have the two reference runs that a test needs."""
    return all(len(reference.several(id)) > 1 for id in (claim.first, claim.second))


def verdict(name: str) -> str:
    """`holds`, `does not hold` or `cannot be told`."""
    return test(CLAIMS[name])["verdict"]


def _judge(difference: float, parts: list[tuple[float, int]]) -> dict[str, float | str]:
    """parts: each source's variance and its degrees of freedom."""
    variance = sum(v for v, _ in parts)
    if variance == 0:
        p = 0.0 if difference else 1.0
    else:
        freedom = variance**2 / sum(v**2 / n for v, n in parts)
        p = float(2 * stats.t.sf(abs(difference) / np.sqrt(variance), freedom))
    decided = HOLDS if difference > 0 else FAILS
    return {"error": float(np.sqrt(variance)), "p": p, "verdict": decided if p < LEVEL else OPEN}


def _runs(id: str) -> list[Run]:
    found = reference.several(id)
    if len(found) < 2:
        raise CourseError(
            f"{id} has {len(found)} reference runs, and a claim needs at least 2; "
            f"`python -m fmnist_utils reproduce {id}` makes them."
        )
    return found


def _samples(runs: list[Run], metric: str) -> np.ndarray:
    """(seeds, images), the more the better: 100 or 0 for right or wrong; minus the loss."""
    outputs, labels = np.stack([run.test_outputs for run in runs]), runs[0].test_labels
    if metric == "loss":
        shares = outputs / outputs.sum(axis=2, keepdims=True)
        return np.log(shares[:, np.arange(len(labels)), labels].clip(1e-7, 1))
    right = 100 * (outputs.argmax(axis=2) == labels)
    if metric.startswith("recall of "):
        return right[:, labels == CLASS_NAMES.index(metric.removeprefix("recall of "))]
    return right


def _overfitting(runs: list[Run]) -> tuple[float, list[tuple[float, int]]]:
    gaps = [100 * (run.metrics["train_accuracy"] - run.metrics["test_accuracy"]) for run in runs]
    accuracy, n = np.mean([run.metrics["test_accuracy"] for run in runs]), len(runs[0].test_labels)
    # The training images are so many that their own part is far smaller than the test images'.
    images = (100 * standard_error(accuracy, n)) ** 2, n - 1
    return np.mean(gaps), [images, (np.var(gaps, ddof=1) / len(gaps), len(gaps) - 1)]
