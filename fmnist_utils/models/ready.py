"""Networks that come with the course, trained: they answer without data, network or training.

Each is two files in `weights/`: its weights, one after the other as float16, little-endian, and its
model card in JSON: layers, data, recipe, what it scores, how sure it is, what it fails at. Both are
written by `python -m fmnist_utils ship`; the web page "Try it" reads the same two files.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from fmnist_utils.messages import CourseError, Held, whole
from fmnist_utils.models.backend import keras
from fmnist_utils.models.factories import conv2d

FOLDER = Path(__file__).parent / "weights"
TRAINED = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
# Whose recipe was chosen by validation images (the others' weren't chosen): the test images, by
# which the cards judge all of them, have no say in its weights. (They have in its temperature.)
DEFAULT = "speedrun-small"
LARGEST = 65504  # of float16


def shipped(id: str = DEFAULT) -> keras.Model:
    """A trained network: float32 (n, 28, 28, 1), from 0 to 1, in; ten probabilities (n, 10) out.

    id: one of `TRAINED`. It computes in 32 bits, whatever it was trained in, and is not compiled.
    Raises CourseError for another id, and if its weights aren't those that its card speaks of.
    """
    return read(card(id)["id"], FOLDER)


def card(id: str = DEFAULT) -> dict:
    """The model card of a network that `shipped` gives. Raises CourseError for another id."""
    if id not in TRAINED:
        raise CourseError(f"{id!r} doesn't come trained; choose {' or '.join(TRAINED)}.")
    return _card(id, FOLDER)


def read(id: str, folder: Path) -> keras.Model:
    """The network that `write` has written into a folder. Raises CourseError as `shipped` does."""
    about = _card(id, folder)
    packed = (folder / about["file"]["name"]).read_bytes()
    if hashlib.sha256(packed).hexdigest() != about["file"]["sha256"]:
        raise CourseError(
            f"{folder / about['file']['name']} isn't the file that its model card speaks of; "
            "install the course again."
        )
    model = conv2d(**about["options"])
    numbers, taken = np.frombuffer(packed, "<f2").astype(np.float32), 0
    for layer in model.layers:
        weights = []
        for like in layer.get_weights():
            weights.append(numbers[taken : taken + like.size].reshape(like.shape))
            taken += like.size
        layer.set_weights(weights)
    return model


def write(model: keras.Model, options: dict, about: dict, folder: Path) -> None:
    """Write a trained network of `conv2d` and what its card says into a folder.

    options: those of the factory. about: the card's other entries, JSON; its "id" names the files.
    Raises ValueError if a weight is too large for 16 bits.
    """
    weights = [array for layer in model.layers for array in layer.get_weights()]
    packed = np.concatenate([array.ravel() for array in weights])
    if not np.abs(packed).max() <= LARGEST:
        raise ValueError(f"A weight of {about['id']} is too large for float16, or no number.")
    content, name = packed.astype("<f2").tobytes(), f"{about['id']}.f16"
    about = about | {
        "file": {
            "name": name,
            "form": "float16, little-endian, layer by layer",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "options": options | {"precision": "float32"},
        "layers": _layers(model),
    }
    text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
    card = folder / f"{about['id']}.json"
    # Neither file without the other: both are written before either takes its place.
    with Held(), whole(folder / name) as new_weights, whole(card) as new_card:
        new_weights.write_bytes(content)
        new_card.write_text(text, encoding="utf-8", newline="\n")


def _card(id: str, folder: Path) -> dict:
    return json.loads((folder / f"{id}.json").read_text("utf-8"))


def _layers(model: keras.Model) -> list[dict]:
    """What a forward pass in another language needs of each layer, beside its weights."""
    wanted = ("padding", "activation", "epsilon", "pool_size")
    return [
        {"kind": type(layer).__name__.removeprefix("Fused")}
        | {name: value for name, value in layer.get_config().items() if name in wanted}
        | {"weights": [list(array.shape) for array in layer.get_weights()]}
        for layer in model.layers
        if not isinstance(layer, keras.layers.Dropout)
    ]
