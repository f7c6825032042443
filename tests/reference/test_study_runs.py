"""What came of the studies: kept epoch by epoch, with the key of each run, and compared."""

import json

import numpy as np
import pandas as pd
import pytest
from made_runs import FULL, finished

from fmnist_utils import CourseError, reference
from fmnist_utils.recipes import PUBLISHED, STUDIES
from fmnist_utils.reference import study_runs, tables
from fmnist_utils.runs import Run
from fmnist_utils.training import add_copies, transform

pytestmark = pytest.mark.usefixtures("elsewhere")
HEADS = list(STUDIES["heads"])


def test_a_study_has_a_row_an_epoch_in_the_order_of_its_recipes(tmp_path, called_real):
    for id, seed in ((HEADS[4], 0), (HEADS[4], 1), (HEADS[3], 0), (HEADS[4], 0)):
        study_runs.enter(finished(tmp_path, called_real, id, seed, 0.9 + seed / 100), called_real)
    table = reference.study("heads")
    assert list(table.columns) == study_runs.COLUMNS
    assert table.id.tolist() == HEADS[3:4] * 2 + HEADS[4:5] * 4
    assert table.seed.tolist() == [0] * 4 + [1] * 2
    assert table.epoch.tolist() == [1, 2] * 3
    assert table.val_accuracy.tolist() == [0.9] * 4 + [0.91] * 2
    assert table.test_accuracy.tolist() == table.val_accuracy.tolist()
    assert table.train_accuracy.tolist() == [0.45] * 4 + [0.455] * 2
    assert table.seconds.notna().all()
    candidate = finished(tmp_path, called_real, "speedrun-93 / width 32", 0, 0.9)
    candidate.record["metrics"]["val_averaged_accuracy"] = 0.92
    study_runs.enter(candidate, called_real)
    assert reference.study("choice").averaged_accuracy.tolist() == [0.92] * 2


def test_a_run_that_watched_no_validation_images_is_entered_as_well(
    tmp_path, called_real, monkeypatch
):
    monkeypatch.setattr(Run, "predict", lambda run, images: np.eye(10)[called_real.test.labels])
    (id, *_) = STUDIES["unchanged"]
    run = finished(tmp_path, called_real, id, 0, 0.9)
    assert "val_loss" not in run.history
    run.record["metrics"]["test_averaged_accuracy"] = 0.92
    study_runs.enter(run, called_real)
    table = reference.study("unchanged")
    assert table.averaged_accuracy.tolist() == [0.92] * len(run.history)
    assert table.test_accuracy.tolist() == [0.9] * len(run.history)
    assert table[["val_loss", "val_accuracy"]].isna().all(axis=None)
    ((labels, outputs),) = reference.answers(id)
    np.testing.assert_array_equal(labels, called_real.test.labels)
    np.testing.assert_array_equal(outputs, np.eye(10)[labels])


def test_the_keys_of_runs_are_kept_in_full(tmp_path, called_real):
    made = [finished(tmp_path, called_real, HEADS[0], seed, 0.9) for seed in (0, 1, 2)]
    made += [finished(tmp_path, called_real, HEADS[2], 7, 0.9)]
    made[1].record["key"]["versions"]["keras"] = "3.0.0"
    for run in made:
        study_runs.enter(run, called_real)
        key = run.record["key"]
        assert study_runs.has(run.recipe.id, key["seed"], key)
        assert not study_runs.has(run.recipe.id, key["seed"], key | {"epochs": 99})
        assert not study_runs.has(run.recipe.id, 5, key)
    known = {(run.recipe.id, run.record["key"]["seed"]): run.record["key"] for run in made}
    assert study_runs.keys("heads") == known
    file = study_runs.file("heads").with_suffix(".json")
    before = file.read_bytes()
    seeds = {id: [one["seeds"] for one in alike] for id, alike in json.loads(before).items()}
    assert seeds == {HEADS[0]: [[0, 2], [1]], HEADS[2]: [[7]]}
    study_runs.write_keys("heads", dict(reversed(known.items())))
    assert file.read_bytes() == before


