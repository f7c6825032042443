"""The published searches: KerasTuner's spaces are the published ones; what was made stays."""

import json
from dataclasses import replace

import keras_tuner
import pandas as pd
import pytest

from fmnist_utils import reference
from fmnist_utils.profiles import Profile
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.training import checkpoint, loop
from fmnist_utils.tuning import published


def ranges(hp):
    """What a search may choose from: lists of values, or (least, most, step)."""
    return {
        one.name: (one.min_value, one.max_value, one.step) if hasattr(one, "step") else one.values
        for one in hp.space
    }


def test_the_perceptrons_space_is_the_published_one():
    hp = keras_tuner.HyperParameters()
    hp.values["num_layers"] = 5  # so that the space shows all of its layers
    published.mlp(hp)
    assert ranges(hp) == {
        "num_layers": (2, 5, 1),
        "learning_rate": [1e-3, 1e-4, 1e-5],
        **{f"units_{i}": (32, 512, 32) for i in range(1, 6)},
        **{f"dropout_{i}": (0.0, 0.3, 0.1) for i in range(1, 6)},
    }
    assert published.SEARCHES["search-mlp"][1] == 6


def test_the_cnns_space_is_the_published_one():
    hp = keras_tuner.HyperParameters()
    published.cnn(hp)
    assert ranges(hp) == {
        "conv_1_filter": [16, 32],
        "conv_2_filter": [32, 64],
        "conv_3_filter": [64, 128],
        **{f"conv_{i}_kernel": [3, 4] for i in (1, 2, 3)},
        "learning_rate": [1e-3, 1e-4],
        "units": (128, 512, 32),
        **{f"dropout_{place}": (0.0, 0.4, 0.1) for place in (2, 3, "dense")},
    }
    assert published.SEARCHES["search-cnn"][1] == 5


def test_the_published_winners_are_points_of_the_spaces():
    hp = keras_tuner.HyperParameters()
    hp.values = {"num_layers": 4, "learning_rate": 1e-4, "units_1": 448, "dropout_1": 0.3}
    hp.values |= {f"units_{i}": 32 for i in (2, 3, 4)} | {f"dropout_{i}": 0.0 for i in (2, 3, 4)}
    found = published.mlp(hp)
    wanted = PUBLISHED["mlp-tuned"]
    assert json.loads(json.dumps(found.options)) == json.loads(json.dumps(wanted.options))
    assert replace(found, options={}) == replace(wanted.but(found.id), options={})
    hp = keras_tuner.HyperParameters()
    hp.values = {"conv_1_filter": 32, "conv_2_filter": 32, "conv_3_filter": 128, "dropout_2": 0.2}
    hp.values |= {"dropout_3": 0.4, "units": 128, "dropout_dense": 0.2, "learning_rate": 1e-4}
    hp.values |= {f"conv_{i}_kernel": 3 for i in (1, 2, 3)}
    ours, theirs = (r.build() for r in (published.cnn(hp), PUBLISHED["cnn-tuned"]))
    assert [layer.get_config() | {"name": 0, "build_config": 0} for layer in ours.layers] == [
        layer.get_config() | {"name": 0, "build_config": 0} for layer in theirs.layers
    ]
    other = {"conv_1_filter": 16, "conv_2_filter": 64, "conv_3_filter": 64, "dropout_2": 0.1}
    other |= {"dropout_3": 0.3, "units": 192, "dropout_dense": 0.4, "learning_rate": 1e-3}
    hp.values = other | {"conv_1_kernel": 4, "conv_2_kernel": 3, "conv_3_kernel": 4}
    tried = published.cnn(hp)
    assert (tried.id, tried.learning_rate) == ("search-cnn", 1e-3)
    given = {name: tried.options[name] for name in ("filters", "kernels", "conv_dropouts", "dense")}
    wanted = {"filters": [16, 64, 64], "kernels": [4, 3, 4], "conv_dropouts": [0.0, 0.1, 0.3]}
    assert {name: list(value) for name, value in given.items()} == wanted | {"dense": [192]}
    assert tried.options["dense_dropout"] == 0.4


def test_a_trial_s_recipe_is_made_of_its_row():
    """Whose whole numbers are fractions where a column has gaps; what it hasn't got is nothing."""
    row = {"num_layers": 2.0, "learning_rate": 1e-3, "units_1": 64.0, "units_2": 32.0}
    row |= {"dropout_1": 0.1, "dropout_2": 0.0, "units_3": float("nan"), "val_loss": 1.5}
    row |= {"key": "0123abcd"}
    found = published.recipe("search-mlp", row)
    assert found.options["widths"] == (64, 32)
    assert found.options["dropouts"] == (0.1, 0.0)
    assert [type(width) for width in found.options["widths"]] == [int, int]
    assert [type(dropout) for dropout in found.options["dropouts"]] == [float, float]
    assert (found.id, found.learning_rate) == ("search-mlp", 1e-3)


