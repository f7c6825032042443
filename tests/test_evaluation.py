"""Scores, reports, confusions, ROC curves: against examples small enough to do by hand."""

import numpy as np
import pytest
from scipy.special import softmax

from fmnist_utils import evaluation
from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.models.backend import keras

pytestmark = pytest.mark.filterwarnings("error")
LABELS = np.array([0, 0, 0, 1, 1, 9], np.uint8)
PREDICTED = [0, 0, 6, 1, 0, 9]


def outputs(predicted, confidence=0.91):
    """Probabilities: `confidence` for the predicted class, the same for each of the others."""
    table = np.full((len(predicted), 10), (1 - confidence) / 9, "float32")
    table[np.arange(len(predicted)), predicted] = confidence
    return table


def test_scores_by_hand():
    found = evaluation.scores(LABELS, outputs(PREDICTED))
    wanted = {
        "cross_entropy": -(4 * np.log(0.91) + 2 * np.log(0.01)) / 6,
        "accuracy": 4 / 6,
        "precision": (2 / 3 + 1 + 1 + 0) / 10,  # T-shirt, trouser, boot; the shirt was none
        "recall": (2 / 3 + 1 / 2 + 1) / 10,
        "f1": (2 / 3 + 2 / 3 + 1) / 10,
    }
    assert found == pytest.approx(wanted, rel=1e-5)
    assert all(type(value) is float for value in found.values())


@pytest.mark.parametrize("low", [0, 0.05, -1], ids=["relu", "sigmoid", "tanh"])
def test_cross_entropy_is_that_of_keras_also_where_outputs_are_no_probabilities(low):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 300).astype(np.uint8)
    given = rng.uniform(low, 1, (300, 10)).astype("float32")
    given[:100][rng.random((100, 10)) < 0.5] = 0
    wanted = keras.losses.categorical_crossentropy(np.eye(10)[labels], given)
    found = evaluation.cross_entropy(labels, given)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert found.max() == pytest.approx(-np.log(1e-7)), "the share of 0 is cut"
    assert evaluation.scores(labels, given)["cross_entropy"] == pytest.approx(found.mean())


def test_outputs_that_sum_to_0_have_the_cross_entropy_that_keras_gives_them():
    given = outputs(PREDICTED)
    given[1] = 0
    given[2] = np.tile([0.5, -0.5], 5)  # tanh can do so
    given[3] = -given[2]
    found = evaluation.cross_entropy(LABELS, given)
    wanted = keras.losses.categorical_crossentropy(np.eye(10)[LABELS], given)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)  # which takes NaN for equal
    assert np.flatnonzero(np.isnan(found)).tolist() == [1]


JUDGES = ["calibration", "confusion", "cross_entropy", "mistakes", "report", "roc", "scores"]


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(
    ("labels", "given", "says"),
    [
        (LABELS.astype(float), outputs(PREDICTED), "float64 [(]6,[)]"),
        (LABELS, outputs(PREDICTED).astype(complex), "complex128 [(]6, 10[)]"),
        (LABELS[:, None], outputs(PREDICTED), "uint8 [(]6, 1[)]"),
        (LABELS, outputs(PREDICTED)[:5], "[(]5, 10[)]"),
        (LABELS, outputs(PREDICTED)[:, :9], "[(]6, 9[)]"),
        (LABELS[:0], outputs(PREDICTED)[:0], "no image"),
        (LABELS.astype(int) - 1, outputs(PREDICTED), "from -1 to 8"),
        (LABELS + 1, outputs(PREDICTED), "from 1 to 10"),
    ],
)
def test_what_does_not_go_together_is_refused(judge, labels, given, says):
    with pytest.raises(ValueError, match=says):
        getattr(evaluation, judge)(labels, given)


