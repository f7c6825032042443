"""Makes the networks that come with the course: their weights, their model cards, and the images
that the web page "Try it" shows."""

import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import binomtest

from fmnist_utils import data, evaluation, runs, training
from fmnist_utils.data import CLASS_NAMES, Dataset
from fmnist_utils.models import ready
from fmnist_utils.photo.answer import SURE
from fmnist_utils.profiles import Profile, named
from fmnist_utils.runs import files
from fmnist_utils.recipes import SHIPPED
from fmnist_utils.training import Recipe

LICENCE = "MIT, as the course's code; the data: MIT, Zalando SE 2017"
DOCS = Path(__file__).parents[2] / "docs"  # only in a copy of the repository
RIGHT, WRONG = 4, 2  # images of each class in the sprite


def ship_all(recipes: list[Recipe]) -> None:
    """Make the shipped networks of some recipes, and say what they are. Raises CourseError for data
    that is not the real one."""
    profile = named("full")
    dataset = data.load(profile)
    for recipe in recipes:
        about = ship(recipe, dataset, profile, ready.FOLDER)
        low, high = about["test"]["interval"]
        print(
            f"{recipe.id}: {100 * about['test']['accuracy']:.2f} % of the test images "
            f"({100 * low:.2f} to {100 * high:.2f}), temperature "
            f"{about['calibration']['temperature']:.2f}, in {ready.FOLDER}"
        )
    if DOCS.is_dir():
        sprite(dataset, DOCS / "_static" / "try")


def ship(recipe: Recipe, dataset: Dataset, profile: Profile, folder: Path) -> dict:
    """Train a recipe of `conv2d` with seed 0, or find it, and write it into a folder: its card.

    What the card says of the test set holds for the network as it is shipped: with weights of 16
    bits, computing in 32. So it is judged from a draft, and the folder holds it when it has a card.
    """
    run = runs.train(recipe, dataset, profile)
    test = dataset.split(recipe.validation, profile).test
    about = {"id": recipe.id} | _origin(run, dataset)
    with tempfile.TemporaryDirectory() as draft:
        ready.write(run.model, dict(recipe.options), about, Path(draft))
        model = ready.read(recipe.id, Path(draft))
    outputs = training.predict(recipe, model, test.images)
    about |= _judged(test.labels, outputs) | {
        "same_answers_as_trained": float(
            (outputs.argmax(axis=1) == run.test_outputs.argmax(axis=1)).mean()
        ),
        "licence": LICENCE,
    }
    ready.write(run.model, dict(recipe.options), about, folder)
    return about


def _origin(run: runs.Run, dataset: Dataset) -> dict:
    key = run.record["key"]
    return {
        "data": f"{dataset.source}: {len(dataset.train.labels):,} training images, 28 x 28, grey",
        "input": "(n, 28, 28, 1), grey from 0 (the background) to 255, divided by 255",
        "classes": CLASS_NAMES,
        "parameters": run.record["parameters"],
        "recipe": {"id": run.recipe.id, "key": files.digest(key), "everything": key},
        "training": {name: run.record[name] for name in ("epochs_run", "train_seconds", "threads")},
    }


def _judged(labels: np.ndarray, outputs: np.ndarray) -> dict:
    """What the network scores on the test images, how sure it is, and what it fails at."""
    right = outputs.argmax(axis=1) == labels
    interval = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    temperature = evaluation.temperature(labels, outputs)
    # Fitted on one half and judged on the other, both ways: on images that it has not been fitted
    # to. (Lesson 7 does the same.)
    mended, halves = outputs.copy(), [np.arange(len(labels)) % 2 == side for side in (0, 1)]
    for fit, judge in (halves, halves[::-1]):
        fitted = evaluation.temperature(labels[fit], outputs[fit])
        mended[judge] = evaluation.at_temperature(outputs[judge], fitted)
    sure = mended.max(axis=1) >= SURE
    matrix = evaluation.confusion(labels, outputs)
    worst = [
        f"{images} of {matrix.loc[true].sum()}: {true}, taken for {predicted}"
        for true, predicted, images in evaluation.worst_confusions(matrix).to_numpy()
    ]
    recall = np.diag(matrix) / matrix.sum(axis=1)
    return {
        "test": {
            "images": len(labels),
            "accuracy": float(right.mean()),
            "interval": [float(interval.low), float(interval.high)],
            "of": "95 % (Wilson): where its accuracy on all such images may lie; another seed "
            "would differ as well",
        },
        "calibration": {
            "temperature": temperature,
            "error_before": evaluation.calibration_error(labels, outputs),
            "error_after": evaluation.calibration_error(labels, mended),
            "how": "The temperature is fitted on all test images, as all training images were "
            "trained on. error_after comes from temperatures that were fitted on one half of them "
            "and judged on the other. Errors: expected calibration error, a fraction, ten bins.",
        },
        "unsure": {
            "below": SURE,
            "share": float(1 - sure.mean()),
            "accuracy_when_sure": float(right[sure].mean()) if sure.any() else None,
            "accuracy_when_unsure": float(right[~sure].mean()) if not sure.all() else None,
        },
        "fails_at": {
            "recall": {name: float(value) for name, value in zip(CLASS_NAMES, recall, strict=True)},
            "takes_for_another": worst,
            "never_tested_on": "photos of your own, children's clothes, several garments, a person "
            "who wears one. It has ten answers, and gives one of them even to a teapot.",
        },
    }


def sprite(dataset: Dataset, folder: Path) -> None:
    """Write test images of every class, side by side, to images.png, and which they are, row by
    row, with the network that chose them, to images.json.

    Of each class, in its row, the first four that the network of `predict` names rightly and the
    two that it is most sure of, and wrong about.
    """
    images, labels = dataset.test
    id = ready.DEFAULT
    outputs = training.predict(SHIPPED[id], ready.shipped(id), images)
    predicted = outputs.argmax(axis=1)
    chosen = []
    for label in range(10):
        right = np.flatnonzero((labels == label) & (predicted == label))[:RIGHT]
        wrong = np.flatnonzero((labels == label) & (predicted != label))
        surest = wrong[np.argsort(-outputs[wrong].max(axis=1), kind="stable")][:WRONG]
        chosen += [*right, *surest]
    rows = np.array(chosen).reshape(10, RIGHT + WRONG)
    picture = np.concatenate([np.concatenate(list(images[row]), axis=1) for row in rows])
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / "images.png", optimize=True)
    which = [{"number": int(number), "label": int(labels[number])} for number in chosen]
    text = json.dumps({"network": id, "images": which}) + "\n"
    (folder / "images.json").write_text(text, encoding="utf-8")
