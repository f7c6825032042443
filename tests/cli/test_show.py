"""`show`: a model's whole recipe as text, and as a script that needs nothing but Keras."""

import contextlib
import functools
import gzip
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fmnist_utils import cli
from fmnist_utils.cli import script, show
from fmnist_utils.messages import CourseError
from fmnist_utils.models import whitening
from fmnist_utils.models.backend import keras, tf
from fmnist_utils.recipes import COURSE, MODELS
from fmnist_utils.training import add_copies, loop, renew, views
from fmnist_utils.training.recipe import Recipe

# TensorFlow's remark on steps that aren't compiled; Keras has none to make on the scripts.
pytestmark = pytest.mark.filterwarnings("error::UserWarning", "ignore:Even though the `tf.config")

ROOT = Path(__file__).parents[2]
TRAIN, TEST, HELD_OUT, BATCH = 48, 10, 16, 16
CHANGED = [id for id in MODELS if MODELS[id].changes]
# Each family once: its other members' scripts differ in their numbers.
FAMILIES = ["heads-softmax-sigmoid", "conv1d-kernel3", "mlp-350-80", "cnn-tuned-augmented"]
FAMILIES += ["cnn-basic", "mlp-course-augmented", "cnn-course", "speedrun-small"]
write = functools.cache(show.script)


def cut(text):
    """The same script for a few images: its constants, and nothing else, are others."""
    epochs = 2 if "one_cycle" in text else 1  # a cycle takes a few steps
    for name, value in {"EPOCHS": epochs, "BATCH_SIZE": BATCH, "HELD_OUT": HELD_OUT}.items():
        text = re.sub(rf"^{name} = [\d_]+", f"{name} = {value}", text, flags=re.MULTILINE)
    return text


@pytest.fixture(scope="module")
def sets(dataset):
    """A few images: the training set and the test set."""
    return dataset.train.take(np.arange(TRAIN)), dataset.test.take(np.arange(TEST))


@pytest.fixture(scope="module")
def execute(sets):
    """Runs a script on these images; returns its variables and what it printed."""

    def run(text):
        names, printed = {}, io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
            patch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: sets)
            tf.config.run_functions_eagerly(True)  # graphs would take longer than these few steps
            try:
                exec(compile(text, "script.py", "exec"), names)
            finally:
                tf.config.run_functions_eagerly(False)
        return SimpleNamespace(**names), printed.getvalue()

    return run


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(id, marks=[] if id in FAMILIES else pytest.mark.long, id=id) for id in MODELS
    ],
)
def ran(request, execute):
    """A model's id, its script's variables and output, and the model that the recipe builds.

    The script is cut down, but runs to the end.
    """
    names, printed = execute(cut(write(request.param)))
    package = MODELS[request.param].build(getattr(names, "steps", 1))
    return request.param, names, printed, package


class SameDraws:
    """A random generator that draws the same for the same question, whatever came before it."""

    def uniform(self, low, high, size):
        return np.random.Generator(np.random.PCG64(1)).uniform(low, high, size)

    def random(self, size):
        return np.random.Generator(np.random.PCG64(2)).random(size)

    def integers(self, low, high, size):
        return (
            np.random.Generator(np.random.PCG64(3)).integers(low, high, np.prod(size)).reshape(size)
        )


@pytest.mark.parametrize("id", MODELS)
def test_a_script_is_short_and_needs_nothing_of_the_course(id):
    lines = write(id).splitlines()
    compile(write(id), id, "exec")
    recipe = MODELS[id]
    assert {f"EPOCHS = {recipe.epochs}", f"BATCH_SIZE = {recipe.batch_size}"} <= set(lines)
    held_out = {"first 5,000": ["5_000"], "last 20 %": ["12_000"], "none": []}[recipe.validation]
    assert re.findall(r"^HELD_OUT = (\S+)  #", write(id), re.M) == held_out
    smoothed = {0.0: [], 0.1: ["10"]}[recipe.label_smoothing]
    assert re.findall(r"# Label smoothing: (\S+) % ", write(id)) == smoothed
    assert sum(map(bool, lines)) <= 130  # those that aren't empty
    assert max(map(len, lines)) <= 100
    assert "fmnist_utils" not in write(id)
    imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imported <= {"keras", "numpy", "numpy.lib.stride_tricks", "tensorflow"}