def test_report_by_hand():
    table = evaluation.report(LABELS, outputs(PREDICTED))
    assert table.index.tolist() == [*CLASS_NAMES, "macro avg"]
    assert table.columns.tolist() == ["precision", "recall", "f1", "support"]
    assert table.loc["T-shirt/top"].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 3])
    assert table.loc["Trouser"].tolist() == pytest.approx([1, 1 / 2, 2 / 3, 2])
    assert table.loc["Shirt"].tolist() == [0, 0, 0, 0]
    assert table.loc["macro avg", "recall"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 10)
    assert table["support"].tolist() == [3, 2, 0, 0, 0, 0, 0, 0, 0, 1, 6]


def test_confusion_has_the_truth_in_rows():
    matrix = evaluation.confusion(LABELS, outputs(PREDICTED))
    assert (matrix.index.name, matrix.columns.name) == ("true class", "predicted class")
    assert matrix.index.tolist() == matrix.columns.tolist() == CLASS_NAMES
    assert matrix.loc["T-shirt/top", "Shirt"] == 1
    assert matrix.loc["Shirt", "T-shirt/top"] == 0
    assert matrix.loc["Trouser", "T-shirt/top"] == 1
    assert matrix.to_numpy().sum() == 6
    assert np.trace(matrix) == 4


def test_worst_confusions():
    labels = np.repeat([6, 0, 2, 5, 4], [9, 5, 4, 2, 30])
    predicted = np.repeat([0, 6, 4, 7, 4], [9, 5, 4, 2, 30])
    worst = evaluation.worst_confusions(evaluation.confusion(labels, outputs(predicted)), 3)
    assert worst.columns.tolist() == ["true class", "predicted class", "images"]
    assert worst.to_numpy().tolist() == [
        ["Shirt", "T-shirt/top", 9],
        ["T-shirt/top", "Shirt", 5],
        ["Pullover", "Coat", 4],
    ]
    backwards = evaluation.confusion(ALL, outputs(9 - ALL))
    assert len(evaluation.worst_confusions(backwards)) == 5
    assert evaluation.worst_confusions(backwards, 100).images.tolist() == [3] * 10
    once = evaluation.worst_confusions(evaluation.confusion([6], outputs([0])))
    assert once.to_numpy().tolist() == [["Shirt", "T-shirt/top", 1]]
    right = evaluation.worst_confusions(evaluation.confusion(ALL, outputs(ALL)))
    assert (len(right), right.columns.tolist()) == (0, worst.columns.tolist())


ALL = np.tile(np.arange(10), 3)


def test_roc_curves_against_their_definition():
    rng = np.random.default_rng(2)
    labels = np.where((drawn := rng.integers(0, 10, 60)) == 4, 0, drawn)  # no coat
    known = [name for name in CLASS_NAMES if name != "Coat"]
    given = rng.random((60, 10))
    curves, areas = evaluation.roc(labels, given)
    columns = ["class", "threshold", "false positive rate", "true positive rate"]
    assert curves.columns.tolist() == columns
    assert areas.index.tolist() == curves["class"].unique().tolist() == known
    assert (areas.name, curves.index.tolist()) == ("AUC", list(range(len(curves))))
    for name in known:
        digit = CLASS_NAMES.index(name)
        own, other = given[labels == digit, digit], given[labels != digit, digit]
        # The area is the chance that an image of the class scores above one of another class.
        assert areas[name] == pytest.approx((own[:, None] > other).mean())
        curve = curves[curves["class"] == name]
        for _, point in curve.iterrows():
            assert point["true positive rate"] == (own >= point["threshold"]).mean()
            assert point["false positive rate"] == (other >= point["threshold"]).mean()
        rates = curve[["false positive rate", "true positive rate"]].to_numpy()
        assert rates[0].tolist() == [0, 0]
        assert rates[-1].tolist() == [1, 1]