def test_a_run_that_was_stopped_before_its_key_is_made_again(tmp_path, called_real):
    run = finished(tmp_path, called_real, HEADS[0], 0, 0.9)
    study_runs.enter(run, called_real)
    study_runs.write_keys("heads", {})
    assert not study_runs.has(HEADS[0], 0, run.record["key"])
    study_runs.write_keys("heads", {(HEADS[0], 1): run.record["key"] | {"seed": 1}})
    assert not study_runs.has(HEADS[0], 1, run.record["key"] | {"seed": 1}), "a key, no row"
    assert study_runs.keys("unstated") == {}, "as before the first run"


def test_variants_compare_by_hand(tmp_path, called_real):
    for seed, accuracy in enumerate((0.86, 0.87, 0.91)):
        tables.enter(finished(tmp_path, called_real, "mlp-tuned", seed, accuracy))
    for id in ("mlp-tuned / 55,000 images", "conv2d-small / same"):
        study_runs.enter(finished(tmp_path, called_real, id, 0, 0.89), called_real)
    table = reference.variants("unstated", ["mlp-tuned"])
    assert table.index.names == ["model", "variant"]
    assert table.index.tolist() == [("mlp-tuned", "as stated"), ("mlp-tuned", "55,000 images")]
    assert table.reported.tolist() == pytest.approx([89.5, 89.5])
    assert table["mean"].tolist() == pytest.approx([88, 89])
    assert table.sd.iloc[0] == pytest.approx(np.sqrt((4 + 1 + 9) / 2))
    assert np.isnan(table.sd.iloc[1])
    assert table.seeds.tolist() == [3, 1]
    assert table.difference.tolist() == pytest.approx([-1.5, -0.5])


def test_where_a_report_lies_by_hand(tmp_path, called_real):
    """mlp-tuned reports 89.5; three seeds with a standard deviation of .1 reach .497 either way."""

    def enter(into, id, accuracies):
        for seed, accuracy in enumerate(accuracies):
            into.enter(finished(tmp_path, called_real, id, seed, accuracy), *rest[into])

    rest = {tables: [], study_runs: [called_real]}
    near, far = (0.889, 0.890, 0.891), (0.869, 0.870, 0.871)
    enter(tables, "mlp-tuned", far)
    explained = reference.explained()
    row = explained.loc["mlp-tuned"]
    assert explained.index.name == "model"
    assert (row.low, row.high) == pytest.approx((87 - 0.4968, 87 + 0.4968), abs=1e-3)
    assert (row.reported, row.by) == (89.5, "open")
    enter(study_runs, "mlp-tuned / 55,000 images", (0.8952, 0.8953))
    assert reference.explained().by["mlp-tuned"] == "open", "two seeds say nothing"
    enter(study_runs, "mlp-tuned / 55,000 images", (0.8951, 0.8952, 0.8953))
    row = reference.explained().loc["mlp-tuned"]
    assert row.by == "55,000 images"
    assert (row.low, row.high) == pytest.approx((89.52 - 0.04968, 89.52 + 0.04968), abs=1e-4)
    enter(tables, "mlp-tuned", near)
    assert reference.explained().by["mlp-tuned"] == "55,000 images", "89.497 is not 89.5"
    enter(tables, "mlp-tuned", (0.890, 0.892, 0.894))
    assert reference.explained().by["mlp-tuned"] == "as stated"


def runs_of(accuracies, losses):
    return pd.DataFrame({"test_accuracy": accuracies, "test_loss": losses})


