"""Scores, reports, confusions, ROC curves: against examples small enough to do by hand."""

import numpy as np
import pytest

from fmnist_utils import evaluation
from fmnist_utils.data import CLASS_NAMES

LABELS = np.array([0, 0, 0, 1, 1, 9], np.uint8)
PREDICTED = [0, 0, 6, 1, 0, 9]
SPARSE, ONE_HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"


def outputs(predicted, confidence=0.91):
    """Probabilities: `confidence` for the predicted class, the same for each of the others."""
    table = np.full((len(predicted), 10), (1 - confidence) / 9, "float32")
    table[np.arange(len(predicted)), predicted] = confidence
    return table


@pytest.mark.parametrize("loss", [SPARSE, ONE_HOT])
def test_scores_by_hand(loss):
    found = evaluation.scores(LABELS, outputs(PREDICTED), loss)
    precision = (2 / 3 + 1 + 1 + 0) / 10  # T-shirt, trouser, boot, and the shirt that was none
    recall = (2 / 3 + 1 / 2 + 1) / 10
    f1 = (2 / 3 + 2 / 3 + 1) / 10
    assert found == pytest.approx({
        "loss": -(4 * np.log(0.91) + 2 * np.log(0.01)) / 6,
        "accuracy": 4 / 6, "precision": precision, "recall": recall, "f1": f1,
    }, rel=1e-5)  # fmt: skip
    assert all(type(value) is float for value in found.values())


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("sigmoid", 0.05, 0.9), ("relu", 0, 3), ("tanh", -1, 1)]
)
def test_losses_of_outputs_that_are_no_probabilities(kind, low, high):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 50).astype(np.uint8)
    raw = rng.uniform(low, high, (50, 10)).astype("float32")
    own, epsilon = (np.arange(50), labels), 1e-7
    # One-hot: divided by their sum, then cut to [epsilon, 1 - epsilon]; sparse: cut, then divided.
    shared = np.clip(raw / raw.sum(axis=1, keepdims=True), epsilon, 1 - epsilon)
    cut = np.clip(raw, epsilon, 1 - epsilon)
    one_hot, sparse = -np.log(shared[own]).mean(), -np.log(cut[own] / cut.sum(axis=1)).mean()
    found = [evaluation.scores(labels, raw, loss)["loss"] for loss in (ONE_HOT, SPARSE)]
    assert found == pytest.approx([one_hot, sparse], rel=1e-4)
    assert (found[0] == pytest.approx(found[1])) == (kind == "sigmoid")


def test_macro_recall_is_accuracy_where_classes_are_balanced():
    rng = np.random.default_rng(1)
    balanced = np.repeat(np.arange(10), 7)
    found = evaluation.scores(balanced, rng.random((70, 10), "float32"))
    assert found["recall"] == pytest.approx(found["accuracy"])
    assert found["precision"] != pytest.approx(found["accuracy"])


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
        ["Shirt", "T-shirt/top", 9], ["T-shirt/top", "Shirt", 5], ["Pullover", "Coat", 4],
    ]  # fmt: skip


ALL = np.tile(np.arange(10), 3)


@pytest.mark.parametrize(
    ("name", "given", "area"),
    [
        ("perfect", np.eye(10)[ALL], 1.0),
        ("reversed", 1 - np.eye(10)[ALL], 0.0),
        ("undecided", np.full((30, 10), 0.1), 0.5),
    ],
)
def test_area_under_the_curve(name, given, area):
    _, areas = evaluation.roc(ALL, given)
    assert areas.to_dict() == dict.fromkeys(CLASS_NAMES, area)


def test_roc_curves_against_their_definition():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 9, 60)  # no ankle boot
    given = rng.random((60, 10))
    curves, areas = evaluation.roc(labels, given)
    assert curves.columns.tolist() == [
        "class", "threshold", "false positive rate", "true positive rate"
    ]  # fmt: skip
    assert areas.index.tolist() == curves["class"].unique().tolist() == CLASS_NAMES[:9]
    for digit, name in enumerate(CLASS_NAMES[:9]):
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


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_roc_of_a_diverged_model(value):
    given = outputs(PREDICTED)
    given[2, 3] = value
    with pytest.raises(ValueError, match="diverged"):
        evaluation.roc(LABELS, given)


def test_mistakes_come_most_confident_first():
    labels = np.array([0, 1, 2, 3, 4], np.uint8)
    given = np.concatenate([
        outputs([0, 6], 0.5), outputs([2], 0.9), outputs([8], 0.8), outputs([6], 0.4)
    ])  # fmt: skip
    table = evaluation.mistakes(labels, given)
    assert table.columns.tolist() == ["index", "true", "predicted", "confidence"]
    assert table["index"].tolist() == [3, 1, 4]
    assert table["true"].tolist() == ["Dress", "Trouser", "Coat"]
    assert table["predicted"].tolist() == ["Bag", "Shirt", "Shirt"]
    assert table["confidence"].tolist() == pytest.approx([0.8, 0.5, 0.4])
    assert len(evaluation.mistakes(labels, outputs(labels))) == 0


@pytest.mark.parametrize(
    ("accuracy", "n", "error"), [(0.5, 100, 0.05), (0.91, 10_000, 0.00286182), (1.0, 500, 0.0)]
)
def test_standard_error(accuracy, n, error):
    assert evaluation.standard_error(accuracy, n) == pytest.approx(error, rel=1e-5)
