"""The claims: what their sentences say is what is compared."""

import re
from dataclasses import replace

import pytest

from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.recipes import CLAIMS, FAMILIES, MODELS, PUBLISHED, SCHEMES, STUDIES

# What a sentence says if this is its metric.
WORDS = {
    "accuracy": "accura|is ahead",
    "loss": "higher test loss",
    "overfitting": "better on its training images",
    **{f"recall of {name}": f"misses fewer {name.lower()}s" for name in CLASS_NAMES},
}
AUTHORS = ["Hochmuth", "Kumar", "Rastogi", "Doudos & Legkas", "Hernandez"]


@pytest.mark.parametrize("name", CLAIMS)
def test_the_sentence_says_what_is_measured(name):
    claim = CLAIMS[name]
    said = [metric for metric, words in WORDS.items() if re.search(words, claim.says)]
    assert said == [claim.metric]
    assert re.fullmatch(rf"{'|'.join(AUTHORS)}|course|lesson [5-8]", claim.source)
    if claim.source in AUTHORS:  # a report's claim is about its own models
        assert PUBLISHED[claim.first].source.startswith(claim.source)


# Which of the two is said to be better: spelt out from the reports and lessons a second time.
PAIRS = """
the heads ruin it: heads-softmax > heads-softmax-sigmoid
relu and sigmoid ruin it: heads-softmax > heads-relu-sigmoid
tanh ruins it: heads-softmax > heads-tanh
three activations ruin it: heads-softmax > heads-sigmoid-softmax-relu
deeper is better: conv1d-deeper > conv1d-baseline
wider is better: conv1d-wider > conv1d-deeper
kernel 3 is better: conv1d-kernel3 > conv1d-wider
2-D is better: conv2d-small > conv1d-kernel3
medium beats small: conv2d-medium > conv2d-small
25 epochs are less accurate: conv2d-medium > conv2d-medium-25
25 epochs overfit: conv2d-medium > conv2d-medium-25
the MLP overfits: mlp-350-80 > mlp-350-80
the CNN overfits: cnn-pool4 > cnn-pool4
the CNN beats the MLP: cnn-pool4 > mlp-350-80
the tuned CNN beats the tuned MLP: cnn-tuned > mlp-tuned
augmentation helps the MLP: mlp-tuned-augmented > mlp-tuned
augmentation helps the CNN: cnn-tuned-augmented > cnn-tuned
copies raise the recall of shirts, MLP: mlp-tuned-augmented > mlp-tuned
copies raise the recall of shirts, CNN: cnn-tuned-augmented > cnn-tuned
standard beats basic: cnn-standard > cnn-basic
tuning beats hand-made: mlp-tuned > mlp-350-80
past the reports, MLP: mlp-course > mlp-tuned
past the reports, CNN: cnn-course-augmented > cnn-tuned-augmented
augmented ahead, MLP: mlp-course-augmented > mlp-course
augmented ahead, CNN: cnn-course-augmented > cnn-course
the speed run is ahead: speedrun-93 > cnn-tuned-augmented
the small run is ahead: speedrun-small > cnn-tuned-augmented
the longer run is ahead: speedrun-95 > cnn-course-augmented
wider and longer is ahead: speedrun-best > speedrun-95
"""


def test_the_better_one_comes_first():
    said = {name: f"{claim.first} > {claim.second}" for name, claim in CLAIMS.items()}
    assert said == dict(line.split(": ") for line in PAIRS.strip().splitlines())


def test_the_reports_claims_are_corrected_together_and_the_courses_apart():
    ours = {name for name, claim in CLAIMS.items() if claim.source not in AUTHORS}
    assert set(FAMILIES["the course"]) == ours
    assert set(FAMILIES["the reports"]) == set(CLAIMS) - ours


def test_a_change_helps_if_it_raises_the_accuracy():
    changes = [claim for family in list(FAMILIES)[2:] for claim in FAMILIES[family].values()]
    assert {claim.metric for claim in changes} == {"accuracy"}


def test_every_scheme_is_held_against_none():
    schemes = FAMILIES["the schemes"]
    said = {name: (claim.first, claim.second) for name, claim in schemes.items()}
    assert said == {
        f"{scheme}, {kind.upper()}": (f"{kind}-tuned / {scheme}", f"{kind}-tuned / none")
        for kind in ("mlp", "cnn")
        for scheme in list(SCHEMES)[1:]
    }
    for name, claim in schemes.items():
        scheme, kind = name.split(", ")
        assert claim.says == f"{scheme} raises the {kind}'s accuracy at equal steps"
        assert (claim.metric, claim.source) == ("accuracy", "lesson 6")


LADDER = """plain, batch normalisation, 16 bits, batches of 256, one cycle, label smoothing,
weight decay, largest value of each map, flip, alternating flip, shift"""
LADDER = LADDER.replace("\n", " ").split(", ")
CROSSED = """
the recipe, reports' network: reports' network, one cycle > reports' network, reports' recipe
the recipe, our network: our network, one cycle > our network, reports' recipe
the network, reports' recipe: our network, reports' recipe > reports' network, reports' recipe
the network, one cycle: our network, one cycle > reports' network, one cycle
"""


def compared(family):
    """Which recipes of its study a family compares."""
    pairs = {name: (claim.first, claim.second) for name, claim in FAMILIES[family].items()}
    assert {FAMILIES[family][name].says for name in pairs} == set(pairs)
    return {name: tuple(id.partition(" / ")[2] for id in pair) for name, pair in pairs.items()}


def test_what_each_change_of_the_speed_run_is_held_against():
    rungs = zip(LADDER[1:], LADDER, strict=False)
    assert compared("the rungs") == {f"{name}, rung": (name, below) for name, below in rungs}
    without = {name: f"without {name}" for name in LADDER[2:-1]}
    without |= {"batch normalisation": "no normalisation", "shift": "alternating flip"}
    assert compared("left out") == {
        f"{name}, left out": ("shift", other) for name, other in without.items()
    }
    added = compared("the additions")
    assert added == {f"{name}, added": (name, "shift") for name, _ in added.values()}
    crossed = dict(line.split(": ") for line in CROSSED.strip().splitlines())
    assert compared("network or recipe") == {
        name: tuple(pair.split(" > ")) for name, pair in crossed.items()
    }
    explored = compared("what Rastogi explored")
    assert explored == {name: (name, "as published") for name in explored}


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_changes_are_held_against_none(kind):
    claim = FAMILIES["the changes"][f"the changes, {kind.upper()}"]
    id = f"{kind}-course-augmented"
    assert (claim.first, claim.second) == (id, f"{id} / unchanged")


def test_a_student_is_held_against_the_model_that_it_follows():
    claim = FAMILIES["the students"]["taught, MLP"]
    assert (claim.first, claim.second) == ("mlp-course-augmented / taught", "mlp-course-augmented")
    taught, model = STUDIES["taught"][claim.first], MODELS[claim.second]
    assert taught.teacher
    assert (taught.validation, taught.opens_test) == ("none", True)
    assert (taught.changes, taught.epochs) == (model.changes, 2 * model.epochs)
    unlike = {name for name, value in model.options.items() if taught.options[name] != value}
    assert unlike == {"dropouts", "input_dropout"}
    claim = FAMILIES["the students"]["taught, small"]
    assert (claim.first, claim.second) == ("speedrun-small / taught", "speedrun-small")
    taught, model = STUDIES["taught"][claim.first], MODELS[claim.second]
    labels = dict(teacher=None, label_smoothing=model.label_smoothing)
    assert replace(taught, id=model.id, source=model.source, **labels) == model
