"""Claims: the test behind the verdicts, on made-up models; and the verdicts in the prose."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from scipy import stats

from fmnist_utils import CourseError, reference
from fmnist_utils.recipes import CLAIMS, MODELS, SCHEME_CLAIMS, STUDIES, Claim
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


def test_difference_by_hand(models):
    first, second = (np.arange(len(LABELS)) < n for n in (1000, 500))
    models |= {"a": [Made(first)] * 3, "b": [Made(second)] * 2}
    found = reference.test(claim())
    assert found["difference"] == pytest.approx(25)
    paired = np.where(first & ~second, 100, 0)
    assert found["error"] == pytest.approx(paired.std(ddof=1) / np.sqrt(len(LABELS)))
    assert (found["verdict"], found["seeds"]) == (HOLDS, 2)
    assert reference.test(Claim("b", "a", "accuracy", "", ""))["verdict"] == REFUTED
    # 1000 images are the classes 0 to 4: of class 3 all are right by a, none by b's first 500
    assert reference.test(claim("recall of Dress"))["difference"] == pytest.approx(100)
    assert reference.test(claim("recall of Bag"))["difference"] == 0
    assert reference.test(claim("recall of Bag"))["verdict"] == UNDECIDED


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
    assert found["verdict"] == HOLDS


def test_overfitting_by_hand(models):
    right = np.arange(len(LABELS)) < 1800
    models["a"] = [Made(right, train=0.95), Made(right, train=0.97)]
    found = reference.test(Claim("a", "a", "overfitting", "", ""))
    assert found["difference"] == pytest.approx(6)
    assert found["error"] == pytest.approx(np.sqrt(100**2 * 0.09 / 2000 + 2 / 2))
    models["a"] = [Made(right, train=0.9)] * 2
    assert reference.test(Claim("a", "a", "overfitting", "", ""))["verdict"] == UNDECIDED


def test_seeds_that_disagree_decide_nothing(models):
    rng = np.random.default_rng(0)
    hard = rng.random(len(LABELS))
    models["a"] = [Made(hard < share) for share in (0.80, 0.90, 0.97)]
    models["b"] = [Made(hard < share) for share in (0.79, 0.86, 0.96)]
    found = reference.test(claim())
    assert found["difference"] > 1
    assert found["verdict"] == UNDECIDED
    models["a"], models["b"] = models["a"][1:2] * 3, models["b"][1:2] * 3
    assert reference.test(claim())["verdict"] == HOLDS


def test_chance_is_seldom_called_a_difference(models):
    """Two equally good models: other images, other seeds, and yet almost never a verdict."""
    rng, decided, trials = np.random.default_rng(1), 0, 200
    for _ in range(trials):
        for id in "ab":
            noise = [rng.random(len(LABELS)) for _ in range(3)]
            models[id] = [Made(0.8 * hard < 0.7 + 0.01 * rng.standard_normal()) for hard in noise]
        decided += reference.test(claim())["verdict"] != UNDECIDED
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
    found = reference.test(SCHEME_CLAIMS["flip, CNN"])
    assert (found["difference"], found["seeds"]) == (pytest.approx(-10), 2)
    assert found["verdict"] == HARMS
    better, worse = "cnn-tuned / none", "cnn-tuned / flip"
    assert reference.test(Claim(better, worse, "accuracy", "", ""))["verdict"] == HELPS
    assert reference.test(Claim(better, better, "accuracy", "", ""))["verdict"] == UNDECIDED
    assert not judgement.measured(SCHEME_CLAIMS["flip, MLP"])
    with pytest.raises(CourseError, match="mlp-tuned / flip has 0.*reproduce augmentation"):
        reference.test(SCHEME_CLAIMS["flip, MLP"])


@pytest.mark.parametrize("name", CLAIMS | SCHEME_CLAIMS)
def test_claims_are_about_models_and_variants_that_there_are(name):
    it = (CLAIMS | SCHEME_CLAIMS)[name]
    assert {it.first, it.second} <= set(MODELS) | set(STUDIES["augmentation"])
    assert (it.first == it.second) == (it.metric == "overfitting")


def prose():
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "markdown":
                yield from ((path.stem, *found) for found in VERDICT.findall(cell.source))


def test_prose_says_what_the_reference_says():
    said = list(prose())
    known = {name for name, claim in CLAIMS.items() if judgement.measured(claim)}
    schemes = {name for name, claim in SCHEME_CLAIMS.items() if judgement.measured(claim)}
    names = {name for _, name, _ in said}
    assert known <= names <= known | schemes, "a sentence a claim, and no other"
    wrong = [
        f"{path}: {name!r} {verdict}, but it {computed}"
        for path, name, verdict in said
        if (computed := reference.verdict(name)) != verdict
    ]
    assert not wrong
