"""The networks that come trained: the files are whole, and what their cards say is so."""

import errno
import hashlib
import json
import os
import signal
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from fmnist_utils import CourseError, evaluation, models, training
from fmnist_utils.cli import main, ship
from fmnist_utils.models import ready
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import CANDIDATES, MODELS, PUBLISHED, SHIPPED
from fmnist_utils.runs import files

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "fmnist_utils" / "reference" / "runs"
every = pytest.mark.parametrize("id", ready.TRAINED)


def test_all_that_is_listed_is_there_and_small():
    assert set(ready.TRAINED) == set(SHIPPED)
    sizes = [path.stat().st_size for path in ready.FOLDER.iterdir()]
    assert len(sizes) == 2 * len(ready.TRAINED)
    assert sum(sizes) < 1_000_000
    assert '"fmnist_utils.models" = ["weights/*"]' in (ROOT / "pyproject.toml").read_text()


@every
def test_the_file_is_the_one_that_its_card_speaks_of(id):
    card, content = models.card(id), (ready.FOLDER / f"{id}.f16").read_bytes()
    assert hashlib.sha256(content).hexdigest() == card["file"]["sha256"]
    assert len(content) == card["file"]["bytes"] == 2 * card["parameters"]
    own = {name: value for name, value in asdict(SHIPPED[id]).items() if name in card_recipe(card)}
    assert card_recipe(card) == json.loads(json.dumps(own))
    assert card["recipe"]["key"] == files.digest(card["recipe"]["everything"])


def card_recipe(card):
    return card["recipe"]["everything"]["recipe"]


@every
def test_its_figures_are_about_those_of_the_reference(id):
    """Another machine's training of the same recipe and seed, or of the same network."""
    card = models.card(id)
    kept = id if id in MODELS else "cnn-standard"
    with np.load(REFERENCE / f"{kept}.seed0" / "test.npz") as arrays:
        labels, outputs = arrays["labels"], arrays["outputs"].astype(np.float32)
    accuracy = (outputs.argmax(axis=1) == labels).mean()
    assert card["test"]["images"] == len(labels)
    assert card["test"]["accuracy"] == pytest.approx(accuracy, abs=0.005 if id in MODELS else 0.02)
    low, high = card["test"]["interval"]
    half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / len(labels))  # the plain interval is alike
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    assert low < card["test"]["accuracy"] < high
    found = card["calibration"]
    assert 0 < found["error_after"] < min(0.02, found["error_before"])
    if id in MODELS:
        assert found["temperature"] == pytest.approx(
            evaluation.temperature(labels, outputs), rel=0.05
        )
    assert card["same_answers_as_trained"] > 0.995


@every
def test_its_figures_are_those_of_the_test_images(id, real):
    card = models.card(id)
    outputs = training.predict(SHIPPED[id], models.shipped(id), real.test.images)
    right = outputs.argmax(axis=1) == real.test.labels
    # (Another machine may add in another order.)
    assert right.mean() == pytest.approx(card["test"]["accuracy"], abs=2e-4)
    recall = [right[real.test.labels == digit].mean() for digit in range(10)]
    assert recall == pytest.approx(list(card["fails_at"]["recall"].values()), abs=2e-3)
    assert error_over_halves(real.test.labels, outputs) == pytest.approx(
        card["calibration"]["error_after"], abs=1e-3
    )
    if id in MODELS:
        with np.load(REFERENCE / f"{id}.seed0" / "test.npz") as arrays:
            same = arrays["outputs"].argmax(axis=1) == outputs.argmax(axis=1)
        assert same.mean() > 0.95


def error_over_halves(labels, outputs):
    """The calibration error of outputs at temperatures fitted on the other half of the images."""
    even, confidence = np.arange(len(labels)) % 2 == 0, np.zeros(len(labels))
    for half in (even, ~even):
        fitted = evaluation.temperature(labels[~half], outputs[~half])
        scores = np.log(outputs[half].clip(1e-7, 1)) / fitted
        confidence[half] = np.exp(scores.max(axis=1)) / np.exp(scores).sum(axis=1)
    right, gaps = outputs.argmax(axis=1) == labels, 0.0
    for edge in range(10):
        inside = (confidence * 10 >= edge) & (confidence * 10 < edge + 1 + (edge == 9))
        gaps += abs((confidence - right)[inside].sum())
    return gaps / len(labels)


