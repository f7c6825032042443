"""Claims: the test behind the verdicts, on made-up models; and the verdicts in the prose."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fmnist_utils import CourseError, evaluation, reference
from fmnist_utils.recipes import CLAIMS, FAMILIES, MODELS, STUDIES, Claim
from fmnist_utils.reference import HARMS, HELPS, HOLDS, REFUTED, UNDECIDED, judgement
from fmnist_utils.reference import study_runs, tables

LABELS = np.repeat(np.arange(10), 200).astype(np.uint8)
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
VERDICT = re.compile(r"\*([^*\n]+)\* · \*\*(holds|refuted|helps|harms|undecided)\*\*")


class Made:
    """Stands for a reference run: right on the images that `right` says, and so sure of them."""

    def __init__(self, right, sure=0.91, train=0.99):
        self.test_labels = LABELS
        self.test_outputs = np.full((len(LABELS), 10), (1 - sure) / 9, np.float32)
        answers = np.where(right, LABELS, (LABELS + 1) % 10)
        self.test_outputs[np.arange(len(LABELS)), answers] = sure
        self.metrics = {"train_accuracy": train, "test_accuracy": np.mean(right)}


@pytest.fixture
def models(monkeypatch):
    """Fill in: id → runs."""
    made = {}
    monkeypatch.setattr(tables, "runs_of", lambda id: made.get(id, []))
    monkeypatch.setattr(tables, "seeds_of", lambda id: list(range(len(made.get(id, [])))))
    return made


def claim(metric="accuracy"):
    return Claim("a", "b", metric, "a is better than b", "nobody")


def verdict(claim):
    """What is said of a claim that nobody else asks about."""
    return reference.verdicts({"it": claim}).verdict["it"]


def test_difference_by_hand(models):
    first, second = (np.arange(len(LABELS)) < n for n in (1000, 500))
    models |= {"a": [Made(first)] * 3, "b": [Made(second)] * 2}
    found = reference.test(claim())
    assert found["difference"] == pytest.approx(25)
    paired = np.where(first & ~second, 100, 0)
    assert found["error"] == pytest.approx(paired.std(ddof=1) / np.sqrt(len(LABELS)))
    assert found["seeds"] == 2
    # The seeds don't differ, so all is as in a paired t test of the images.
    by_scipy = stats.ttest_rel(100.0 * first, 100.0 * second)
    assert (found["t"], found["p"]) == pytest.approx((by_scipy.statistic, by_scipy.pvalue))
    assert found["df"] == pytest.approx(len(LABELS) - 1)
    low, high = by_scipy.confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx((low, high))
    assert verdict(claim()) == HOLDS
    assert verdict(Claim("b", "a", "accuracy", "", "")) == REFUTED
    # 1000 images are the classes 0 to 4: of class 3 all are right by a, none by b's first 500
    assert reference.test(claim("recall of Dress"))["difference"] == pytest.approx(100)
    assert reference.test(claim("recall of Bag"))["difference"] == 0
    assert verdict(claim("recall of Bag")) == UNDECIDED


def test_error_and_p_against_scipy(models):
    """Images and seeds both vary: Welch's error of the seeds' means, with the images' part."""
    rng = np.random.default_rng(0)
    rights = [rng.random((3, len(LABELS))) < np.array([[0.8], [p], [0.9]]) for p in (0.85, 0.82)]
    models |= {id: list(map(Made, right)) for id, right in zip("ab", rights, strict=True)}
    means = [100 * right.mean(axis=1) for right in rights]
    parts = {2: [stats.sem(mean) ** 2 for mean in means]}
    parts[len(LABELS) - 1] = [
        stats.sem(100 * (rights[0].mean(axis=0) - rights[1].mean(axis=0))) ** 2
    ]
    variance = sum(map(sum, parts.values()))
    freedom = variance**2 / sum(v**2 / n for n, several in parts.items() for v in several)
    p = 2 * stats.t.cdf(-abs(means[0].mean() - means[1].mean()) / variance**0.5, freedom)
    found = reference.test(claim())
    assert (found["error"], found["p"]) == pytest.approx((variance**0.5, p))


