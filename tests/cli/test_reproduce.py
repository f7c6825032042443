"""`reproduce` and `verify`: nothing trained twice, nothing written over, the time left told."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_runs import FULL, content, finished

from fmnist_utils import CourseError, reference, runs, training, tuning
from fmnist_utils.cli import main, reproduce
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import MODELS, PUBLISHED, STUDIES
from fmnist_utils.reference import search_trials, tables
from fmnist_utils.runs import jobs
from fmnist_utils.tuning import published

SPACE = tuning.SPACES["mlp"].ranges
pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Replaces training; lists what was asked for. A seed's accuracy is 90 % and so many points."""
    asked = []

    def train(recipe, data, profile, seed):
        asked.append((recipe.id, seed, profile))
        return finished(tmp_path / "runs", data, recipe.id, seed, 0.9 + seed / 100)

    monkeypatch.setattr(jobs, "train", train)
    return asked


def test_models_are_trained_in_full_and_found_by_all(trained, called_real, capsys):
    reproduce.reproduce(["cnn-standard", "cnn-basic"], 2, called_real)
    table = reference.results()
    entered = list(zip(table.id, table.seed, strict=True))
    assert entered == list(product(("cnn-basic", "cnn-standard"), (0, 1)))
    assert list(table.columns) == tables.COLUMNS
    none = {"val_accuracy": None, "averaged_accuracy": None}
    given = reference.run("cnn-basic", 1)
    of_truth = given.test_outputs[np.arange(len(given.test_labels)), given.test_labels]
    entropy = round(-np.log(of_truth / given.test_outputs.sum(axis=1)).mean().item(), 6)
    learned = {"train_loss": 0.3 / 2, "train_accuracy": 0.91 / 2}
    assert table.iloc[1].to_dict() | none == pytest.approx(
        none
        | learned
        | {
            "id": "cnn-basic",
            "seed": 1,
            "profile": "full",
            "data": called_real.fingerprint,
            "epochs_run": 2,
            "parameters": 7,
            "train_seconds": 1.5,
            **{"test_loss": 0.3, "test_cross_entropy": entropy, "test_accuracy": 0.91},
            **{"precision": 0.909, "recall": 0.908, "f1": 0.907},
            "reported_accuracy": 0.903,
        }
    )
    assert [profile for *_, profile in trained] == [FULL] * 4
    shown = capsys.readouterr().out
    assert "0 of 4 runs are in the reference already" in shown
    assert "4 of 4 · cnn-basic · seed 1 · 91.00 % · about 0 h 00 min left" in shown
    reproduce.reproduce(["mlp-350-80"], 1, called_real)
    assert "· mlp-350-80 · seed 0 · 90.00 % ·" in capsys.readouterr().out, "not on the 5,000"


