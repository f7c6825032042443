"""The committed reference: full runs on the real data, whose tables, folders and README agree."""

from pathlib import Path

import numpy as np
import pytest

from fmnist_utils import evaluation, recipes, reference
from fmnist_utils.recipes import MODELS, STUDIES
from fmnist_utils.reference import study_runs, tables

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_results_are_full_and_real(real):
    table = reference.results()
    assert set(table.id) <= set(MODELS)
    assert not table.duplicated(["id", "seed"]).any()
    assert set(table.profile) == {"full"}
    assert set(table.data) == {real.fingerprint}
    reported = [MODELS[id].reported.get("test_accuracy", np.nan) for id in table.id]
    assert np.allclose(table.reported_accuracy.astype(float), reported, equal_nan=True)
    changed = np.array([bool(MODELS[id].changes) for id in table.id])
    assert (table.averaged_accuracy.notna() == changed).all()
    balanced = (table.recall - table.test_accuracy).astype(float).abs()
    assert (balanced < 1e-5).all()  # with equal classes, macro recall is accuracy


def test_runs_are_those_of_the_table(real):
    table = reference.results().set_index(["id", "seed"])
    folders = {path.name for path in (tables.FOLDER / "runs").iterdir()}
    assert folders == {f"{id}.seed{seed}" for id, seed in table.index}
    for (id, seed), row in table.iterrows():
        run = reference.run(id, seed)
        assert len(run.history) == row.epochs_run
        assert np.array_equal(run.test_labels, real.test.labels)
        found = evaluation.scores(real.test.labels, run.test_outputs)["accuracy"]
        assert found == pytest.approx(row.test_accuracy, abs=1e-6)
        trained = np.trace(run.train_confusion) / run.train_confusion.to_numpy().sum()
        assert trained == pytest.approx(row.train_accuracy, abs=1e-5)


def test_every_study_is_made():
    assert {name for name in STUDIES if study_runs.file(name).exists()} == STUDIES.keys()


@pytest.mark.parametrize("name", STUDIES)
def test_studies_have_every_figure_in_its_column(name):
    table = reference.study(name)
    runs = table.groupby(["id", "seed"])
    assert set(runs.groups) == set(study_runs.keys(name)) != set()
    for (id, _seed), run in runs:
        recipe = STUDIES[name][id]
        assert run.epoch.tolist() == list(range(1, len(run) + 1))
        assert len(run) == recipe.epochs or (recipe.patience and len(run) < recipe.epochs)
        shown = ["accuracy", "val_accuracy"] if recipe.validation != "none" else ["accuracy"]
        assert run[shown].stack().between(0, 1).sum() == len(shown) * len(run)
        assert run.test_accuracy.notna().tolist() == [recipe.opens_test] * len(run)
        if recipe.validation == "test":  # watched after every epoch, so at the end as well
            assert run.test_accuracy.iloc[-1] == run.val_accuracy.iloc[-1]


@pytest.mark.parametrize(
    ("kind", "published", "own"),
    [
        ("MLP", "mlp-tuned-augmented", "mlp-course-augmented"),
        ("CNN", "cnn-tuned-augmented", "cnn-course-augmented"),
    ],
)
def test_the_readme_says_what_the_reference_says(kind, published, own):
    found = reference.summary()
    repeated, ours = (f"{found['mean'][id]:.2f} ± {found.sd[id]:.2f}" for id in (published, own))
    assert f"| {kind} | {found.reported[published]:.2f} | {repeated} | {ours} |" in README
    assert found.seeds[published] == found.seeds[own] == 3


@pytest.mark.parametrize(
    ("kind", "id"),
    [
        ("CNN, trained in a twentieth of the time of the reports' best", "speedrun-93"),
        ("CNN, fewer than 100,000 weights", "speedrun-small"),
        ("CNN, trained for about as long as the reports' best", "speedrun-95"),
        ("CNN, larger, trained for longer\\*", "speedrun-best"),
    ],
)
def test_the_readme_says_what_the_speed_runs_reached(kind, id):
    found = reference.summary().loc[id]
    assert f"| {kind} | | | {found['mean']:.2f} ± {found.sd:.2f} |" in README
    assert found.seeds == 3


@pytest.mark.parametrize(
    ("id", "row"),
    [
        ("mlp-course-augmented / taught", "MLP, taught by CNNs"),
        ("speedrun-small / taught", "the same, taught by larger CNNs"),
    ],
)
def test_the_readme_says_what_the_taught_networks_reached(id, row):
    taught = reference.study("taught")
    reached = 100 * taught[taught.id == id].drop_duplicates("seed", keep="last").test_accuracy
    assert f"| {row} | | | {reached.mean():.2f} ± {reached.std():.2f} |" in README
    assert len(reached) == 3


def test_the_times_are_those_of_todays_ladder():
    times = reference.epoch_seconds("ladder")
    assert times.columns.tolist() == [
        f"speedrun / {name}" for name in ("plain", *recipes.INGREDIENTS, *recipes.ADDITIONS)
    ]
    assert len(times) >= 3
    assert (times > 0).all(axis=None)


def test_other_networks_are_all_trained_and_are_those_of_today(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    from frontier import PEERS, recipe_key

    table = reference.peers()
    trained = set(table[["model", "epochs"]].itertuples(index=False, name=None))
    assert len(trained) == len(table)
    wanted = {(name, number) for name, peer in PEERS.items() for number in peer.epochs}
    assert trained == wanted
    assert (table.images == 60_000).all()
    assert (table.seed == 0).all()
    assert table.test_accuracy.between(0, 1).all()
    noise = np.random.default_rng(0).integers(0, 256, (999, 28, 28))
    for name, rows in table.groupby("model"):
        peer = PEERS[name]
        model = peer.build(peer.scaling(noise, noise), 10)
        assert set(rows.parameters) == {model.count_params()}
        assert set(rows.key) == {recipe_key(name)}, f"{name} was trained by another recipe"
        assert rows.averaged_accuracy.notna().tolist() == [peer.averaged] * len(rows)
    times = reference.epoch_seconds("models")
    assert times.columns.tolist() == [*MODELS, *PEERS]
    assert len(times) >= 3
    assert (times > 0).all(axis=None)


def test_files_are_small():
    sizes = [path.stat().st_size for path in tables.FOLDER.rglob("*") if path.is_file()]
    assert sum(sizes) < 16_000_000