def test_p_is_that_of_scipy_where_only_images_or_only_seeds_vary(models):
    """Then it is the paired t test, Welch's, or that of one sample."""
    some, more, none = (np.arange(len(LABELS)) < n for n in (50, 57, 0))
    models |= {"a": [Made(more)] * 3, "b": [Made(some)] * 2}
    found = reference.test(claim())["p"]
    assert found == pytest.approx(stats.ttest_rel(100 * more, 100 * some).pvalue, rel=1e-9)
    models |= {"a": [Made(~none)] * 2 + [Made(none)], "b": [Made(none), Made(~none)]}
    found = reference.test(claim())
    wanted = stats.ttest_ind([100, 100, 0], [0, 100], equal_var=False)
    assert found["p"] == pytest.approx(wanted.pvalue, rel=1e-9)
    assert found["difference"] / found["error"] == pytest.approx(wanted.statistic)
    models["a"] = [Made(~none, train=train) for train in (0.95, 0.97, 0.9)]
    found = reference.test(Claim("a", "a", "overfitting", "", ""))
    wanted = stats.ttest_1samp([-5, -3, -10], 0)
    assert found["p"] == pytest.approx(wanted.pvalue, rel=1e-9)
    assert found["difference"] / found["error"] == pytest.approx(wanted.statistic)


def test_lower_loss_is_better(models):
    right = np.ones(len(LABELS), bool)
    models |= {"a": [Made(right, 0.9)] * 2, "b": [Made(right, 0.5)] * 2}
    found = reference.test(claim("loss"))
    assert found["difference"] == pytest.approx(np.log(0.9 / 0.5), rel=1e-5)
    assert verdict(claim("loss")) == HOLDS


def test_overfitting_by_hand(models):
    right = np.arange(len(LABELS)) < 1800
    models["a"] = [Made(right, train=0.95), Made(right, train=0.97)]
    found = reference.test(Claim("a", "a", "overfitting", "", ""))
    assert found["difference"] == pytest.approx(6)
    assert found["error"] == pytest.approx(np.sqrt(100**2 * 0.09 / 2000 + 2 / 2))
    models["a"] = [Made(np.arange(len(LABELS)) < n, train=0.95) for n in (1800, 1820, 1900)]
    found = reference.test(Claim("a", "a", "overfitting", "", ""))
    assert found["difference"] == pytest.approx((5 + 4 + 0) / 3)
    assert found["error"] == pytest.approx(np.sqrt(100**2 * 0.92 * 0.08 / 2000 + 7 / 3))
    models["a"] = [Made(right, train=0.9)] * 2
    assert reference.test(Claim("a", "a", "overfitting", "", ""))["df"] == pytest.approx(1999)
    assert verdict(Claim("a", "a", "overfitting", "", "")) == UNDECIDED
    models["a"] = models["a"][:1]
    with pytest.raises(CourseError, match="a has 1 reference runs"):
        reference.test(Claim("a", "a", "overfitting", "", ""))


def test_seeds_that_disagree_decide_nothing(models):
    rng = np.random.default_rng(0)
    hard = rng.random(len(LABELS))
    models["a"] = [Made(hard < share) for share in (0.80, 0.90, 0.97)]
    models["b"] = [Made(hard < share) for share in (0.79, 0.86, 0.96)]
    assert reference.test(claim())["difference"] > 1
    assert verdict(claim()) == UNDECIDED
    models["a"], models["b"] = models["a"][1:2] * 3, models["b"][1:2] * 3
    assert verdict(claim()) == HOLDS