def test_nothing_is_made_twice(trained, called_real, elsewhere, capsys, monkeypatch):
    monkeypatch.setattr("fmnist_utils.data.load", lambda: called_real)
    assert main(["reproduce", "cnn-basic", "--seeds", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == [
        *("cnn-basic", "90.3", "90.5", "0.71", "2")
    ]
    reproduce.reproduce(["cnn-basic"], 3, called_real)
    assert [seed for _, seed, _ in trained] == [0, 1, 2]
    before = content(elsewhere)
    reproduce.reproduce(["cnn-basic"], 2, called_real)
    assert len(trained) == 3
    assert content(elsewhere) == before
    assert "2 of 2 runs are in the reference already" in capsys.readouterr().out


def test_what_other_settings_made_is_replaced(trained, called_real, monkeypatch):
    reproduce.reproduce(["cnn-basic"], 1, called_real)
    changed = replace(PUBLISHED["cnn-basic"], batch_size=33)
    monkeypatch.setitem(PUBLISHED, "cnn-basic", changed)
    reproduce.reproduce(["cnn-basic"], 1, called_real)
    assert len(trained) == 2
    assert reference.run("cnn-basic", 0).record["key"]["recipe"]["batch_size"] == 33
    assert len(reference.results()) == 1


def test_studies_have_a_table_of_their_own(trained, called_real, monkeypatch):
    few = dict(list(STUDIES["heads"].items())[:2])
    monkeypatch.setitem(STUDIES, "heads", few)
    for _ in range(2):
        reproduce.reproduce(["heads"], 2, called_real)
    assert [task[:2] for task in trained] == [(id, seed) for seed in (0, 1) for id in few]
    assert reference.results().empty
    table = reference.study("heads")
    assert table.id.tolist() == [id for id in few for _ in range(4)]
    assert table.val_accuracy.tolist() == [0.9, 0.9, 0.91, 0.91] * 2

    id = next(iter(few))
    monkeypatch.setitem(few, id, replace(few[id], batch_size=33))
    reproduce.reproduce(["heads"], 1, called_real)
    assert [task[:2] for task in trained[4:]] == [(id, 0)]
    assert len(reference.study("heads")) == len(table)


def test_teachers_are_trained_before_their_students_and_once(trained, called_real, monkeypatch):
    real, teacher = reproduce._recipe, PUBLISHED["mlp-350-80"]
    taught = dict(teacher=teacher, teachers=2, loss="categorical_crossentropy")
    monkeypatch.setattr(reproduce, "_recipe", lambda id: replace(real(id), **taught))
    reproduce.reproduce(["cnn-standard", "cnn-basic"], 1, called_real)
    order = [(id, seed) for id, seed, _ in trained]
    assert order[:2] == [(teacher.id, 0), (teacher.id, 1)]
    assert order[2:] == [("cnn-standard", 0), ("cnn-basic", 0)]


def test_missing_searches_are_made_and_no_others(called_real, monkeypatch):
    asked = []

    def each(function, tasks, at_a_time):
        asked.append(tasks)
        for id, *what in tasks:
            facts = dict(zip(("method", "seed"), what, strict=False))
            yield id, pd.DataFrame([dict(trial=n, val_accuracy=0.5) | facts for n in (0, 1)])

    monkeypatch.setattr(jobs, "each", each)
    monkeypatch.setattr(reproduce, "trial_keys", lambda name, table, data: [name] * len(table))
    reproduce.reproduce(list(search_trials.SEARCHES), 1, called_real, 2)
    alone = ["search-mlp", "search-cnn", "course-mlp"]
    assert [task[0] for task in asked[0]] == alone + ["tuners"] * 24
    tuners = reference.search("tuners")
    assert list(zip(tuners.method, tuners.seed, tuners.trial, strict=True)) == list(
        product(("hyperband", "random", "tpe"), range(8), (0, 1))
    )
    search_trials.file("search-mlp").unlink()
    reproduce.reproduce(list(search_trials.SEARCHES), 1, called_real, 2)
    assert asked[1:] == [[("search-mlp",)]]
    assert reference.search("search-mlp").key.tolist() == ["search-mlp"] * 2
    stale, keyless = reference.search("search-cnn"), reference.search("course-mlp")
    tables.write_table(stale.assign(key=["search-cnn", "old"]), search_trials.file("search-cnn"))
    tables.write_table(keyless.drop(columns="key"), search_trials.file("course-mlp"))
    reproduce.reproduce(list(search_trials.SEARCHES), 1, called_real, 2)
    assert asked[2:] == [[("search-cnn",), ("course-mlp",)]]
    assert reference.search("search-cnn").key.tolist() == ["search-cnn"] * 2


def test_each_search_is_made_in_its_profile_with_its_seed_and_method(called_real, monkeypatch):
    asked = []
    monkeypatch.setattr("fmnist_utils.data.load", lambda profile: called_real)
    monkeypatch.setattr(tuning, "tune", lambda *given: asked.append(given))
    chosen = {name: d.low if hasattr(d, "low") else d.choices[0] for name, d in SPACE.items()}
    done = [dict(trial=0, state="complete", val_accuracy=0.8) | chosen]
    done += [dict(trial=1, state="pruned", val_accuracy=0.7) | chosen | {"width": 256}]
    monkeypatch.setattr(tuning, "table", lambda study: pd.DataFrame(done))
    finished, curve = [], pd.DataFrame({"val_accuracy": [0.6, 0.9, 0.85]})
    monkeypatch.setattr(training, "fit", lambda *given: finished.append(given) or (None, curve))
    monkeypatch.setattr(published, "make", lambda *given: asked.append(given))
    assert reproduce._search("course-mlp")[0] == "course-mlp"
    name, table = reproduce._search("tuners", "random", 2)
    added = ["method", "seed", "finished"]
    assert name == "tuners"
    assert table[added].to_numpy().tolist() == [["random", 2, 0.8], ["random", 2, 0.85]]
    ((recipe, splits, epochs, seed),) = finished
    assert (recipe.options["widths"], epochs, seed) == ((256,), 6, 2)
    assert len(splits.train.labels) == 6_000
    table = reproduce._search("tuners", "hyperband", 3)[1]
    assert table.finished.isna().tolist() == [False, True]
    assert len(finished) == 1
    reproduce._search("search-cnn")
    space, lesson = tuning.SPACES["mlp"], PROFILES["lesson"]
    assert asked == [
        ("course-mlp", space, called_real, FULL),
        ("tuners.random.seed2", space, called_real, lesson, 2, "random", 40),
        ("tuners.hyperband.seed3", space, called_real, lesson, 3, "hyperband", 60),
        ("search-cnn", called_real, runs.run_store() / "searches"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["cnn-basik"], 1), "not a model; did you mean 'cnn-basic'.* There are heads-softmax, "),
        (([], 0), "0 seeds are too few"),
        (([], 1, 0), "0 jobs are too few"),
    ],
)
def test_reproduce_refuses(trained, called_real, elsewhere, arguments, message):
    ids, seeds, *at_a_time = arguments
    with pytest.raises(CourseError, match=message):
        reproduce.reproduce(ids, seeds, called_real, *at_a_time)
    assert not trained
    assert not elsewhere.exists()