def test_a_reported_loss_has_to_fit_as_well(monkeypatch):
    """heads-relu-sigmoid reports 23.5 % and a loss of 1.72."""
    wide, near, far = [0.2, 0.25, 0.3], [1.6, 1.65, 1.85], [1.3, 1.31, 1.32]
    found = {"as stated": runs_of(wide, near)}
    monkeypatch.setattr(study_runs, "_reached", lambda name, id: found if name == "heads" else {})
    monkeypatch.setattr(
        study_runs, "PUBLISHED", {id: PUBLISHED[id] for id in ["heads-relu-sigmoid"]}
    )
    row = reference.explained().loc["heads-relu-sigmoid"]
    assert (row.by, row["reported loss"], row.seeds) == ("as stated", 1.72, 3)
    found["as stated"] = runs_of(wide, far)
    row = reference.explained().loc["heads-relu-sigmoid"]
    assert row.by == "open"  # sd .01, t = 4.303: 1.31 ± .0497
    assert (row["low loss"], row["high loss"]) == pytest.approx((1.2603, 1.3597), abs=1e-4)
    found["adadelta, batches of 32"] = runs_of(wide, [1.71, 1.74, np.nan])
    found["adadelta, batches of 256"] = runs_of(wide, near)
    found["adam"] = runs_of(wide, far)
    row = reference.explained().loc["heads-relu-sigmoid"]
    assert (row.by, row["reported loss"]) == ("adadelta, batches of 256", 1.72)
    # The variances of the three losses: (.01 + .0025 + .0225) / 2.
    assert row["low loss"] == pytest.approx(1.7 - 4.3027 * np.sqrt(0.0175 * 4 / 3), abs=1e-4)


def test_more_seeds_of_the_same_training_take_the_place_of_fewer(monkeypatch):
    found = {
        "as stated": runs_of([0.2, 0.25, 0.3], [1.6, 1.7, 1.8]),
        "adadelta": runs_of([0.5, 0.52, 0.54, 0.46, 0.48, 0.5], [1.7] * 6),  # and two epochs more
    }
    monkeypatch.setattr(study_runs, "_reached", lambda name, id: found if name == "heads" else {})
    monkeypatch.setattr(
        study_runs, "PUBLISHED", {id: PUBLISHED[id] for id in ["heads-relu-sigmoid"]}
    )
    row = reference.explained().loc["heads-relu-sigmoid"]
    assert (row.by, row.seeds) == ("open", 6)
    # sd .02828, t = 2.5706 with five degrees of freedom
    assert row.high == pytest.approx(50 + 2.5706 * 2.8284 * np.sqrt(7 / 6), abs=1e-2)


def test_a_variant_that_trains_longer_counts_after_the_published_epochs(called_real, tmp_path):
    id = "heads-softmax"
    run = finished(tmp_path, called_real, f"{id} / adadelta", 0, 0.9)
    study_runs.enter(run, called_real)
    table = reference.study("heads")
    rows = [
        {**table.iloc[-1].to_dict(), "epoch": epoch, "val_accuracy": epoch / 20, "test_accuracy": t}
        for epoch, t in [(9, np.nan), (10, np.nan), (12, 0.6)]
    ]
    tables.write_table(pd.DataFrame(rows, columns=table.columns), study_runs.file("heads"))
    assert reference.variants("heads", [id])["mean"].tolist() == [50.0]
    kept = pd.DataFrame(rows, columns=table.columns).assign(val_loss=[0.9, 0.8, 0.7])
    tables.write_table(kept, study_runs.file("heads"))
    assert study_runs._reached("heads", id)["adadelta"].test_loss.tolist() == [0.8]


@pytest.mark.parametrize(
    ("id", "variant", "losses"),
    [
        ("cnn-basic", "test watched", [0.7]),
        ("mlp-tuned-augmented", "test watched", [np.nan]),  # stops early, on the way
        ("cnn-pool4", "dropout 0.4", [np.nan]),  # watches validation images
    ],
)
def test_a_test_loss_is_that_of_the_last_epoch_on_test_images(
    id, variant, losses, called_real, tmp_path
):
    (name,) = (name for name in ("epochs", "unstated") if f"{id} / {variant}" in STUDIES[name])
    study_runs.enter(finished(tmp_path, called_real, f"{id} / {variant}", 0, 0.9), called_real)
    table = reference.study(name)
    rows = [{**table.iloc[-1].to_dict(), "epoch": n, "val_loss": 1 - 0.1 * n} for n in (1, 2, 3)]
    tables.write_table(pd.DataFrame(rows, columns=table.columns), study_runs.file(name))
    assert study_runs._reached(name, id)[variant].test_loss.tolist() == pytest.approx(
        losses, nan_ok=True
    )


