"""How much work a lesson does: `smoke` (seconds), `lesson` (minutes), `full` (as published)."""

import math
import os
from dataclasses import dataclass
from numbers import Integral

from fmnist_utils.messages import CourseError


@dataclass(frozen=True)
class Profile:
    """The budget of one run. `None` stands for "all" or "as published".

    train_images, validation_images, test_images: how many images of each set are used.
    epoch_share, epoch_limit: the part of the published epochs that is trained, and its maximum.
    trial_share: the part of the published trials that a hyperparameter search makes.
    """

    name: str
    train_images: int | None
    validation_images: int | None
    test_images: int | None
    epoch_share: float
    epoch_limit: int | None
    trial_share: float

    def epochs(self, published: int) -> int:
        """The number of epochs that this profile trains a recipe of `published` epochs."""
        return min(math.ceil(published * self.epoch_share), self.epoch_limit or published)

    def trials(self, published: int) -> int:
        """The number of trials that this profile gives to a search of `published` trials."""
        return math.ceil(published * self.trial_share)

    def __str__(self) -> str:
        return self.name


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("smoke", 600, 300, 500, 1.0, 1, 0.1),
        Profile("lesson", 6_000, 5_000, 10_000, 0.3, 8, 0.6),
        Profile("full", None, None, None, 1.0, None, 1.0),
    )
}


def named(name: "str | Profile" = "") -> Profile:
    """Return the profile called `name`; if that is empty, `$FMNIST_PROFILE`; else `lesson`.

    A Profile is returned as it is: a notebook's setup cell may run twice.
    Raises CourseError for a name that is no profile.
    """
    if isinstance(name, Profile):
        return name
    name = name or os.environ.get("FMNIST_PROFILE") or "lesson"
    if not isinstance(name, str) or name not in PROFILES:
        raise CourseError(f"{name!r} is not a profile; choose one of {', '.join(PROFILES)}.")
    return PROFILES[name]


def check_seed(seed: "int | str") -> int:
    """Return `seed` as an int if it is a whole number from 0 to 4294967295, else raise CourseError.

    NumPy's integers are welcome, and so are digits as text: `papermill -r seed 7` hands these over.
    """
    number = seed
    if isinstance(seed, str) and seed.isascii() and seed.isdigit() and len(seed) <= 20:
        number = int(seed)
    if isinstance(number, bool) or not isinstance(number, Integral) or not 0 <= number < 2**32:
        raise CourseError(f"{seed!r} is not a seed; give a whole number from 0 to 4294967295.")
    return int(number)