@pytest.mark.parametrize("id", ["cnn-basic", "heads", "tuners"])
def test_the_stand_in_is_refused(trained, dataset, elsewhere, id):
    with pytest.raises(CourseError, match="refuses the drawn stand-in"):
        reproduce.reproduce([id], 1, dataset)
    with pytest.raises(CourseError, match="refuses the drawn stand-in"):
        reproduce.verify("cnn-basic", 0, dataset)
    assert not trained
    assert not elsewhere.exists()


def foreign_table(folder):
    (folder / "results.csv").write_text("somebody's,own\n1,2\n")
    return folder / "results.csv"


def no_table(folder):
    (folder / "results.csv").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    return folder / "results.csv"


def foreign_study(folder):
    (folder / "studies").mkdir()
    (folder / "studies" / "heads.csv").write_text("my,study\n1,2\n")
    return folder / "studies" / "heads.csv"


def half_a_record(folder):
    file = folder / "runs" / "cnn-basic.seed0" / "run.json"
    file.write_text(file.read_text()[:40])
    return file.parent


def no_predictions(folder):
    (folder / "runs" / "cnn-basic.seed0" / "test.npz").unlink()
    return folder / "runs" / "cnn-basic.seed0"


def somebodys_folder(folder):
    (folder / "runs" / "cnn-standard.seed0").mkdir()
    (folder / "runs" / "cnn-standard.seed0" / "thesis.txt").write_text("three years")
    return folder / "runs" / "cnn-standard.seed0"


