"""What reports and lessons say about two models, one record each."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from fmnist_utils.recipes import speedrun
from fmnist_utils.recipes.studies import EXPLORED, SCHEMES


@dataclass(frozen=True)
class Claim:
    """`first` is better than `second`: higher in `metric`, or lower where that is the loss.

    first, second: ids of models, or of runs of a study that keeps its answers; those that leave
    the test set closed are judged on the validation images. metric: "accuracy", "loss" or
    "recall of <class>", or "overfitting" (accuracy on the training minus on the test images;
    `first` and `second` are then the same model, and the claim is that there is some).
    says: the claim in words. source: who makes it.
    """

    first: str
    second: str
    metric: str
    says: str
    source: str


CLAIMS = {
    "the heads ruin it": Claim(
        first="heads-softmax",
        second="heads-softmax-sigmoid",
        metric="accuracy",
        says="a sigmoid layer after the softmax lowers the accuracy",
        source="Hochmuth",
    ),
    "relu and sigmoid ruin it": Claim(
        first="heads-softmax",
        second="heads-relu-sigmoid",
        metric="accuracy",
        says="relu and sigmoid layers instead of the softmax lower the accuracy",
        source="Hochmuth",
    ),
    "tanh ruins it": Claim(
        first="heads-softmax",
        second="heads-tanh",
        metric="accuracy",
        says="tanh instead of softmax lowers the accuracy",
        source="Hochmuth",
    ),
    "three activations ruin it": Claim(
        first="heads-softmax",
        second="heads-sigmoid-softmax-relu",
        metric="accuracy",
        says="sigmoid, softmax and relu in a row lower the accuracy",
        source="Hochmuth",
    ),
    "deeper is better": Claim(
        first="conv1d-deeper",
        second="conv1d-baseline",
        metric="accuracy",
        says="a third 1-D convolution raises the accuracy",
        source="Kumar",
    ),
    "wider is better": Claim(
        first="conv1d-wider",
        second="conv1d-deeper",
        metric="accuracy",
        says="256 filters instead of 236 in the first layer raise the accuracy",
        source="Kumar",
    ),
    "kernel 3 is better": Claim(
        first="conv1d-kernel3",
        second="conv1d-wider",
        metric="accuracy",
        says="a kernel of 3 rows instead of 2 (and more dropout) raises the accuracy",
        source="Kumar",
    ),
    "2-D is better": Claim(
        first="conv2d-small",
        second="conv1d-kernel3",
        metric="accuracy",
        says="2-D convolutions are more accurate than 1-D ones",
        source="Kumar",
    ),
    "medium beats small": Claim(
        first="conv2d-medium",
        second="conv2d-small",
        metric="accuracy",
        says="more filters and units raise the accuracy",
        source="Kumar",
    ),
    "25 epochs are less accurate": Claim(
        first="conv2d-medium",
        second="conv2d-medium-25",
        metric="accuracy",
        says="25 epochs are less accurate than 10",
        source="Kumar",
    ),
    "25 epochs overfit": Claim(
        first="conv2d-medium",
        second="conv2d-medium-25",
        metric="loss",
        says="25 epochs have a higher test loss than 10",
        source="Kumar",
    ),
    "the MLP overfits": Claim(
        first="mlp-350-80",
        second="mlp-350-80",
        metric="overfitting",
        says="the MLP is better on its training images (the report: no overfitting)",
        source="course",
    ),
    "the CNN overfits": Claim(
        first="cnn-pool4",
        second="cnn-pool4",
        metric="overfitting",
        says="the CNN is better on its training images (the report: test was better)",
        source="course",
    ),
    "the CNN beats the MLP": Claim(
        first="cnn-pool4",
        second="mlp-350-80",
        metric="accuracy",
        says="the CNN is more accurate than the MLP",
        source="Rastogi",
    ),
    "the tuned CNN beats the tuned MLP": Claim(
        first="cnn-tuned",
        second="mlp-tuned",
        metric="accuracy",
        says="the tuned CNN is more accurate than the tuned MLP",
        source="Doudos & Legkas",
    ),
    "augmentation helps the MLP": Claim(
        first="mlp-tuned-augmented",
        second="mlp-tuned",
        metric="accuracy",
        says="copies of pullovers and shirts raise the MLP's accuracy",
        source="Doudos & Legkas",
    ),
    "augmentation helps the CNN": Claim(
        first="cnn-tuned-augmented",
        second="cnn-tuned",
        metric="accuracy",
        says="copies of pullovers and shirts raise the CNN's accuracy",
        source="Doudos & Legkas",
    ),
    "copies raise the recall of shirts, MLP": Claim(
        first="mlp-tuned-augmented",
        second="mlp-tuned",
        metric="recall of Shirt",
        says="with the copies the MLP misses fewer shirts",
        source="lesson 6",
    ),
    "copies raise the recall of shirts, CNN": Claim(
        first="cnn-tuned-augmented",
        second="cnn-tuned",
        metric="recall of Shirt",
        says="with the copies the CNN misses fewer shirts",
        source="lesson 6",
    ),
    "standard beats basic": Claim(
        first="cnn-standard",
        second="cnn-basic",
        metric="accuracy",
        says="two convolutions are more accurate than one",
        source="Hernandez",
    ),
    "tuning beats hand-made": Claim(
        first="mlp-tuned",
        second="mlp-350-80",
        metric="accuracy",
        says="the searched MLP is more accurate than the hand-made one",
        source="lesson 5",
    ),
    "past the reports, MLP": Claim(
        first="mlp-course",
        second="mlp-tuned",
        metric="accuracy",
        says="the course's MLP is more accurate than the report's searched one",
        source="lesson 5",
    ),
    "past the reports, CNN": Claim(
        first="cnn-course-augmented",
        second="cnn-tuned-augmented",
        metric="accuracy",
        says="the course's CNN is more accurate than the best of the reports",
        source="lesson 7",
    ),
    "augmented ahead, MLP": Claim(
        first="mlp-course-augmented",
        second="mlp-course",
        metric="accuracy",
        says="of the course's MLPs the augmented one is more accurate",
        source="lesson 6",
    ),
    "augmented ahead, CNN": Claim(
        first="cnn-course-augmented",
        second="cnn-course",
        metric="accuracy",
        says="of the course's CNNs the augmented one is more accurate",
        source="lesson 6",
    ),
    "the speed run is ahead": Claim(
        first="speedrun-93",
        second="cnn-tuned-augmented",
        metric="accuracy",
        says="the course's speed run is more accurate than the best of the reports",
        source="lesson 8",
    ),
    "the small run is ahead": Claim(
        first="speedrun-small",
        second="cnn-tuned-augmented",
        metric="accuracy",
        says="the course's network of under 100,000 parameters is ahead, too",
        source="lesson 8",
    ),
    "the longer run is ahead": Claim(
        first="speedrun-95",
        second="cnn-course-augmented",
        metric="accuracy",
        says="the longer speed run is more accurate than the best CNN of lesson 6",
        source="lesson 8",
    ),
    "wider and longer is ahead": Claim(
        first="speedrun-best",
        second="speedrun-95",
        metric="accuracy",
        says="the speed run, wider and longer, is more accurate than speedrun-95",
        source="lesson 8",
    ),
}

REPORTS = ("Hochmuth", "Kumar", "Rastogi", "Doudos & Legkas", "Hernandez")


def _changes(study: str, pairs: Mapping[str, tuple[str, str]], where: str) -> dict[str, Claim]:
    """Claims that a change helps: two runs of a study, at equal everything else."""
    return {
        name: Claim(f"{study} / {first}", f"{study} / {second}", "accuracy", name, where)
        for name, (first, second) in pairs.items()
    }


_RUNGS = ["plain", *speedrun.INGREDIENTS]
_WHOLE = _RUNGS[-1]
# Verdicts are corrected within a family: all comparisons that answer one question.
FAMILIES: dict[str, dict[str, Claim]] = {
    "the reports": {name: claim for name, claim in CLAIMS.items() if claim.source in REPORTS},
    "the course": {name: claim for name, claim in CLAIMS.items() if claim.source not in REPORTS},
    # Each scheme against none, at equal steps.
    "the schemes": {
        f"{scheme}, {name}": Claim(
            first=f"{id} / {scheme}",
            second=f"{id} / none",
            metric="accuracy",
            says=f"{scheme} raises the {name}'s accuracy at equal steps",
            source="lesson 6",
        )
        for id, name in (("mlp-tuned", "MLP"), ("cnn-tuned", "CNN"))
        for scheme in SCHEMES
        if scheme != "none"
    },
    "what Rastogi explored": _changes(
        "explored",
        {name: (name, "as published") for name in EXPLORED if name != "as published"},
        "lesson 4",
    ),
    # Each rung of the speed run's ladder against the one below it.
    "the rungs": _changes(
        "speedrun",
        {f"{name}, rung": (name, below) for below, name in pairwise(_RUNGS)},
        "lesson 8",
    ),
    # The whole ladder against itself without one ingredient.
    "left out": _changes(
        "speedrun",
        {
            "batch normalisation, left out": (_WHOLE, "no normalisation"),
            **{f"{name}, left out": (_WHOLE, f"without {name}") for name in speedrun.LEFT_OUT},
            "shift, left out": (_WHOLE, _RUNGS[-2]),
        },
        "lesson 8",
    ),
    "the additions": _changes(
        "speedrun",
        {
            f"{name}, added": (name, _WHOLE)
            for name in speedrun.ADDITIONS
            if name != "no normalisation"
        },
        "lesson 8",
    ),
    "network or recipe": _changes(
        "speedrun",
        {
            "the recipe, reports' network": (
                "reports' network, one cycle",
                "reports' network, reports' recipe",
            ),
            "the recipe, our network": ("our network, one cycle", "our network, reports' recipe"),
            "the network, reports' recipe": (
                "our network, reports' recipe",
                "reports' network, reports' recipe",
            ),
            "the network, one cycle": ("our network, one cycle", "reports' network, one cycle"),
        },
        "lesson 8",
    ),
    # The course's augmented models against the same without their changes.
    "the changes": {
        f"the changes, {name}": Claim(
            first=f"{id}-course-augmented",
            second=f"{id}-course-augmented / unchanged",
            metric="accuracy",
            says=f"the {name}'s changes of images raise its accuracy, all else equal",
            source="lesson 6",
        )
        for id, name in (("mlp", "MLP"), ("cnn", "CNN"))
    },
    # The MLP was taught for twice as long, without dropout, and by softened answers instead of
    # smooth labels; of the small network nothing differs but the labels.
    "the students": {
        "taught, MLP": Claim(
            first="mlp-course-augmented / taught",
            second="mlp-course-augmented",
            metric="accuracy",
            says="the MLP that a teacher taught, for twice as long, is more accurate",
            source="lesson 8",
        ),
        "taught, small": Claim(
            first="speedrun-small / taught",
            second="speedrun-small",
            metric="accuracy",
            says="the small network that a teacher taught is more accurate, all else equal",
            source="lesson 8",
        ),
    },
}
