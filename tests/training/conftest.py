"""The images that the tests of training learn from: few, and quickly learned."""

import pytest

from fmnist_utils.profiles import Profile


@pytest.fixture(scope="session")
def splits(dataset):
    return dataset.split(profile=Profile("tiny", 300, 100, 100, 1.0, None, 1))