@pytest.mark.parametrize(
    "spoil",
    [foreign_table, no_table, foreign_study, half_a_record, no_predictions, somebodys_folder],
)
def test_what_does_not_belong_there_is_named_and_left_alone(trained, called_real, elsewhere, spoil):
    reproduce.reproduce(["cnn-basic"], 1, called_real)
    culprit = spoil(elsewhere)
    before = content(elsewhere)
    with pytest.raises(CourseError) as error:
        reproduce.reproduce([*PUBLISHED, "heads"], 2, called_real)
    assert str(culprit) in str(error.value)
    assert len(trained) == 1, "refused before work started"
    assert content(elsewhere) == before


class Clock:
    """A `_Clock` whose time passes when the test says so."""

    def __init__(self, monkeypatch, known, at_a_time):
        self.now = 50.0
        monkeypatch.setattr(reproduce, "time", SimpleNamespace(monotonic=lambda: self.now))
        todo = [("cnn-basic", 0), ("mlp-tuned", 0), ("cnn-basic", 1)]
        self.clock = reproduce._Clock(todo, known, at_a_time)

    def after(self, seconds, id, seed):
        """What is left once this run has taken so long."""
        self.now += seconds
        record = {"key": {"seed": seed}}
        self.clock.finished(SimpleNamespace(recipe=MODELS[id], record=record))
        return self.clock.left()


def test_the_time_left_follows_from_what_runs_took_before(monkeypatch):
    known = {"cnn-basic": 3600, "mlp-tuned": 7200, "cnn-tuned": 1}
    timed = Clock(monkeypatch, known, 2)
    assert timed.clock.left() == "about 2 h 00 min", "four hours' work, two at a time"
    assert timed.after(900, "cnn-basic", 0) == "about 0 h 45 min", "four times as fast as then"
    assert timed.after(900 + 7200, "cnn-basic", 1) == "about 2 h 30 min", "slower than then"
    assert timed.after(1, "mlp-tuned", 0) == "about 0 h 00 min"


def test_a_model_never_timed_is_taken_for_a_usual_one(monkeypatch):
    timed = Clock(monkeypatch, {"cnn-basic": 3600, "cnn-tuned": 1800}, 1)  # 2700 on the average
    assert timed.clock.left() == "about 2 h 45 min"
    assert timed.after(3600, "cnn-basic", 0) == "about 1 h 45 min"


def test_without_any_reference_the_first_runs_tell(monkeypatch):
    timed = Clock(monkeypatch, {}, 1)
    assert timed.clock.left() == "unknown time"
    assert timed.after(3630, "mlp-tuned", 0) == "about 2 h 01 min"


@pytest.mark.parametrize(("reached", "agrees"), [(0.905, True), (0.9601, False), (0.8499, False)])
def test_verify(tmp_path, trained, called_real, monkeypatch, reached, agrees, capsys):
    with pytest.raises(CourseError, match="no reference runs of cnn-basic"):
        reproduce.verify("cnn-basic", 0, called_real)
    reproduce.reproduce(["cnn-basic"], 3, called_real)  # 90, 91, 92: 91 with sd 1

    def train(recipe, data, profile, seed, folder):
        assert not list(folder.iterdir()), "found is not trained"
        assert (profile, seed) == (FULL, 5)
        return finished(tmp_path / "verified", data, recipe.id, seed, reached)

    monkeypatch.setattr(runs, "train", train)
    monkeypatch.setattr("fmnist_utils.data.load", lambda: called_real)
    assert main(["verify", "cnn-basic", "--seed", "5"]) == (0 if agrees else 1)
    shown = capsys.readouterr().out
    assert f"cnn-basic, seed 5: {100 * reached:.2f} % {'agrees' if agrees else 'DOES NOT'}" in shown
    assert "91.00 % over 3 seeds (allowed: ± 4.00 points)" in shown


