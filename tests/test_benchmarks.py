"""The benchmarks: what they make of times and images, by hand. (Nothing is measured here.)"""

import importlib
import inspect
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fmnist_utils.data import ImageSet
from fmnist_utils.recipes import MODELS

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """`bench("common")` imports one of the benchmarks."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_times_stand_in_the_columns_of_their_works_whoever_was_first(bench):
    order = []
    works = [lambda n=n: order.append(n) or float(n) for n in range(3)]
    assert bench("common").in_turns(*works, rounds=3).tolist() == [[0, 1, 2]] * 3
    assert order == [0, 1, 2, 1, 2, 0, 2, 0, 1]


def test_airbench_s_learning_rate_rises_for_a_fifth_of_the_steps_and_falls_to_0(bench):
    rate = bench("frontier").Triangle(10.0, 100)
    assert [float(rate(step)) for step in (0, 10, 20, 60, 100)] == pytest.approx([2, 6, 10, 5, 0])


def test_a_rival_s_key_is_that_of_its_recipe(bench, monkeypatch):
    frontier = bench("frontier")
    keys = [frontier.recipe_key(name) for name in frontier.PEERS]
    assert len(set(keys)) == len(keys)
    before = frontier.recipe_key("lenet-5")
    peer, source = frontier.PEERS["lenet-5"], inspect.getsource(frontier.lenet)
    monkeypatch.setitem(frontier.PEERS, "lenet-5", replace(peer, epochs=(7,)))
    assert frontier.recipe_key("lenet-5") == before
    monkeypatch.setitem(frontier.PEERS, "lenet-5", replace(peer, batch_size=128))
    assert frontier.recipe_key("lenet-5") != before
    monkeypatch.setitem(frontier.PEERS, "lenet-5", peer)
    real = inspect.getsource
    for changed, same in (
        (f"{source}    # a comment\n", True),
        (source.replace("2e-3", "3e-3"), False),
    ):
        monkeypatch.setattr(
            frontier.inspect,
            "getsource",
            lambda part, text=changed: text if part is frontier.lenet else real(part),
        )
        assert (frontier.recipe_key("lenet-5") == before) == same


def test_airbench_mirrors_an_image_in_every_other_epoch(bench):
    frontier, n = bench("frontier"), 40
    pixels = np.zeros((n, 28, 28, 1), np.float32)
    pixels[:, :, 0] = 1  # at the left
    peer = replace(frontier.PEERS["airbench"], move=0, batch_size=n)
    mirrored = np.empty((3, n), bool)
    batches = frontier.batches(peer, pixels, np.arange(n), 3, 0)
    for epoch, (images, labels) in enumerate(batches):
        mirrored[epoch, labels] = images.numpy()[:, 0, 27, 0] == 1
    assert 0 < mirrored[0].sum() < n
    assert (mirrored[1] == ~mirrored[0]).all()
    assert (mirrored[2] == mirrored[0]).all()


def test_what_an_epoch_of_12_000_images_takes_is_told_for_60_000(bench, monkeypatch):
    epochs = bench("epochs")

    def fit_peer(peer, part, number, seed, watch):
        watch.seconds = 2.0

    history = pd.DataFrame({"seconds": [9.0, 2.0]})  # the first one is slower
    monkeypatch.setattr(epochs, "fit_peer", fit_peer)
    monkeypatch.setattr(epochs.training, "fit", lambda *_, **__: (None, history))
    part = ImageSet(np.zeros((4, 28, 28), np.uint8), np.zeros(4, np.uint8))
    assert [epochs.seconds(what, part) for what in ("lenet-5", MODELS["cnn-basic"])] == [10, 10]


class Pool:
    """A pool of no processes."""

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, *row):
        return SimpleNamespace(result=lambda: function(*row))


def test_a_training_on_all_images_is_kept_and_found_and_a_try_is_not(bench, tmp_path, monkeypatch):
    frontier, made = bench("frontier"), []

    def trained(*row):
        made.append(row)
        return dict(zip(frontier.KEY, row, strict=True)) | {"test_accuracy": 0.5}

    monkeypatch.setattr(frontier, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(frontier, "trained", trained)
    monkeypatch.setattr(frontier, "TRAININGS", tmp_path / "frontier.csv")
    frontier.train(["lenet-5"], [5], [0], 600)
    assert not (tmp_path / "frontier.csv").exists()
    for _ in range(2):
        frontier.train(["lenet-5"], [], [0], 60_000)
    assert made[1:] == [("lenet-5", epochs, 0, 60_000) for epochs in (5, 15, 45)]
    assert (tmp_path / "frontier.csv").read_text().splitlines() == [
        "model,epochs,seed,images,test_accuracy",
        *(f"lenet-5,{epochs},0,60000,0.5" for epochs in (5, 15, 45)),
    ]