def test_the_study_of_augmentation_keeps_what_was_said(tmp_path, called_real, monkeypatch):
    originals = called_real.train.images[-12_000:]
    said = np.eye(10)[called_real.train.labels[-12_000:][::-1]]

    shown = []

    def predict(run, images):  # 3 for whatever has been changed
        shown.append(images)
        same = (images == originals).all(axis=(1, 2), keepdims=True)[:, 0]
        return np.where(same, said, np.eye(10)[3])

    monkeypatch.setattr(Run, "predict", predict)
    for seed in (1, 0, 1):
        run = finished(tmp_path, called_real, "cnn-tuned / flip", seed, 0.9)
        study_runs.enter(run, called_real)
    assert study_runs.answered_seeds("cnn-tuned / flip") == [0, 1]
    for copies in shown[1::2]:  # every run is shown the same copies
        np.testing.assert_array_equal(copies, transform(originals, np.random.default_rng(0)))
    as_they_are = reference.answers("cnn-tuned / flip")
    changed = reference.answers("cnn-tuned / flip", changed=True)
    assert len(as_they_are) == len(changed) == 2
    for labels, outputs in as_they_are:
        np.testing.assert_array_equal(labels, called_real.train.labels[-12_000:])
        np.testing.assert_array_equal(outputs.argmax(axis=1), labels[::-1])
        assert (outputs.sum(axis=1) == 1).all()
        assert outputs.dtype == np.float32
    for labels, outputs in changed:
        np.testing.assert_array_equal(labels, called_real.train.labels[-12_000:])
        assert (outputs.argmax(axis=1) == 3).mean() > 0.95
    table = reference.study("augmentation")
    assert table.seed.tolist() == [0, 0, 1, 1]
    assert table.test_accuracy.isna().all()
    assert reference.answers("cnn-tuned / none") == []
    key = run.record["key"]
    assert study_runs.has(run.recipe.id, 1, key)
    kept = study_runs.answers_file("augmentation")
    np.savez(kept, labels=np.array([print]), allow_pickle=True)  # unpickled, it might do anything
    for reads in (reference.answers, lambda id: study_runs.enter(run, called_real)):
        with pytest.raises(ValueError, match="allow_pickle=False"):
            reads(run.recipe.id)
    kept.unlink()
    assert not study_runs.has(run.recipe.id, 1, key), "its answers are gone"


def test_schemes_have_the_same_number_of_steps(called_real):
    train = called_real.split("last 20 %", FULL).train
    for recipe in STUDIES["augmentation"].values():
        images = len(add_copies(train, recipe.augmentation, 0).labels)
        assert abs(recipe.epochs * images - 24 * 48_000) < 24 * 480, recipe.id
        assert not recipe.reported


def test_an_unknown_study_is_refused():
    with pytest.raises(CourseError, match="'speedrn' is no study; choose one of heads, epochs, "):
        reference.study("speedrn")


def test_stand_in_never_enters_a_study(tmp_path, dataset, elsewhere):
    with pytest.raises(CourseError, match="only full runs on Fashion-MNIST"):
        study_runs.enter(finished(tmp_path, dataset, "heads-tanh / adam", 0, 0.9), dataset)
    assert not elsewhere.exists()


def test_a_variant_whose_recipe_is_gone_leaves_its_study(tmp_path, called_real):
    study_runs.enter(finished(tmp_path, called_real, HEADS[0], 0, 0.9), called_real)
    table, gone = reference.study("heads"), "heads-softmax / of old"
    others = pd.concat([table, table.assign(id=gone)])
    tables.write_table(others, study_runs.file("heads"))
    keys = study_runs.file("heads").with_suffix(".json")
    keys.write_text(
        keys.read_text().replace("{", f'{{"{gone}": [{{"seeds": [0], "key": {{}}}}],', 1)
    )
    study_runs.enter(finished(tmp_path, called_real, HEADS[1], 0, 0.9), called_real)
    assert reference.study("heads").id.unique().tolist() == HEADS[:2]
    assert list(study_runs.keys("heads")) == [(HEADS[0], 0), (HEADS[1], 0)]