def test_no_roc_of_one_class():
    with pytest.raises(ValueError, match="images of at least two classes"):
        evaluation.roc(np.full(3, 6), np.full((3, 10), 0.1))
    _, areas = evaluation.roc(np.array([6, 0]), outputs([6, 0]))
    assert areas.to_dict() == {"T-shirt/top": 1, "Shirt": 1}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_roc_of_a_diverged_model(value):
    given = outputs(PREDICTED)
    given[2, 3] = value
    with pytest.raises(ValueError, match="diverged"):
        evaluation.roc(LABELS, given)


def test_mistakes_come_most_confident_first():
    labels = np.array([0, 1, 2, 3, 4], np.uint8)
    sure = [([0, 6], 0.5), ([2], 0.9), ([8], 0.8), ([6], 0.4)]
    given = np.concatenate([outputs(*part) for part in sure])
    table = evaluation.mistakes(labels, given)
    assert table.columns.tolist() == ["index", "true", "predicted", "confidence"]
    assert table["index"].tolist() == [3, 1, 4]
    assert table.index.tolist() == [0, 1, 2]
    assert table["true"].tolist() == ["Dress", "Trouser", "Coat"]
    assert table["predicted"].tolist() == ["Bag", "Shirt", "Shirt"]
    assert table["confidence"].tolist() == pytest.approx([0.8, 0.5, 0.4])
    assert len(evaluation.mistakes(labels, outputs(labels))) == 0


@pytest.mark.parametrize(
    ("accuracy", "n", "error"),
    [(0.5, 100, 0.05), (0.91, 10_000, 0.00286182), (1.0, 500, 0.0), (0.0, 1, 0.0)],
)
def test_standard_error(accuracy, n, error):
    assert evaluation.standard_error(accuracy, n) == pytest.approx(error, rel=1e-5)


def test_prediction_half_by_a_table_of_t():
    assert evaluation.prediction_half(1.0, 3) == pytest.approx(4.3027 * (4 / 3) ** 0.5, rel=1e-4)
    assert evaluation.prediction_half(0.5, 6) == pytest.approx(
        0.5 * 2.5706 * (7 / 6) ** 0.5, rel=1e-4
    )
    assert evaluation.prediction_half(1.0, 2) == pytest.approx(12.7062 * 1.5**0.5, rel=1e-4)
    assert evaluation.prediction_half(0.0, 3) == 0  # all alike


def test_one_more_value_falls_inside_in_95_of_100_cases():
    drawn = np.random.default_rng(0).normal(3, 2, (20_000, 4))
    three, one = drawn[:, :3], drawn[:, 3]
    half = [evaluation.prediction_half(sd, 3) for sd in three.std(axis=1, ddof=1)]
    assert (abs(one - three.mean(axis=1)) < half).mean() == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize(("accuracy", "n"), [(-0.01, 9), (1.01, 9), (0.5, 0), (np.nan, 9)])
def test_standard_error_of_nothing(accuracy, n):
    with pytest.raises(ValueError, match="No accuracy is"):
        evaluation.standard_error(accuracy, n)


@pytest.mark.parametrize(
    ("how", "of_first", "of_second"),
    [
        ("average", [0.4, 0.6, 0], [0.3, 1.15 / 3, 0.95 / 3]),
        ("maximum", [0.375, 0.625, 0], [0.9 / 2.05, 0.6 / 2.05, 0.55 / 2.05]),
        ("vote", [2 / 3, 1 / 3, 0], [1 / 3, 1 / 3, 1 / 3]),
        ("majority", [1, 0, 0], [0, 1, 0]),  # of the second image there is none
    ],
)
def test_an_ensemble_by_hand(how, of_first, of_second):
    members = np.zeros((3, 2, 10), "float32")
    members[:, 0, :2] = [[0.6, 0.4], [0.6, 0.4], [0, 1]]
    members[:, 1, :3] = [[0.9, 0.1, 0], [0, 0.6, 0.4], [0, 0.45, 0.55]]
    found = evaluation.combine(members, how)
    np.testing.assert_allclose(found[:, :3], [of_first, of_second], rtol=1e-5)
    assert not found[:, 3:].any()


