"""Whether the reference bears out what reports and lessons say about two models."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fmnist_utils import evaluation
from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.messages import CourseError
from fmnist_utils.recipes import Claim
from fmnist_utils.reference import study_runs, tables
from fmnist_utils.reference.study_runs import STUDY_OF

HOLDS, REFUTED, UNDECIDED = "holds", "refuted", "undecided"  # what is said of a claim
HELPS, HARMS = "helps", "harms"  # what is said instead of a change
LEVEL = 0.05  # how often chance alone may give even one verdict in a family


def test(claim: Claim) -> dict[str, float | int]:
    """Ask the reference: difference (in favour of the claim) with its 95 % interval, t and p.

    The test is `evaluation.compare`'s, on the same images for both models, with the seeds of each.

    Accuracies, recalls and their errors are in points (per cent), losses in nats. Returns
    difference, low, high, error, t, df, p (not corrected) and seeds. Raises CourseError where a
    model has fewer than two reference runs.
    """
    if claim.metric == "overfitting":
        found = evaluation.judge(*_overfitting(claim.first))
    else:
        better, other = (_samples(id, claim.metric) for id in (claim.first, claim.second))
        found = evaluation.compare(better, other)
    return found | {"seeds": min(_seeds(claim.first), _seeds(claim.second))}


def verdicts(family: Mapping[str, Claim]) -> pd.DataFrame:
    """A family's claims with their verdicts, one row each, but for those whose runs are missing.

    The columns of `test`, between claim, made by, metric and corrected p, verdict. Whoever asks
    twenty times finds one "real" difference in twenty by chance; so p is corrected by Holm's method
    (Scandinavian Journal of Statistics 6, 1979), and the chance of even one wrong verdict in the
    family is below 5 %.
    """
    rows = {}
    for name, claim in family.items():
        if measured(claim):
            facts = {"claim": claim.says, "made by": claim.source, "metric": claim.metric}
            rows[name] = facts | test(claim)
    table = pd.DataFrame(rows.values(), index=pd.Index(rows, name="name"))
    if rows:
        table["corrected p"] = holm(table.p)
        table["verdict"] = [
            _verdict(family[name], row["difference"], row["corrected p"])
            for name, row in table.iterrows()
        ]
    return table


def holm(p: Sequence[float]) -> np.ndarray:
    """The p-values corrected for being so many, in the order given: the smallest times their
    number, the next times one less, and so on; none smaller than one before it, none above 1."""
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    times = len(p) - np.arange(len(p))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(times * p[order]), 1)
    return corrected


def measured(claim: Claim) -> bool:
    """Whether both models have the two reference runs that a test needs."""
    return min(_seeds(claim.first), _seeds(claim.second)) > 1


def _verdict(claim: Claim, difference: float, corrected: float) -> str:
    if corrected >= LEVEL:
        return UNDECIDED
    for_it, against = (HELPS, HARMS) if claim.second in STUDY_OF else (HOLDS, REFUTED)
    return for_it if difference > 0 else against


def _seeds(id: str) -> int:
    return len(study_runs.answered_seeds(id) if id in STUDY_OF else tables.seeds_of(id))


def _refuse_too_few(id: str) -> None:
    if (seeds := _seeds(id)) < 2:
        makes = STUDY_OF.get(id, id)
        raise CourseError(
            f"{id} has {seeds} reference runs, and a claim needs at least 2; "
            f"`python -m fmnist_utils reproduce {makes}` makes them."
        )


def _samples(id: str, metric: str) -> np.ndarray:
    """(seeds, images), the more the better: 100 or 0 for right or wrong; minus the loss."""
    _refuse_too_few(id)
    if id in STUDY_OF:
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
    """Training minus test accuracy in points, and its parts as `evaluation.judge` takes
    them."""
    _refuse_too_few(id)
    runs = tables.runs_of(id)
    gaps = [100 * (run.metrics["train_accuracy"] - run.metrics["test_accuracy"]) for run in runs]
    accuracy, n = np.mean([run.metrics["test_accuracy"] for run in runs]), len(runs[0].test_labels)
    # The training images are so many that their own part is far smaller than the test images'.
    images = (100 * evaluation.standard_error(accuracy, n)) ** 2, n - 1
    return float(np.mean(gaps)), [images, (np.var(gaps, ddof=1) / len(gaps), len(gaps) - 1)]
