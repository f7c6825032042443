"""Claims: the test behind the verdicts, on made-up models; and the verdicts in the prose."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from scipy import stats

from fmnist_utils import CourseError, reference
from fmnist_utils.recipes import CLAIMS, SCHEME_CLAIMS, STUDIES, Claim
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


def test_error_and_p_against_scipy(models):
    """Seeds alike: the paired test. Else Welch's on the seeds' means, with the images' part."""
    rng = np.random.default_rng(0)
    rights = [rng.random((3, len(LABELS))) < np.array([[0.8], [p], [0.9]]) for p in (0.85, 0.82)]
    models |= {id: [Made(right[0])] * 2 for id, right in zip("ab", rights, strict=True)}
    paired = 100 * (rights[0][0].astype(int) - rights[1][0])
    found, wanted = reference.test(claim()), stats.ttest_1samp(paired, 0)
    assert (found["error"], found["p"]) == pytest.approx((stats.sem(paired), wanted.pvalue))
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
    with pytest.raises(CourseError, match="a has 1 reference runs.*reproduce a"):
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


# Who is better than whom, read off the sentences a second time, on purpose.
SAID = """
the heads ruin it: heads-softmax heads-softmax-sigmoid | tanh ruins it: heads-softmax heads-tanh
relu and sigmoid ruin it: heads-softmax heads-relu-sigmoid | three activations ruin it: \
heads-softmax heads-sigmoid-softmax-relu | deeper is better: conv1d-deeper conv1d-baseline
wider is better: conv1d-wider conv1d-deeper | kernel 3 is better: conv1d-kernel3 conv1d-wider
2-D is better: conv2d-small conv1d-kernel3 | medium beats small: conv2d-medium conv2d-small
25 epochs are less accurate: conv2d-medium conv2d-medium-25 | 25 epochs overfit: conv2d-medium \
conv2d-medium-25 | the MLP overfits: mlp-350-80 mlp-350-80 | the CNN overfits: cnn-pool4 cnn-pool4
the CNN beats the MLP: cnn-pool4 mlp-350-80 | the tuned CNN beats the tuned MLP: cnn-tuned mlp-tuned
augmentation helps the MLP: mlp-tuned-augmented mlp-tuned | augmentation helps the CNN: \
cnn-tuned-augmented cnn-tuned | copies raise the recall of shirts, MLP: mlp-tuned-augmented \
mlp-tuned | copies raise the recall of shirts, CNN: cnn-tuned-augmented cnn-tuned
standard beats basic: cnn-standard cnn-basic | tuning beats hand-made: mlp-tuned mlp-350-80
past the reports, MLP: mlp-course mlp-tuned | past the reports, CNN: cnn-course-augmented \
cnn-tuned-augmented | augmented ahead, MLP: mlp-course-augmented mlp-course
augmented ahead, CNN: cnn-course-augmented cnn-course | the speed run is ahead: speedrun-93 \
cnn-tuned-augmented | the small run is ahead: speedrun-small cnn-tuned-augmented
the longer run is ahead: speedrun-95 cnn-course-augmented
wider and longer is ahead: speedrun-best speedrun-95
"""
WORDS = {
    "loss": "loss",
    "accura": "accuracy",
    "shirts": "recall of Shirt",
    "training": "overfitting",
}


def test_claims_are_about_what_their_sentences_say():
    said = dict(one.split(": ") for one in re.split(r" \| |(?<!\\)\n", SAID.strip()))
    found = {name: f"{it.first} {it.second}" for name, it in CLAIMS.items()}
    assert found == said
    for name, it in SCHEME_CLAIMS.items():
        scheme, _, kind = name.rpartition(", ")
        assert [it.first, it.second] == [
            f"{kind.lower()}-tuned / {one}" for one in (scheme, "none")
        ]
        assert {it.first, it.second} <= set(STUDIES["augmentation"])
    for it in (CLAIMS | SCHEME_CLAIMS).values():
        said = [WORDS[word] for word in WORDS if word in it.says]
        assert [it.metric] == (said[:1] or ["accuracy"]), it.says


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
