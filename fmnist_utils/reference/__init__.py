"""The course's evidence, and its judgement: runs, studies, searches, and what they bear out."""

from fmnist_utils.reference.search_trials import PUBLISHED_SEARCHES, TUNER_SEEDS, search
from fmnist_utils.reference.study_runs import answers, explained, study, variants
from fmnist_utils.reference.tables import (
    compare,
    epoch_seconds,
    peers,
    results,
    run,
    runs_of,
    summary,
)
from fmnist_utils.reference.judgement import (
    HARMS,
    HELPS,
    HOLDS,
    REFUTED,
    UNDECIDED,
    test,
    verdicts,
)

__all__ = [
    "HARMS",
    "HELPS",
    "HOLDS",
    "PUBLISHED_SEARCHES",
    "REFUTED",
    "TUNER_SEEDS",
    "UNDECIDED",
    "compare",
    "epoch_seconds",
    "explained",
    "peers",
    "results",
    "run",
    "runs_of",
    "search",
    "study",
    "summary",
    "test",
    "answers",
    "variants",
    "verdicts",
]