def test_several_parts_as_welch_and_satterthwaite_do():
    a, b = np.array([1.0, 4.0, 2.0, 7.0]), np.array([9.0, 8.5, 9.5])
    parts = [(x.var(ddof=1) / len(x), len(x) - 1) for x in (a, b)]
    found = evaluation.judge(a.mean() - b.mean(), parts)
    by_scipy = stats.ttest_ind(a, b, equal_var=False)
    assert (found["t"], found["df"], found["p"]) == pytest.approx(
        (by_scipy.statistic, by_scipy.df, by_scipy.pvalue)
    )
    low, high = by_scipy.confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx((low, high))


def test_without_any_variance_there_is_no_doubt():
    for difference, t, p in ((0.5, np.inf, 0), (-2, -np.inf, 0), (0, 0, 1)):
        found = evaluation.judge(difference, [(0.0, 2), (0.0, 3)])
        wanted = dict.fromkeys(("difference", "low", "high"), difference)
        assert found == wanted | {"error": 0, "t": t, "df": np.inf, "p": p}


def test_what_can_be_compared():
    def rows(*shape):
        return np.arange(np.prod(shape)).reshape(shape) % 3

    for first, second in [(rows(2, 3), rows(2, 4)), (rows(6), rows(6)), (rows(2, 1), rows(2, 1))]:
        with pytest.raises(ValueError, match="can't be compared; "):
            evaluation.compare(first, second)
    for first, second in [(rows(1, 5), rows(2, 5)), (rows(2, 5), rows(1, 5))]:
        with pytest.raises(ValueError, match="at least 2 of each"):
            evaluation.compare(first, second)
    assert evaluation.compare(rows(2, 2), rows(3, 2))["difference"] == -0.25


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        ([0.01, 0.04, 0.03, 0.02], [0.04, 0.06, 0.06, 0.06]),  # 4 · .01, 3 · .02, 2 · .03, .04
        ([0.6, 0.001], [0.6, 0.002]),
        ([0.5, 0.7, 0.4], [1, 1, 1]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_holm_by_hand(p, corrected):
    assert judgement.holm(p) == pytest.approx(corrected)


def test_a_verdict_is_corrected_in_its_family(models):
    """A difference with p near .02 holds by itself, and is undecided among five such."""
    rng = np.random.default_rng(3)
    hard = rng.random(len(LABELS))
    models |= {"a": [Made(hard < 0.82)] * 3, "b": [Made(rng.random(len(LABELS)) < 0.795)] * 3}
    p = reference.test(claim())["p"]
    assert 0.01 < p < 0.05
    assert verdict(claim()) == HOLDS
    five = reference.verdicts({name: claim() for name in "vwxyz"})
    assert five["corrected p"].tolist() == pytest.approx([5 * p] * 5)
    assert set(five.verdict) == {UNDECIDED}


@pytest.mark.parametrize(("p", "said"), [(0.0499, HOLDS), (0.05, UNDECIDED), (0.0501, UNDECIDED)])
def test_a_verdict_needs_a_p_below_five_per_cent(p, said, models, monkeypatch):
    models |= {"a": [None] * 2, "b": [None] * 2}
    monkeypatch.setattr(judgement, "test", lambda claim: {"difference": 1.0, "p": p})
    table = reference.verdicts({"it": claim()}).reset_index()
    assert table.to_dict("records") == [
        {
            "name": "it",
            "claim": "a is better than b",
            "made by": "nobody",
            "metric": "accuracy",
            "difference": 1.0,
            "p": p,
            "corrected p": p,
            "verdict": said,
        }
    ]


def test_chance_is_seldom_called_a_difference(models):
    """Two equally good models: other images, other seeds, and yet almost never a verdict."""
    rng, decided, trials = np.random.default_rng(1), 0, 200
    for _ in range(trials):
        for id in "ab":
            noise = [rng.random(len(LABELS)) for _ in range(3)]
            models[id] = [Made(0.8 * hard < 0.7 + 0.01 * rng.standard_normal()) for hard in noise]
        decided += reference.test(claim())["p"] < 0.05
    assert decided / trials <= 0.10


def test_one_seed_is_not_enough(models):
    models |= {"a": [Made(LABELS > 3)], "b": [Made(LABELS > 3)] * 2}
    two = {"a over b": claim(), "b overfits": Claim("b", "b", "overfitting", "", "")}
    assert reference.verdicts(two).index.tolist() == ["b overfits"]
    with pytest.raises(CourseError, match="a has 1 reference runs.*reproduce a`"):
        reference.test(claim())


def test_claims_about_a_study_ask_what_its_runs_answered(elsewhere):
    off = {"none": np.zeros(len(LABELS), np.uint8), "flip": np.uint8(6 * (LABELS == 6))}
    kept = {f"cnn-tuned / {name}.seed{n}": by for name, by in off.items() for n in (0, 1)}
    study_runs.answers_file("augmentation").parent.mkdir(parents=True)
    np.savez(study_runs.answers_file("augmentation"), labels=LABELS, **kept)
    schemes = FAMILIES["the schemes"]
    found = reference.test(schemes["flip, CNN"])
    assert (found["difference"], found["seeds"]) == (pytest.approx(-10), 2)
    assert reference.verdicts(schemes).verdict["flip, CNN"] == HARMS
    better, worse = "cnn-tuned / none", "cnn-tuned / flip"
    assert verdict(Claim(better, worse, "accuracy", "", "")) == HELPS
    assert verdict(Claim(better, better, "accuracy", "", "")) == UNDECIDED
    assert not judgement.measured(schemes["flip, MLP"])
    with pytest.raises(CourseError, match="mlp-tuned / flip has 0.*reproduce augmentation"):
        reference.test(schemes["flip, MLP"])


EVERY = {name: claim for family in FAMILIES.values() for name, claim in family.items()}


@pytest.mark.parametrize("name", EVERY)
def test_claims_are_about_models_and_variants_that_there_are(name):
    it = EVERY[name]
    with_answers = {id for study in study_runs.WITH_ANSWERS for id in STUDIES[study]}
    assert {it.first, it.second} <= set(MODELS) | with_answers
    assert (it.first == it.second) == (it.metric == "overfitting")
    test_images = [
        (MODELS.get(id) or STUDIES[study_runs.STUDY_OF[id]][id]).opens_test
        for id in (it.first, it.second)
    ]
    assert test_images[0] == test_images[1], "both are judged on the same images"


def test_each_claim_is_in_one_family():
    assert sum(map(len, FAMILIES.values())) == len(EVERY)


def test_changes_are_told_apart_by_what_they_change():
    """Of each comparison of changes, the two recipes differ in just what the claim's name says."""
    for name, (differs, same) in {
        "the recipe, our network": ("learning_rate", "options"),
        "the recipe, reports' network": ("learning_rate", "options"),
        "the network, one cycle": ("options", "learning_rate"),
        "the network, reports' recipe": ("options", "learning_rate"),
    }.items():
        ours, theirs = (STUDIES["speedrun"][id] for id in (EVERY[name].first, EVERY[name].second))
        assert getattr(ours, differs) != getattr(theirs, differs)
        assert getattr(ours, same) == getattr(theirs, same)


def prose():
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "markdown":
                yield from ((path.stem, *found) for found in VERDICT.findall(cell.source))


def test_prose_says_what_the_reference_says():
    said = list(prose())
    families = {name: reference.verdicts(family) for name, family in FAMILIES.items()}
    computed = pd.concat([table.verdict for table in families.values() if len(table)])
    known = {name for name, claim in CLAIMS.items() if judgement.measured(claim)}
    names = {name for _, name, _ in said}
    assert known <= names <= set(computed.index), "a sentence a claim, and no other"
    wrong = [
        f"{path}: {name!r} {verdict}, but it {computed[name]}"
        for path, name, verdict in said
        if computed[name] != verdict
    ]
    assert not wrong
