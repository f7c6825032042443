"""Which profile is chosen, what it trains, and what is a seed."""

import pytest

from fmnist_utils import CourseError
from fmnist_utils.profiles import PROFILES, check_seed, choose


@pytest.mark.parametrize(
    ("argument", "environment", "chosen"),
    [
        ("full", "smoke", "full"),
        ("", "smoke", "smoke"),
        ("", "", "lesson"),
        ("", None, "lesson"),
        ("lesson", None, "lesson"),
    ],
)
def test_argument_before_environment_before_default(monkeypatch, argument, environment, chosen):
    monkeypatch.delenv("FMNIST_PROFILE", raising=False)
    if environment is not None:
        monkeypatch.setenv("FMNIST_PROFILE", environment)
    assert choose(argument) is PROFILES[chosen]


@pytest.mark.parametrize("name", ["Lesson", "fast", " smoke", 3, ["smoke"], True])
def test_unknown_profile_is_named_with_the_choices(name):
    with pytest.raises(CourseError) as error:
        choose(name)
    for part in (repr(name), "smoke", "lesson", "full"):
        assert part in str(error.value)


def test_unknown_profile_in_the_environment(monkeypatch):
    monkeypatch.setenv("FMNIST_PROFILE", "quick")
    with pytest.raises(CourseError, match="'quick'"):
        choose()


@pytest.mark.parametrize(
    ("name", "published", "trained"),
    [
        ("smoke", 10, 1), ("smoke", 1, 1),
        ("lesson", 1, 1), ("lesson", 8, 3), ("lesson", 10, 3), ("lesson", 13, 4),
        ("lesson", 25, 8), ("lesson", 100, 8),
        ("full", 8, 8), ("full", 100, 100),
    ],
)  # fmt: skip
def test_epochs(name, published, trained):
    assert PROFILES[name].epochs(published) == trained


@pytest.mark.parametrize(
    ("name", "published", "made"),
    [("smoke", 6, 1), ("smoke", 5, 1), ("lesson", 6, 4), ("lesson", 5, 3), ("full", 6, 6)],
)
def test_trials(name, published, made):
    assert PROFILES[name].trials(published) == made


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_seed(seed):
    assert check_seed(seed) == seed


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True])
def test_no_seed(seed):
    with pytest.raises(CourseError) as error:
        check_seed(seed)
    assert repr(seed) in str(error.value)
