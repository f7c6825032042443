"""Whether the reference bears out what reports and lessons say about two models."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from fmnist_utils import CourseError, reference, studies
from fmnist_utils.claim_list import CLAIMS, SCHEME_CLAIMS, Claim
from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.evaluation import standard_error
from fmnist_utils.store import Run

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"
LEVEL = 0.05  # a difference that chance alone would give less often than this is called real


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


def table(claims: Mapping[str, Claim] = CLAIMS) -> pd.DataFrame:
    """Claims with their verdicts, one row each, but for those whose runs are still missing."""
    rows = {}
    for name, claim in claims.items():
        if measured(claim):
            facts = {"claim": claim.says, "made by": claim.source, "metric": claim.metric}
            rows[name] = facts | test(claim)
    return pd.DataFrame(rows.values(), index=pd.Index(rows, name="name"))


def measured(claim: Claim) -> bool:
    """Whether both models have the two reference runs that a test needs."""
    return all(len(_several(id)) > 1 for id in (claim.first, claim.second))


def verdict(name: str) -> str:
    """`holds`, `does not hold` or `cannot be told`."""
    return test((CLAIMS | SCHEME_CLAIMS)[name])["verdict"]


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


def _several(id: str) -> list[Run] | list[studies.Judged]:
    return (studies if id in studies.STUDIES["augmentation"] else reference).several(id)


def _runs(id: str) -> list[Run] | list[studies.Judged]:
    found = _several(id)
    if len(found) < 2:
        makes = "augmentation" if id in studies.STUDIES["augmentation"] else id
        raise CourseError(
            f"{id} has {len(found)} reference runs, and a claim needs at least 2; "
            f"`python -m fmnist_utils reproduce {makes}` makes them."
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
