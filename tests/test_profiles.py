"""Which profile is chosen, what it trains, and what is a seed."""

import pytest

from fmnist_utils import CourseError
from fmnist_utils.profiles import PROFILES, check_seed, named


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
    assert named(argument) is PROFILES[chosen]


@pytest.mark.parametrize("name", ["Lesson", "fast", " smoke", 3, ["smoke"], True])
def test_unknown_profile_is_named_with_the_choices(name):
    with pytest.raises(CourseError) as error:
        named(name)
    for part in (repr(name), "smoke", "lesson", "full"):
        assert part in str(error.value)


def test_unknown_profile_in_the_environment(monkeypatch):
    monkeypatch.setenv("FMNIST_PROFILE", "quick")
    with pytest.raises(CourseError, match="'quick'"):
        named()


EPOCHS = {
    "smoke": {1: 1, 10: 1},
    "lesson": {1: 1, 8: 3, 10: 3, 13: 4, 25: 8, 100: 8},
    "full": {8: 8, 100: 100},
}
TRIALS = {"smoke": {5: 1, 6: 1}, "lesson": {5: 3, 6: 4}, "full": {6: 6}}


@pytest.mark.parametrize("name", PROFILES)
def test_epochs_and_trials(name):
    profile = PROFILES[name]
    assert {published: profile.epochs(published) for published in EPOCHS[name]} == EPOCHS[name]
    assert {published: profile.trials(published) for published in TRIALS[name]} == TRIALS[name]


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_seed(seed):
    assert check_seed(seed) == seed


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "x", None, True])
def test_no_seed(seed):
    with pytest.raises(CourseError) as error:
        check_seed(seed)
    assert repr(seed) in str(error.value)