@pytest.mark.parametrize(
    ("members", "for_0", "decided"),
    # Half of them are no majority; then the average decides, which is for class 1 here.
    [(4, 2, 1), (21, 11, 0), (21, 10, 1), (1, 1, 0)],
)
def test_a_majority_is_more_than_half(members, for_0, decided):
    given = np.zeros((members, 2, 10), "float32")
    for image, first in enumerate((0, 4)):
        classes = slice(first, first + 2)
        given[:for_0, image, classes], given[for_0:, image, classes] = [0.6, 0.4], [0, 1]
    wanted = np.eye(10)[[decided, 4 + decided]]
    assert evaluation.combine(given, "majority").tolist() == wanted.tolist()


@pytest.mark.parametrize("shape", [(5, 10), (1, 3, 5, 10), (3, 5, 9), (0, 5, 10), (3, 0, 10)])
def test_only_members_outputs_can_be_combined(shape):
    with pytest.raises(ValueError, match="Members' outputs are"):
        evaluation.combine(np.zeros(shape), "vote")
    with pytest.raises(
        ValueError, match="'median': choose one of average, maximum, vote, majority"
    ):
        evaluation.combine(np.ones((2, 3, 10)), "median")


def test_lists_are_as_good_as_arrays():
    members = [outputs(PREDICTED), outputs(PREDICTED[::-1])]
    given = [member.tolist() for member in members]
    for how in ("average", "maximum", "vote", "majority"):
        wanted = evaluation.combine(np.stack(members), how)
        np.testing.assert_allclose(evaluation.combine(given, how), wanted, rtol=1e-5)
    for judge in [*JUDGES, "calibration_error", "temperature"]:
        evaluate = getattr(evaluation, judge)
        assert str(evaluate(LABELS.tolist(), given[0])) == str(evaluate(LABELS, np.array(given[0])))


def test_other_forms_are_told():
    for shape in [(3, 4, 5), (10,), (6, 9)]:
        with pytest.raises(ValueError, match="Probabilities are .n, 10., and not"):
            evaluation.at_temperature(np.ones(shape), 2)
    for sd, n in [(0.1, 1), (0.1, 0), (-0.1, 3), (np.nan, 3)]:
        with pytest.raises(ValueError, match="foretells no other value"):
            evaluation.prediction_half(sd, n)
    unfit = [(np.nan, 2), (np.inf, 2), (-0.1, 2), (0.1, 0)]
    for difference, *part in [(np.nan, 0.1, 2), *((1, *part) for part in unfit)]:
        with pytest.raises(ValueError, match="can't be judged"):
            evaluation.judge(difference, [(0.1, 3), part])


def test_calibration_by_hand():
    """Bins of unequal size, some empty, a value on an edge, and values in their upper halves."""
    labels = np.array([0, 1, 2, 3, 4, 6, 6], np.uint8)
    given = np.concatenate(
        [outputs([0, 1, 9], 0.97), outputs([3, 9], 0.48), outputs([5], 0.5), outputs([0], 0.28)]
    )
    given[0] = np.eye(10)[0]  # a confidence of 1 has no bin of its own
    table = evaluation.calibration(labels, given)
    assert (table.index.name, table.index.tolist()) == ("bin", [2, 4, 5, 9])
    assert table.images.tolist() == [1, 2, 1, 3]
    assert table.confidence.tolist() == pytest.approx([0.28, 0.48, 0.5, 2.94 / 3])
    assert table.accuracy.tolist() == pytest.approx([0, 1 / 2, 0, 2 / 3])
    gaps = [0.28, 2 * (0.5 - 0.48), 0.5, 3 * (2.94 / 3 - 2 / 3)]
    assert evaluation.calibration_error(labels, given) == pytest.approx(sum(gaps) / 7, rel=1e-5)
    assert evaluation.calibration(labels, given, 4).images.tolist() == [3, 1, 3]
    gaps[:2] = [0.28 + 2 * 0.48 - 1]  # in one bin, too sure and not sure enough cancel out
    assert evaluation.calibration_error(labels, given, 4) == pytest.approx(sum(gaps) / 7, rel=1e-5)


