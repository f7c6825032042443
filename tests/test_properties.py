"""Odd input, thought up by Hypothesis: every call works or raises the error that it documents."""

import contextlib
import io
import string
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fmnist_utils import CourseError, data, evaluation
from fmnist_utils.cli import main
from fmnist_utils.cli.series import find_notebooks
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.training import Recipe, augmentation

ALLOWED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile(
    "course", deadline=None, max_examples=60, derandomize=True, suppress_health_check=ALLOWED
)
settings.load_profile("course")

DTYPES = st.sampled_from(["uint8", "int8", "int64", "float16", "float32", "float64", "bool", "U3"])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=12)
ANY_ARRAY = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))
NUMBERS = st.booleans() | st.integers() | st.floats()
LISTS = st.lists(st.integers(), max_size=3)
ANYTHING = st.none() | NUMBERS | st.text() | st.binary() | ANY_ARRAY | LISTS
FLOATS = st.sampled_from(["float16", "float32", "float64"])
DIGITS = st.integers(0, 9)


@st.composite
def judged(draw):
    """Labels and outputs that go together: any numbers, NaN and infinity among them."""
    n = draw(st.integers(1, 30))
    labels = draw(hnp.arrays(draw(st.sampled_from(["uint8", "int64"])), n, elements=DIGITS))
    return labels, draw(hnp.arrays(draw(FLOATS), (n, 10)))


JUDGES = [evaluation.report, evaluation.confusion, evaluation.mistakes]


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.__name__)
@given(pair=judged())
def test_whatever_a_network_says_can_be_judged(judge, pair):
    labels, outputs = pair
    found = judge(labels, outputs)
    right = int((outputs.argmax(axis=1) == labels).sum())
    if judge is evaluation.confusion:
        assert found.to_numpy().sum() == len(labels)
        assert np.trace(found) == right
    elif judge is evaluation.mistakes:
        assert len(found) == len(labels) - right
    else:
        assert found.loc["macro avg", "support"] == len(labels)
        assert found.to_numpy().min() >= 0


@given(pair=judged())
def test_scores_lie_between_0_and_1(pair):
    labels, outputs = pair
    with np.errstate(over="ignore"):
        outputs = outputs.astype("float32")
        found = evaluation.scores(labels, outputs)
    assert found["accuracy"] == (outputs.argmax(axis=1) == labels).mean()
    assert all(0 <= found[name] <= 1 for name in ("accuracy", "precision", "recall", "f1"))
    assert np.isnan(found["cross_entropy"]) or 0 <= found["cross_entropy"] <= -np.log(1e-7) + 1e-5


@given(images=ANYTHING)
def test_only_images_are_images(images):
    with pytest.raises(ValueError, match="Images are uint8"):
        augmentation.transform(images, np.random.default_rng(0))


@given(name=st.sampled_from([*augmentation.CHANGES]) | st.text(max_size=5), value=ANYTHING)
def test_changes_are_possible_or_refused(name, value):
    part = data.ImageSet(np.full((3, 28, 28), 200, np.uint8), np.array([0, 1, 2], np.uint8))
    try:
        images, targets = augmentation.renew(part, {name: value}, 0, 0)
    except ValueError as error:
        assert "changes" in str(error)  # noqa: PT017
        with pytest.raises(ValueError, match="changes"):
            Recipe("r", "mlp", changes={name: value}, loss="categorical_crossentropy")
    else:
        assert data.check_images(images).shape == part.images.shape
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-5)


@given(name=st.text(max_size=20))
def test_no_name_of_a_notebook_leaves_its_folder(name, tmp_path):
    for file in ("01_a.ipynb", "02_b.ipynb"):
        (tmp_path / file).touch()
    (tmp_path.parent / "03_secret.ipynb").touch()
    with contextlib.suppress(CourseError, ValueError):  # ValueError: a null byte in a path
        for path in find_notebooks([name], tmp_path):
            assert path.parent == tmp_path


# Those of up to eight letters that a recipe knows.
SHORT_WORDS = {"mlp", "conv1d", "conv2d", "unit", "raw", "standard", "none", "test", "constant"}


@given(field=st.sampled_from([field.name for field in fields(Recipe)]), value=st.text(max_size=8))
def test_a_recipe_takes_words_it_knows_or_refuses(field, value):
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        recipe = PUBLISHED["cnn-basic"].but("x", **{field: value})
        if field in ("architecture", "scaling", "validation", "augmentation", "schedule"):
            assert value in SHORT_WORDS
        assert getattr(recipe, field) == value


WORDS = """run data doctor reproduce verify tune show 01 mlp --profile smoke --seed --seeds --jobs
--out --folder --trials --storage 0 -1 1e9 nan cnn-basic --notebooks ~ / .. sqlite:// --help"""
TEXT = st.text(string.printable + "äß语\u202e", max_size=8).filter(lambda text: "\0" not in text)


@given(arguments=st.lists(st.sampled_from(WORDS.split()) | TEXT, max_size=5))
def test_the_command_line_says_what_is_wrong_in_a_sentence(arguments, monkeypatch, tmp_path):
    """Nothing is run or trained here: what would be is cut off just before."""

    def stop(*given, **named):
        raise CourseError("cut off by the test")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FMNIST_DATA_DIR", str(tmp_path / "no data"))
    for place in ("cli.series.run_series", "cli.doctor.examine", "data.files.download"):
        monkeypatch.setattr(f"fmnist_utils.{place}", stop)
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
        try:
            code = main(arguments)
        except SystemExit as end:  # argparse: a usage error, or --help
            code = end.code
    assert code in (0, 1, 2)
    assert "Traceback" not in told.getvalue()
    if code:
        assert told.getvalue().strip()