def convolve(maps, kernel, padding):
    size = len(kernel)
    around = (size // 2, size // 2) if padding == "same" else (0, 0)
    windows = sliding_window_view(np.pad(maps, (around, around, (0, 0))), (size, size), (0, 1))
    return np.einsum("hwcij,ijcf->hwf", windows, kernel)


def pool(maps):
    height, width = (side // 2 for side in maps.shape[:2])
    return maps[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1).max(axis=(1, 3))


def by_hand(id, image):
    """The network's scores, from the card and the file alone, in NumPy."""
    card = models.card(id)
    numbers = np.fromfile(ready.FOLDER / card["file"]["name"], "<f2").astype(float)
    maps = image[..., None] / 255
    for layer in card["layers"]:
        weights = []
        for shape in layer["weights"]:
            weights.append(numbers[: np.prod(shape)].reshape(shape))
            numbers = numbers[np.prod(shape) :]
        if layer["kind"] == "Conv2D":
            maps = convolve(maps, weights[0], layer["padding"]) + sum(weights[1:])
        elif layer["kind"] == "BatchNormalization":
            gamma, beta, mean, variance = weights
            maps = (maps - mean) / np.sqrt(variance + layer["epsilon"]) * gamma + beta
        elif layer["kind"] == "MaxPooling2D":
            maps = pool(maps)
        elif layer["kind"] == "GlobalMaxPooling2D":
            maps = maps.max(axis=(0, 1))
        elif layer["kind"] == "Flatten":
            maps = maps.ravel()
        elif layer["kind"] == "Dense":
            maps = maps @ weights[0] + weights[1]
        if layer.get("activation") == "relu":
            maps = np.maximum(maps, 0)
    assert not len(numbers)
    return maps


@every
def test_a_forward_pass_by_hand_gives_the_same(id, dataset):
    images = dataset.test.images[:3]
    found = models.shipped(id)(images[..., None] / np.float32(255)).numpy()
    for image, probabilities in zip(images, found, strict=True):
        powers = np.exp(by_hand(id, image))
        assert probabilities == pytest.approx(powers / powers.sum(), abs=1e-5)
    assert found.dtype == np.float32
    assert len(np.unique(found)) > 10


def test_the_page_s_images_are_right_and_wrong_ones_of_every_class():
    folder = ROOT / "docs" / "_static" / "try"
    which = json.loads((folder / "images.json").read_text())["images"]
    picture = np.asarray(Image.open(folder / "images.png"))
    assert picture.shape == (280, 168)
    images = picture.reshape(10, 28, 6, 28).transpose(0, 2, 1, 3).reshape(60, 28, 28)
    labels = np.array([image["label"] for image in which])
    assert (labels == np.repeat(np.arange(10), 6)).all()
    chose = json.loads((folder / "images.json").read_text())["network"]
    assert chose == ready.DEFAULT
    outputs = training.predict(SHIPPED[chose], models.shipped(), images)
    right = (outputs.argmax(axis=1) == labels).reshape(10, 6)
    assert right[:, :4].all()
    assert not right[:, 4:].any()


def test_the_page_s_images_are_test_images(real):
    folder = ROOT / "docs" / "_static" / "try"
    which = json.loads((folder / "images.json").read_text())["images"]
    numbers = [image["number"] for image in which]
    assert [int(label) for label in real.test.labels[numbers]] == [one["label"] for one in which]
    rows = real.test.images[numbers].reshape(10, 6, 28, 28).transpose(0, 2, 1, 3).reshape(280, 168)
    assert (np.asarray(Image.open(folder / "images.png")) == rows).all()


def test_the_default_is_the_one_that_was_chosen_by_validation_images(capsys):
    assert models.card()["id"] == ready.DEFAULT == "speedrun-small"
    assert [id for id in SHIPPED if id in CANDIDATES] == [ready.DEFAULT]
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    assert f"(default: {ready.DEFAULT})" in " ".join(capsys.readouterr().out.split())


def test_what_does_not_come_trained_is_told():
    for call in (models.shipped, models.card):
        with pytest.raises(CourseError, match="'cnn-basic' doesn't come trained; choose "):
            call("cnn-basic")


def test_a_small_network_is_shipped_and_comes_back(tmp_path, dataset):
    recipe = PUBLISHED["cnn-basic"]
    about = ship.ship(recipe, dataset, PROFILES["smoke"], tmp_path)
    test = dataset.split(recipe.validation, PROFILES["smoke"]).test
    outputs = training.predict(recipe, ready.read("cnn-basic", tmp_path), test.images)
    accuracy = (outputs.argmax(axis=1) == test.labels).mean()
    assert about["test"]["accuracy"] == pytest.approx(accuracy)
    written = json.loads((tmp_path / "cnn-basic.json").read_text("utf-8"))
    assert about.items() <= written.items()
    weights = tmp_path / "cnn-basic.f16"
    weights.write_bytes(weights.read_bytes()[:-2] + b"\1\1")
    with pytest.raises(CourseError, match="isn't the file that its model card speaks of"):
        ready.read("cnn-basic", tmp_path)


def test_weights_too_large_for_16_bits_are_refused(tmp_path):
    model = models.conv2d(filters=(2,))
    first = model.layers[0]
    for bad in (7e4, np.nan):
        first.set_weights([np.full_like(array, bad) for array in first.get_weights()])
        with pytest.raises(ValueError, match="too large for float16, or no number"):
            ready.write(model, dict(filters=(2,)), {"id": "bad"}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_interrupted_leaves_the_networks_that_are_there(tmp_path, dataset, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "temperature", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ship.ship(PUBLISHED["cnn-basic"], dataset, PROFILES["smoke"], tmp_path)
    assert not list(tmp_path.glob("cnn-basic*"))


def test_weights_and_card_are_written_both_or_neither(tmp_path, monkeypatch):
    write_bytes, model = Path.write_bytes, models.conv2d(filters=(2,))

    def interrupted(path, content):
        signal.raise_signal(signal.SIGINT)
        write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ready.write(model, dict(filters=(2,)), {"id": "small"}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.f16", "small.json"]
    ready.read("small", tmp_path)


def test_on_a_full_disk_what_was_shipped_before_stays(tmp_path, monkeypatch):
    model = models.conv2d(filters=(2,))
    ready.write(model, dict(filters=(2,)), {"id": "small"}, tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    first = model.layers[0]
    first.set_weights([array + 1 for array in first.get_weights()])
    monkeypatch.setattr(Path, "write_text", full)  # the card
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        ready.write(model, dict(filters=(2,)), {"id": "small"}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.f16", "small.json"]
    ready.read("small", tmp_path)


def test_shipping_refuses_unknown_ids_and_the_stand_in(capsys, monkeypatch):
    assert main(["ship", "cnn"]) == 2
    assert "'cnn' doesn't come trained; choose speedrun-small or" in capsys.readouterr().err
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    assert main(["ship"]) == 2
    assert "refuses the drawn stand-in" in capsys.readouterr().err


def test_what_a_card_says_of_sureness_by_hand(monkeypatch):
    """Scores fitted on the odd images are doubled where the even ones are judged, others stay."""
    labels = np.array([0, 1, 0, 1, 0])
    outputs = np.full((5, 10), 0.0, np.float32)
    for image, (first, *others) in enumerate(
        [(0, 1, 2), (1, 0, 2), (2, 0, 1), (0, 1, 2), (2, 0, 1)]
    ):
        outputs[image, first], outputs[image, others] = 0.5, 0.25
    fitted = {(0, 1): 3.0, (0,): 1.0, (1,): 0.5}  # on all, on the even and on the odd images
    monkeypatch.setattr(evaluation, "temperature", lambda true, _: fitted[tuple(np.unique(true))])
    about = ship._judged(labels, outputs)
    # Even images: 4 / 6 sure, one of three right. Odd ones: 1 / 2, one of two right.
    assert about["unsure"] == {
        "below": 0.6,
        "share": pytest.approx(2 / 5),
        "accuracy_when_sure": pytest.approx(1 / 3),
        "accuracy_when_unsure": pytest.approx(1 / 2),
    }
    found = about["calibration"]
    assert (found["temperature"], about["test"]["accuracy"]) == (3, pytest.approx(2 / 5))
    assert found["error_before"] == pytest.approx(1 / 2 - 2 / 5, abs=1e-5)
    assert found["error_after"] == pytest.approx((4 / 6 - 1 / 3) * 3 / 5, abs=1e-5)


def test_a_card_s_layers_have_what_a_forward_pass_needs(tmp_path):
    options = dict(filters=(2,), padding="same", batch_norm=True, dense_dropout=0.1)
    ready.write(models.conv2d(**options), options, {"id": "small"}, tmp_path)
    assert json.loads((tmp_path / "small.json").read_text("utf-8"))["layers"] == [
        {"kind": "Conv2D", "padding": "same", "activation": "linear", "weights": [[3, 3, 1, 2]]},
        {"kind": "MaxPooling2D", "pool_size": [2, 2], "padding": "valid", "weights": []},
        {"kind": "BatchNormalization", "epsilon": 0.001, "weights": [[2]] * 4},
        {"kind": "Activation", "activation": "relu", "weights": []},
        {"kind": "Flatten", "weights": []},
        {"kind": "Dense", "activation": "softmax", "weights": [[14 * 14 * 2, 10], [10]]},
    ]