@pytest.mark.parametrize("value", [-0.001, 1.02, np.nan, np.inf, -np.inf])
def test_only_probabilities_can_be_calibrated(value):
    given = outputs(PREDICTED)
    given[2, 3] = value
    for judge in (evaluation.calibration, evaluation.calibration_error):
        with pytest.raises(ValueError, match="say nothing of how sure a model is"):
            judge(LABELS, given)
    given[2] = np.eye(10)[6] * 1.00195  # 1, rounded as the reference's outputs are
    assert evaluation.calibration(LABELS, given).images.tolist() == [6]


def test_temperature_by_hand():
    p = np.full((1, 10), 0.01, np.float32)
    p[0, 3], p[0, 4] = 0.64, 0.28
    halved = evaluation.at_temperature(p, 2)  # a softmax of half the scores: square roots
    roots = np.sqrt(p) / np.sqrt(p).sum()
    assert halved == pytest.approx(roots, rel=1e-5)
    assert evaluation.at_temperature(p, 0.5) == pytest.approx(p**2 / (p**2).sum(), rel=1e-5)
    assert evaluation.at_temperature(p, 1) == pytest.approx(p, rel=1e-5)
    sure, unsure = np.eye(10)[3], np.full(10, 0.1)
    found = evaluation.at_temperature(np.stack([sure, unsure]), 0.001)  # scores down to -16,000
    np.testing.assert_allclose(found, [sure, unsure], rtol=1e-6)
    for impossible in (0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match=f"above 0, and not {impossible}"):
            evaluation.at_temperature(p, impossible)


@pytest.mark.parametrize("temperature", [0.02, 0.5, 3])
def test_a_temperature_divides_the_scores(temperature):
    scores = np.random.default_rng(0).uniform(-6, 6, (50, 10))
    found = evaluation.at_temperature(softmax(scores, axis=1), temperature)
    np.testing.assert_allclose(found, softmax(scores / temperature, axis=1), rtol=1e-5, atol=1e-30)
    assert found.dtype == np.float32


def test_what_is_next_to_impossible_counts_as_a_ten_millionth():
    p = np.array([[1 - 2e-7, 2e-7, 1e-9, *[0] * 7]])
    halved = evaluation.at_temperature(p, 2)
    wanted = np.sqrt([[1, 2e-7, *[1e-7] * 8]])
    np.testing.assert_allclose(halved, wanted / wanted.sum(), rtol=1e-5)


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0])
def test_the_temperature_that_was_used_is_found_again(true):
    """Labels drawn as often as p says; shown is p as a network that is wrong by `true` says it."""
    rng = np.random.default_rng(5)
    scores = rng.normal(0, 2, (20_000, 10))
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = (p.cumsum(axis=1) > rng.random((len(p), 1))).argmax(axis=1)
    shown = np.exp(scores * true)  # 2: surer than it should be, so its temperature is 2
    shown /= shown.sum(axis=1, keepdims=True)
    assert evaluation.temperature(labels, shown) == pytest.approx(true, rel=0.03)


def test_a_temperature_is_sought_from_a_twentieth_to_twenty():
    labels, given = np.array([1, 2, 3, 4]), outputs([0, 0, 0, 0], 0.19)
    assert evaluation.temperature(labels, given) == pytest.approx(20, rel=1e-2), "always wrong"
    assert evaluation.temperature(0 * labels, given) == pytest.approx(0.05, rel=1e-2), "or right"
    with pytest.raises(ValueError, match="don't go together"):
        evaluation.temperature(labels[:3], given)