def test_speedrun(tmp_path, trained, called_real, monkeypatch, capsys):
    reproduce.reproduce(["speedrun-93"], 3, called_real)
    capsys.readouterr()
    known = 100 * reference.results().test_accuracy  # whatever the made-up runs have reached

    def train(recipe, data, profile, seed, folder):
        assert not list(folder.iterdir()), "found is not trained"
        assert (recipe.id, profile, seed) == ("speedrun-93", FULL, 4)
        return finished(tmp_path / "run", data, recipe.id, seed, 0.9437)

    monkeypatch.setattr(runs, "train", train)
    monkeypatch.setattr("fmnist_utils.data.load", lambda: called_real)
    assert main(["speedrun", "--seed", "4"]) == 0
    yours, report, ours = capsys.readouterr().out.splitlines()
    assert yours.startswith("your run, seed 4: 94.37 % of the test images, in ")
    assert report == "the best of the reports: 93.16 %, as reported"  # published.md
    assert f": {np.mean(known):.2f} ± {np.std(known, ddof=1):.2f} %, mean" in ours
    assert ours.endswith("of 3 seeds")


def test_speedrun_refuses_the_stand_in(dataset):
    with pytest.raises(CourseError, match="stand-in"):
        reproduce.speedrun(0, dataset)


def test_verify_allows_half_a_point(tmp_path, trained, called_real, monkeypatch):
    reproduce.reproduce(["cnn-basic"], 1, called_real)  # 90, no spread known
    for reached, agrees in ((0.9049, True), (0.9051, False)):
        run = finished(tmp_path / "verified", called_real, "cnn-basic", 0, reached)
        monkeypatch.setattr(runs, "train", lambda *args, run=run: run)
        assert reproduce.verify("cnn-basic", 0, called_real)[0] is agrees


@pytest.mark.parametrize("id", ["heads", "heads-tanh / adam", "tuners"])
def test_verify_refuses_what_is_no_model(called_real, id):
    with pytest.raises(CourseError, match="is no(t a)? model"):
        reproduce.verify(id, 0, called_real)


@pytest.mark.parametrize("command", ["reproduce", "verify"])
def test_commands_refuse_unknown_models(command, capsys):
    assert main([command, "cnn-basik"]) == 2
    shown = capsys.readouterr()
    assert "error: 'cnn-basik' is not a model" in shown.err
    assert shown.err.count("\n") == 1
    assert all(name in shown.err for name in (*MODELS, *STUDIES, *search_trials.SEARCHES))


def test_a_speedrun_s_time_is_in_minutes(tmp_path, called_real, monkeypatch):
    run = finished(tmp_path / "run", called_real, "speedrun-93", 0, 0.9437)
    run.record["train_seconds"] = 150.0
    monkeypatch.setattr(runs, "train", lambda *_: run)
    assert reproduce.speedrun(0, called_real).splitlines()[0].endswith(", in 2.5 minutes")


def test_a_model_s_usual_time_is_the_mean_of_its_runs(trained, called_real, monkeypatch):
    reproduce.reproduce(["cnn-basic"], 3, called_real)  # of 1.5 seconds each
    given, real = [], reproduce._Clock
    monkeypatch.setattr(reproduce, "_Clock", lambda *what: given.append(what) or real(*what))
    reproduce.reproduce(["cnn-basic"], 4, called_real, 1)
    assert given == [([("cnn-basic", 3)], {"cnn-basic": 1.5}, 1)]


def test_what_is_named_twice_is_made_once(trained, called_real, capsys):
    reproduce.reproduce(["cnn-basic", "cnn-basic"], 1, called_real)
    assert [asked[:2] for asked in trained] == [("cnn-basic", 0)]
    assert "0 of 1 runs" in capsys.readouterr().out


def test_a_search_in_a_space_of_other_names_is_not_fresh(elsewhere, called_real):
    table = pd.read_csv(Path(reference.__file__).parent / "searches" / "course-mlp.csv")
    file = search_trials.file("course-mlp")
    file.parent.mkdir(parents=True)
    table.rename(columns={"dropout": "another"}).to_csv(file, index=False)
    assert not reproduce._is_fresh("course-mlp", called_real)