@pytest.fixture
def small(monkeypatch):
    """The searches on few images, two trials of two epochs."""
    tiny = Profile("full", 200, 100, 100, 1.0, None, 1)
    monkeypatch.setattr(published, "PROFILES", {"full": tiny})
    for id in ("mlp-tuned", "cnn-tuned"):
        monkeypatch.setitem(PUBLISHED, id, replace(PUBLISHED[id], epochs=2))
    for id, (choose, _) in published.SEARCHES.items():
        monkeypatch.setitem(published.SEARCHES, id, (choose, 2))


@pytest.mark.parametrize("id", published.SEARCHES)
def test_a_published_search_goes_on_where_it_was(id, small, dataset, tmp_path, monkeypatch, capsys):
    choose, _ = published.SEARCHES[id]
    with monkeypatch.context() as shorter:
        shorter.setitem(published.SEARCHES, id, (choose, 1))
        first = published.make(id, dataset, tmp_path)
    (facts,) = tmp_path.glob(f"*/{id}/trial_0/facts.json")
    made = facts.read_text()
    table = published.make(id, dataset, tmp_path)
    assert facts.read_text() == made
    assert table.trial.tolist() == [1, 2]
    pd.testing.assert_frame_equal(table[:1][first.columns], first, check_dtype=False)
    assert table.epochs.tolist() == [2, 2]
    assert table.val_accuracy.between(0, 1).all()
    assert table.seconds.gt(0).all()


def test_a_published_search_of_another_recipe_begins_anew(small, dataset, tmp_path, monkeypatch):
    fitted, curve = [], pd.DataFrame({"val_loss": [1.0], "val_accuracy": [0.5], "seconds": [1.0]})
    monkeypatch.setattr(published.training, "fit", lambda *g: fitted.append(g[0]) or (None, curve))
    for epochs in (2, 2, 3):
        monkeypatch.setitem(PUBLISHED, "mlp-tuned", replace(PUBLISHED["mlp-tuned"], epochs=epochs))
        assert published.make("search-mlp", dataset, tmp_path).trial.tolist() == [1, 2]
    assert [recipe.epochs for recipe in fitted] == [2, 2, 3, 3]


@pytest.mark.parametrize("id", published.SEARCHES)
def test_a_trial_is_worth_its_epoch_of_the_lowest_loss(id, small, dataset, tmp_path, monkeypatch):
    watched, losses = [], {"val_loss": [3.0, 1.0, 2.0], "val_accuracy": [0.25, 0.5, 0.75]}

    def fit(recipe, splits, epochs, seed, folder):
        watched.append(splits.validation.labels)
        return None, pd.DataFrame(losses).assign(seconds=1.5)

    monkeypatch.setattr(published.training, "fit", fit)
    first = published.make(id, dataset, tmp_path).iloc[0]
    assert (first.val_loss, first.val_accuracy) == (1, 0.5)
    assert (first.epochs, first.seconds) == (3, 4.5)
    assert watched[0].tolist() == dataset.train.labels[48_000:48_100].tolist(), "the last fifth"


@pytest.mark.parametrize("id", ["search-mlp", pytest.param("search-cnn", marks=pytest.mark.long)])
def test_the_committed_search_is_what_the_tuner_asks_for(id, dataset, tmp_path, monkeypatch, capfd):
    """Given the kept losses, it asks for the kept settings, from the first trial to the last."""
    kept = reference.search(id)
    losses = iter(kept.val_loss)
    curve = pd.DataFrame({"val_accuracy": [0.5], "seconds": [2.0]})
    monkeypatch.setattr(
        published.training, "fit", lambda *given: (None, curve.assign(val_loss=next(losses)))
    )
    monkeypatch.setattr(published, "PROFILES", {"full": Profile("full", 200, 100, 100, 1, None, 1)})
    made = published.make(id, dataset, tmp_path)
    settings = [name for name in made if name not in ("val_accuracy", "epochs", "seconds")]
    pd.testing.assert_frame_equal(made[settings], kept[settings], check_dtype=False)
    assert capfd.readouterr().out.splitlines() == [
        f"{id} · trial {number} · {{'epochs': 1, 'seconds': 2.0}}" for number in range(len(kept))
    ]


@pytest.mark.long
def test_a_search_stopped_within_a_trial_ends_like_one_that_was_not(
    small, dataset, tmp_path, monkeypatch
):
    whole = published.make("search-mlp", dataset, tmp_path / "whole")
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    save, saved = checkpoint.save, []

    def stop(*given):
        save(*given)
        saved.append(given)
        if len(saved) == 3:  # the first epoch of the second trial
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        published.make("search-mlp", dataset, tmp_path / "stopped")
    again = published.make("search-mlp", dataset, tmp_path / "stopped")
    assert len(saved) == 4
    pd.testing.assert_frame_equal(
        whole.drop(columns="seconds"), again.drop(columns="seconds"), check_exact=True
    )
