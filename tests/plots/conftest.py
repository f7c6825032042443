"""What the tests of all figures share."""

import matplotlib.pyplot as plt
import pytest

from fmnist_utils import plots
from fmnist_utils.plots import figures
from fmnist_utils.profiles import PROFILES


@pytest.fixture(autouse=True)
def signed(dataset, monkeypatch):
    """A run that signs, nothing shown, and no figure left over."""
    monkeypatch.setattr(figures, "_SIGNATURES", dict(figures._SIGNATURES))  # as it was, afterwards
    plots.sign_this_run(PROFILES["smoke"], dataset)
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")