def test_ruff_would_lay_out_the_scripts_in_the_same_way(tmp_path):
    installed = importlib.util.find_spec("ruff")
    ruff = [sys.executable, "-m", "ruff"] if installed else [shutil.which("ruff")]
    if ruff == [None]:
        pytest.skip("needs ruff")
    for id in MODELS:
        (tmp_path / f"{id}.py").write_text(write(id), encoding="utf-8")
    for command in (["format", "--check"], ["check"]):
        settings = ["--no-cache", "--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
        done = subprocess.run([*ruff, *command, *settings], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_script_builds_the_same_layers(ran):
    _, names, _, model = ran
    pairs = zip(names.model.layers, model.layers, strict=True)
    for own, package in pairs:
        assert type(own).__name__ == type(package).__name__.removeprefix("Fused")
        assert own.output.shape == package.output.shape
        assert own.count_params() == package.count_params()
        settings = [layer.get_config() for layer in (own, package)]
        for config in settings:
            # Names are numbered; the fused normalisation takes 16 bits without saying so.
            del config["name"], config["dtype"]
        assert settings[0] == settings[1]
        if "Fused" not in type(package).__name__:
            assert own.dtype_policy.name == package.dtype_policy.name


def test_a_script_compiles_the_same_optimizer(ran):
    id, names, _, model = ran
    recipe, own, package = MODELS[id], names.model.optimizer, model.optimizer
    assert type(own) is type(package)
    assert own.get_config() | {"name": ""} == package.get_config() | {"name": ""}
    assert (recipe.schedule == "one cycle") == hasattr(names, "one_cycle")
    if recipe.schedule == "one cycle":
        assert names.steps == 2 * -(-len(names.x_train) // BATCH)
        for step in range(names.steps + 1):
            assert float(names.one_cycle(step)) == float(package._learning_rate(step))
    if recipe.weight_decay:
        variables = (names.model.trainable_variables, model.trainable_variables)
        for one, other in zip(*variables, strict=True):
            assert own._use_weight_decay(one) == package._use_weight_decay(other)


def test_the_schedule_of_a_whole_training_is_the_recipes():
    code = write("speedrun-95")
    code = code[code.index("steps = ") : code.index("# Weight decay")]
    names = {"keras": keras, "np": np, "EPOCHS": 38, "BATCH_SIZE": 256, "x_train": range(60_000)}
    exec(code, names)
    schedule = MODELS["speedrun-95"].build(38 * 235).optimizer._learning_rate
    for step in (0, 1, 893, 1786, 1787, 5000, 8929, 8930):
        assert float(names["one_cycle"](step)) == float(schedule(step))
    assert float(names["one_cycle"](1786)) == 0.5


def test_a_script_has_the_same_loss_of_its_first_batch(ran, sets):
    id, names, _, package = ran
    recipe = MODELS[id]
    x, y = names.x_train[:BATCH], names.y_train[:BATCH]
    x = names.scaled(x) if recipe.changes else x
    start = HELD_OUT if recipe.validation == "first 5,000" else 0
    images, labels = sets[0].take(np.arange(start, start + BATCH))
    np.testing.assert_array_equal(x, loop.inputs(recipe, images))
    np.testing.assert_array_equal(y, loop.targets(recipe, labels))
    package.set_weights(names.model.get_weights())
    losses = [
        float(model.compute_loss(y=y, y_pred=model(x, training=False)))
        for model in (names.model, package)
    ]
    precise = recipe.options.get("precision", "float32") == "float32"
    assert losses[0] == pytest.approx(losses[1], rel=1e-5 if precise else 2e-2)


def test_a_script_trains_to_the_end_and_compares(ran, sets):
    id, names, printed, _ = ran
    recipe, held_out = MODELS[id], MODELS[id].validation != "none"
    epochs = re.findall(r"^Epoch (\d)/2$", printed, re.MULTILINE)
    assert epochs == (["1", "2"] if names.EPOCHS == 2 else [])
    assert ("val_loss" in printed) == held_out
    added = len(names.copies) if recipe.augmentation != "none" else 0
    assert len(names.x_train) == len(names.y_train) == TRAIN - HELD_OUT * held_out + added
    steps = names.EPOCHS * -(-len(names.x_train) // BATCH)
    assert int(names.model.optimizer.iterations) == steps
    assert f"Test accuracy: {100 * names.accuracy:.2f} %" in printed
    assert (f"Reported: {100 * recipe.reported.get('test_accuracy', 0):.4g} %" in printed) == (
        id not in COURSE
    )
    assert re.search(r"The course \(three seeds\): \d\d\.\d\d ± \d\.\d\d %", printed)
    assert ("Averaged over ten views: " in printed) == bool(recipe.changes)
    if recipe.patience is not None:
        assert names.patience.patience == recipe.patience
        assert names.patience.monitor == "val_loss"


def test_a_script_takes_each_epochs_images_in_a_new_order(ran):
    # Keras's `fit` doesn't, once the seed is set: it shuffles arrays into the same order each time.
    id, names, _, _ = ran
    if MODELS[id].changes:
        assert sorted(names.order) == list(range(TRAIN))
    else:
        first, second = (np.concatenate([x for x, _ in names.batches]) for _ in range(2))
        assert not np.array_equal(first, second)
        np.testing.assert_array_equal(
            *(np.sort(x.sum(axis=(1, 2)), axis=0) for x in (first, second))
        )


def test_a_script_averages_the_views_that_the_course_does(ran, sets):
    id, names, _, _ = ran
    if MODELS[id].changes:
        expected = loop.predict(MODELS[id], names.model, sets[1].images, averaged=True)
        np.testing.assert_allclose(names.outputs, expected, atol=0.02)
        assert np.isclose(sum(share for share, _ in views(sets[1].images)), 1)


def test_a_script_whitens_with_the_same_filters(ran, sets):
    id, names, _, _ = ran
    if size := MODELS[id].options.get("whitening"):
        pixels = loop.inputs(MODELS[id], sets[0].images)[..., 0]
        layer = names.model.layers[0]
        np.testing.assert_array_equal(layer.get_weights()[0], whitening.filters(pixels, size))
        assert not layer.trainable


def test_a_script_changes_images_as_the_course_does(ran, sets, monkeypatch):
    id, names, _, _ = ran
    if not MODELS[id].changes:
        return
    monkeypatch.setattr(np.random, "default_rng", lambda seed: SameDraws())
    function = names.changed.__globals__
    function["rng"] = SameDraws()
    function["mirrored_first"] = SameDraws().random(TRAIN) < 0.5
    for epoch in (0, 1):
        expected, _ = renew(sets[0], MODELS[id].changes, 0, epoch)
        np.testing.assert_array_equal(names.changed(sets[0].images, epoch), expected)


def changes_of(id):
    """The function of a script that changes the images anew in each epoch."""
    code = write(id)
    code = code[code.index("mirrored_first = ") : code.index("for epoch in ")]
    view = np.lib.stride_tricks.sliding_window_view
    rng = np.random.default_rng(0)
    names = {"np": np, "rng": rng, "x_train": range(TRAIN), "sliding_window_view": view}
    exec(code, names)
    return names["changed"]


def test_flips_alternate_and_shifts_and_squares_stay_in_bounds(sets):
    images = np.maximum(sets[0].images, 1)  # black is what the changes bring in
    flip = changes_of("speedrun-93")
    even, odd = (flip(images, epoch) for epoch in (0, 1))
    mirror = images[:, :, ::-1]
    for one, first, second, other in zip(images, even, odd, mirror, strict=True):
        assert {first.tobytes(), second.tobytes()} == {one.tobytes(), other.tobytes()}
    np.testing.assert_array_equal(flip(images, 2), even)

    erased = changes_of("speedrun-95")(images, 0)
    assert erased.dtype == np.uint8
    assert erased.shape == images.shape
    # 8 × 8 pixels, fewer where the square sticks out, and a row and a column of the shift.
    black = (erased == 0).sum(axis=(1, 2))
    assert black.min() >= 16
    assert black.max() <= 64 + 28 + 27


@pytest.mark.parametrize("id", [id for id in MODELS if MODELS[id].augmentation != "none"])
def test_copies_of_two_classes_are_appended_once(id, execute, sets, monkeypatch):
    monkeypatch.setattr(np.random, "default_rng", lambda seed: SameDraws())
    names, _ = execute(cut(write(id)).partition("\n# One-hot")[0])
    train = sets[0].take(np.arange(TRAIN - HELD_OUT))
    images, labels = add_copies(train, "pullover+shirt", 0)
    np.testing.assert_array_equal(names.x_train, images)
    np.testing.assert_array_equal(names.y_train, labels)
    assert set(names.y_train[len(train.labels) :]) == {2, 6}
    assert len(names.y_train) == len(train.labels) + np.isin(train.labels, [2, 6]).sum()
    np.testing.assert_array_equal(names.x_val, sets[0].images[-HELD_OUT:])


def test_what_a_script_says_at_the_top():
    top = write("cnn-basic").split('"""')[1]
    assert "Source: Hernandez, basic." in top
    assert "chosen by the course: batch size." in top
    assert "Reported: test accuracy 90.3 %." in top
    assert "The course reached 90.36 ± 0.22 % (three seeds)." in top
    assert "0.5 minutes on one core" in top
    assert "python cnn_basic.py" in top
    assert "averaged over ten views 95.02 ± 0.04 %" in write("speedrun-95").split('"""')[1]
    assert "Reported" not in write("speedrun-95")


def test_a_script_has_no_lines_that_its_model_does_not_need():
    assert not re.search(
        "import numpy|schedule|scaled|HELD_OUT|MIXED|callbacks", write("cnn-basic")
    )
    assert not re.search("changed|views|augment|weight_decay", write("cnn-tuned"))


def test_settings_that_only_variants_have(execute):
    recipe = MODELS["cnn-basic"].but(
        "variant", scaling="standard", changes=dict(flip="random", shift=2)
    )
    names, printed = execute(cut(script.write(recipe, "A variant.", [])))
    assert "Averaged over ten views" in printed
    assert names.scaled(np.uint8([[[0, 255]]])) == pytest.approx(
        loop.inputs(recipe, np.uint8([[[0, 255]]]))
    )


@pytest.mark.parametrize(
    "settings",
    [
        dict(changes=dict(mixup=0.2)),
        dict(changes=dict(flip="random", rotation=5.0)),
        dict(changes=dict(zoom=0.1)),
        dict(changes=dict(shift=1), validation="first 5,000"),
        dict(class_weights={2: 2.0}),
        dict(averaging=0.99),
        dict(validation="test"),
        dict(augmentation="all classes"),
    ],
)
def test_what_no_model_has_is_refused_and_not_left_out(settings):
    recipe = Recipe("variant", "mlp", loss="categorical_crossentropy", **settings)
    with pytest.raises(CourseError, match="no script for variant.* such " + list(settings)[0]):
        script.write(recipe, "", [])


def test_a_student_has_no_script():
    taught = dict(teacher=Recipe("teacher", "mlp"), teachers=2)
    recipe = Recipe("student", "mlp", loss="categorical_crossentropy", **taught)
    with pytest.raises(CourseError, match="no script for student: it learns from 2 other networks"):
        script.write(recipe, "", [])


@pytest.mark.parametrize("say", [show.describe, show.script])
def test_an_unknown_model_gets_one_sentence_with_those_there_are(say):
    with pytest.raises(CourseError) as refused:
        say("cnn-basics")
    sentence = str(refused.value)
    asked, there = "'cnn-basics' is not a model; did you mean 'cnn-basic'?", "There are heads-soft"
    assert sentence.startswith(f"{asked} {there}")
    assert all(id in sentence for id in MODELS)
    assert "\n" not in sentence


def row(text, name):
    """The rest of the one line that begins with `name`."""
    (found,) = re.findall(rf"^ *{re.escape(name)}  +(\S.*)$", text, re.MULTILINE)
    return found


@pytest.mark.parametrize("id", MODELS)
def test_a_description_has_every_setting_and_every_figure(id):
    text, recipe = show.describe(id), MODELS[id]
    assert max(map(len, text.splitlines())) <= 100
    unsaid = {"reported"} if recipe.teacher else {"reported", "teacher", "teachers", "temperature"}
    for field in fields(Recipe):
        if field.name not in unsaid:
            assert row(text.partition("\n\n")[0], field.name)
    for name, value in recipe.options.items():
        expected = {"True": "yes", "False": "no"}.get(str(value), str(value))
        assert row(text, name).startswith(re.sub(r"[()']|,(?=\))", "", expected))
    assert text.count("\n  sum ") == 1
    assert row(text, "sum").split()[0] == row(text, "parameters")
    reported = text.partition("\nReported\n")[2].partition("\n\n")[0].splitlines()
    assert len(reported) == max(1, len(recipe.reported))
    assert row(text, "training").endswith("on one core (median)")
    assert ("averaged over ten views" in text) == (id in CHANGED)


def test_the_description_of_a_student_names_its_teacher(monkeypatch):
    teacher = MODELS["cnn-standard"].but("the-teacher")
    taught = dict(teacher=teacher, temperature=2.0, loss="categorical_crossentropy")
    monkeypatch.setattr(show, "MODELS", {"a": MODELS["cnn-basic"].but("a", **taught)})
    text = show.describe("a")
    assert [row(text, name) for name in ("teacher", "teachers", "temperature")] == [
        *("the-teacher", "3", "2.0"),
    ]


def test_the_description_of_the_basic_network():
    text = show.describe("cnn-basic")
    assert row(text, "filters") == "32"
    assert row(text, "optimizer") == "adam (beta_1 0.9, beta_2 0.999, epsilon 1e-07)"
    assert row(text, "learning_rate") == "0.001 (Keras's default)"
    assert row(text, "weight_decay") == "0.0"
    assert row(text, "pool_first") == "yes"
    assert row(text, "unstated") == "batch size"
    # 32 filters of 3 × 3 with a bias each, at 26 × 26 places; 13 · 13 · 32 inputs and 10 units.
    convolution = row(text, 'Conv2D(32, 3, activation="relu")')
    assert convolution.split("  ")[0] == "26 × 26 × 32"
    assert convolution.split()[-2:] == ["320", f"{3 * 3 * 32 * 26 * 26:,}"]
    dense = row(text, 'Dense(10, activation="softmax")')
    assert dense.split() == ["10", "54,090", f"{13 * 13 * 32 * 10:,}"]
    assert row(text, "sum").split() == ["54,410", "248,768"]
    assert "Reported\n  test accuracy  90.3 %\n" in text
    reference = text.partition("Reference (three seeds)")[2]
    assert row(reference, "test accuracy") == "90.36 ± 0.22 %"
    assert row(reference, "epochs run") == "8, 8, 8"
    assert row(reference, "parameters") == "54,410"
    assert row(reference, "training") == "0.5 minutes on one core (median)"


def test_the_description_of_the_perceptron():
    text = show.describe("mlp-350-80")
    assert row(text, "widths") == "350, 80"
    assert row(text, "optimizer") == "sgd (plain)"
    assert row(text, "validation").startswith("first 5,000")
    assert row(text, "BatchNormalization()").split() == ["784", "3,136"]
    assert row(text, "sum").split() == ["306,776", f"{784 * 350 + 350 * 80 + 80 * 10:,}"]
    assert row(text, "validation accuracy") == "90.13 %"


def test_a_model_without_runs_says_so(monkeypatch):
    results = show.reference.results()
    others = results[results.id != "cnn-basic"]
    monkeypatch.setattr(show.reference, "results", lambda: others)
    assert show.describe("cnn-basic").endswith("Reference (no seeds)\n  nothing")
    assert "The course reached" not in show.script("cnn-basic")
    one = results[(results.id != "cnn-basic") | (results.seed == 0)]
    monkeypatch.setattr(show.reference, "results", lambda: one)
    assert "The course reached 90.21 % (one seed)." in show.script("cnn-basic")


def test_the_command_prints_a_script_that_runs_anywhere(tmp_path, sets, capsys):
    assert cli.main(["show", "cnn-basic", "--keras"]) == 0
    (tmp_path / "cnn_basic.py").write_text(capsys.readouterr().out, encoding="utf-8")
    folder = tmp_path / "keras" / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, (images, labels) in zip(("train", "t10k"), sets, strict=True):
        for kind, array, header in (("images-idx3", images, 16), ("labels-idx1", labels, 8)):
            content = gzip.compress(bytes(header) + array.tobytes())
            (folder / f"{name}-{kind}-ubyte.gz").write_bytes(content)
    left_out = ("PYTHONPATH", "FMNIST_DATA_DIR", "KERAS_BACKEND")
    settings = {name: value for name, value in os.environ.items() if name not in left_out}
    done = subprocess.run(
        [sys.executable, "cnn_basic.py"],
        cwd=tmp_path,
        env=settings | {"KERAS_HOME": str(tmp_path / "keras"), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "Epoch 8/8" in done.stdout
    assert re.search(r"^Test accuracy: \d+\.\d\d %\nReported: 90.3 %\n", done.stdout, re.MULTILINE)


def test_the_command_without_keras_describes_and_refuses_what_is_unknown(capsys):
    assert cli.main(["show", "cnn-basic"]) == 0
    assert capsys.readouterr().out == show.describe("cnn-basic") + "\n"
    assert cli.main(["show", "cnn-basics"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: 'cnn-basics' is not a model")
    assert err.count("\n") == 1


def test_reported_losses_are_no_per_cent():
    text = show.describe("heads-softmax")  # Hochmuth 2023, model 1
    assert row(text, "test loss") == "0.888"
    assert row(text, "training loss") == "0.86"
    assert row(text, "training accuracy") == "70.9 %"
    assert "test accuracy 69.5 %, test loss 0.888," in " ".join(write("heads-softmax").split())


def test_the_time_is_the_median_of_the_runs(monkeypatch):
    results = show.reference.results()
    runs = results[results.id == "cnn-basic"].assign(train_seconds=[60.0, 630.0, 120.0])
    monkeypatch.setattr(show.reference, "results", lambda: runs)
    assert row(show.describe("cnn-basic"), "training") == "2.0 minutes on one core (median)"


def test_a_script_says_how_far_copies_are_turned_and_zoomed():
    said = "up to 10 degrees and 10 % are the course's choice"
    assert said in write("cnn-tuned-augmented")
    assert said not in write("cnn-tuned")


def test_a_script_in_a_file_is_utf_8_whatever_the_terminal_speaks(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    assert cli.main(["show", "cnn-basic", "--keras"]) == 0
    sys.stdout.flush()
    text = written.getvalue().decode("utf-8").replace(os.linesep, "\n")
    assert text == show.script("cnn-basic") + "\n"
    assert not text.isascii()
