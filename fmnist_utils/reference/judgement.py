"""Whether the reference bears out what reports and lessons say about two models."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from fmnist_utils import evaluation
from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.messages import CourseError
from fmnist_utils.recipes import CLAIMS, SCHEME_CLAIMS, STUDIES, Claim
from fmnist_utils.reference import study_runs, tables

HOLDS, REFUTED, UNDECIDED = "holds", "refuted", "undecided"  # what is said of a claim
HELPS, HARMS = "helps", "harms"  # what is said instead of a scheme of augmentation
LEVEL = 0.05  # a difference that chance alone would give less often than this is called real


def test(claim: Claim) -> dict[str, float | int | str]:
    """Ask the reference: difference (in favour of the claim), error, p and verdict.

    Two things vary by chance: which images happen to be in the test set, and the seeds. Both
    models see the same images, so the images' part is estimated from the paired differences, image
    by image, each averaged over the seeds; the seeds' part from the variance of the seeds' means.
    The two variances add up; (difference / error) is compared with Student's t, with
    Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946). The images' part holds a
    little of the seeds' as well, so the test errs on the side of "undecided".

    Accuracies, recalls and their errors are in points (per cent), losses in nats. Raises
    CourseError where a model has fewer than two reference runs.
    """
    if claim.metric == "overfitting":
        difference, parts = _overfitting(claim.first)
    else:
        better, other = (_samples(id, claim.metric) for id in (claim.first, claim.second))
        paired = better.mean(axis=0) - other.mean(axis=0)
        difference = paired.mean()
        parts = [(paired.var(ddof=1) / len(paired), len(paired) - 1)]
        parts += [(s.mean(axis=1).var(ddof=1) / len(s), len(s) - 1) for s in (better, other)]
    seeds = min(_seeds(claim.first), _seeds(claim.second))
    words = (HELPS, HARMS) if _is_a_scheme(claim.first) else (HOLDS, REFUTED)
    return {"difference": float(difference), "seeds": seeds} | _judge(difference, parts, words)


def verdicts(claims: Mapping[str, Claim] = CLAIMS) -> pd.DataFrame:
    """Claims with their verdicts, one row each, but for those whose runs are still missing."""
    rows = {}
    for name, claim in claims.items():
        if measured(claim):
            facts = {"claim": claim.says, "made by": claim.source, "metric": claim.metric}
            rows[name] = facts | test(claim)
    return pd.DataFrame(rows.values(), index=pd.Index(rows, name="name"))


def measured(claim: Claim) -> bool:
    """Whether both models have the two reference runs that a test needs."""
    return min(_seeds(claim.first), _seeds(claim.second)) > 1


def verdict(name: str) -> str:
    """`holds`, `refuted` or `undecided`; of a scheme `helps`, `harms` or `undecided`."""
    return test((CLAIMS | SCHEME_CLAIMS)[name])["verdict"]


def _judge(
    difference: float, parts: list[tuple[float, int]], words: tuple[str, str] = (HOLDS, REFUTED)
) -> dict[str, float | str]:
    """parts: each source's variance and its degrees of freedom. words: for a real difference, by
    its sign."""
    variance = sum(v for v, _ in parts)
    if variance == 0:
        p = 0.0 if difference else 1.0
    else:
        freedom = variance**2 / sum(v**2 / n for v, n in parts)
        p = float(2 * stats.t.sf(abs(difference) / np.sqrt(variance), freedom))
    verdict = words[int(difference <= 0)] if p < LEVEL else UNDECIDED
    return {"error": float(np.sqrt(variance)), "p": p, "verdict": verdict}


def _is_a_scheme(id: str) -> bool:
    return id in STUDIES["augmentation"]


def _seeds(id: str) -> int:
    return len(study_runs.answered_seeds(id) if _is_a_scheme(id) else tables.seeds_of(id))


def _refuse_too_few(id: str) -> None:
    if (seeds := _seeds(id)) < 2:
        makes = "augmentation" if _is_a_scheme(id) else id
        raise CourseError(
            f"{id} has {seeds} reference runs, and a claim needs at least 2; "
            f"`python -m fmnist_utils reproduce {makes}` makes them."
        )


def _samples(id: str, metric: str) -> np.ndarray:
    """(seeds, images), the more the better: 100 or 0 for right or wrong; minus the loss."""
    _refuse_too_few(id)
    if _is_a_scheme(id):
        answers = study_runs.answers(id)
    else:
        answers = [(run.test_labels, run.test_outputs) for run in tables.runs_of(id)]
    if metric == "loss":
        return np.stack([-evaluation.cross_entropy(*answer) for answer in answers])
    right = 100 * np.stack([outputs.argmax(axis=1) == labels for labels, outputs in answers])
    if metric.startswith("recall of "):
        labels, _ = answers[0]
        return right[:, labels == CLASS_NAMES.index(metric.removeprefix("recall of "))]
    return right


def _overfitting(id: str) -> tuple[float, list[tuple[float, int]]]:
    """Training minus test accuracy in points, and its parts as `_judge` takes them."""
    _refuse_too_few(id)
    runs = tables.runs_of(id)
    gaps = [100 * (run.metrics["train_accuracy"] - run.metrics["test_accuracy"]) for run in runs]
    accuracy, n = np.mean([run.metrics["test_accuracy"] for run in runs]), len(runs[0].test_labels)
    # The training images are so many that their own part is far smaller than the test images'.
    images = (100 * evaluation.standard_error(accuracy, n)) ** 2, n - 1
    return np.mean(gaps), [images, (np.var(gaps, ddof=1) / len(gaps), len(gaps) - 1)]
