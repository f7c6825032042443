"""The studies' recipes: published models, varied on purpose.

Three studies ask what the reports leave unsaid, and watch the test images epoch by epoch as the
reports did: the question is not which variant is best, but which of them gives the published
figures. The others ask what is best, and so leave the test set closed: `explorations`, what Rastogi
tried on his network; `augmentation`; `choice`, the candidates for the course's own models; and
`speedrun`, ingredient by ingredient. `unchanged` asks what the changes of the course's augmented
models are worth: they are chosen, and this opens the test set once more, with the changes off. So
does `taught`, with the best MLP among the candidates that a teacher taught, and with the small
network, at equal epochs.
"""

from collections.abc import Iterable
from dataclasses import replace

from fmnist_utils.recipes import speedrun
from fmnist_utils.recipes.course import CANDIDATES, COURSE
from fmnist_utils.recipes.published import PUBLISHED
from fmnist_utils.training import Recipe


def _vary(published: str, how: str, **settings: object) -> Recipe:
    """A published recipe with other settings, under the id `published / how`, judged as published.

    Unless said otherwise, it watches the test images epoch by epoch.
    """
    recipe = PUBLISHED[published]
    as_published = {"validation": "test", "reported": recipe.reported, "opens_test": True}
    return recipe.but(f"{published} / {how}", **as_published | settings)


def _by_id(recipes: Iterable[Recipe]) -> dict[str, Recipe]:
    return {recipe.id: recipe for recipe in recipes}


_HEADS = [id for id in PUBLISHED if id.startswith("heads-")]
_OPTIMIZERS = {
    # Twelve epochs, so that one sees what lies behind the tenth.
    "adadelta": dict(optimizer="adadelta", epochs=12),
    "adam": dict(optimizer="adam"),
}
# Rastogi tells in words what he tried on his convolutional network.
EXPLORED = {
    "as published": dict(),
    "average pooling": dict(pooling="average"),
    "SGD": dict(optimizer="sgd", learning_rate=0.1),
    "32 filters each": dict(filters=(32, 32)),
    "128 filters each": dict(filters=(128, 128)),
    "filters 128, then 32": dict(filters=(128, 32)),
    "filters 32, then 128": dict(filters=(32, 128)),
    "tanh": dict(activation="tanh"),
    "sigmoid": dict(activation="sigmoid"),
    "no padding": dict(padding="valid"),
    "no dense layers": dict(dense=()),
    "no dropout": dict(conv_dropouts=0.0),
    "dropout 0.4": dict(conv_dropouts=(0.0, 0.4)),
}
# What is done to the training images, each with the same number of steps: the copies that two of
# them add make the epochs longer, and so fewer.
SCHEMES = {
    "none": dict(),
    "copies of two": dict(augmentation="pullover+shirt", epochs=20),
    "copies of all": dict(augmentation="all classes", epochs=12),
    "class weights": dict(class_weights={2: 2.0, 6: 2.0}),
    "flip": dict(changes=dict(flip="random")),
    "shift": dict(changes=dict(shift=2)),
    "rotation": dict(changes=dict(rotation=10.0)),
    "zoom": dict(changes=dict(zoom=0.1)),
    "erase": dict(changes=dict(erase=8)),
    "flip + shift": dict(changes=dict(flip="random", shift=2)),
    "flip + shift + erase": dict(changes=dict(flip="random", shift=2, erase=8)),
    "mixup": dict(changes=dict(mixup=0.2)),
}
_EQUAL_STEPS = dict(batch_size=128, learning_rate=2e-3, schedule="one cycle", patience=None)
STUDIES: dict[str, dict[str, Recipe]] = {
    "heads": _by_id(
        recipe
        for optimizer, settings in _OPTIMIZERS.items()
        for recipe in (
            *(_vary(id, optimizer, **settings) for id in _HEADS),
            # Model 2 changes more than the head; this changes all but the head.
            _vary(
                "heads-softmax",
                f"{optimizer}, pools of 3",
                pools=(3, 3),
                dropouts=(0.3, 0.2),
                **settings,
            ),
        )
    )
    # The same question of Kumar's first step: its optimizer, or its third layer?
    | _by_id(
        _vary(id, optimizer, batch_size=128, **settings)
        for id in ("conv1d-baseline", "conv1d-deeper")
        for optimizer, settings in _OPTIMIZERS.items()
    )
    # Two heads that end far from their report, which doesn't say how large its batches were.
    | _by_id(
        _vary(id, f"adadelta, batches of {size}", **_OPTIMIZERS["adadelta"] | dict(batch_size=size))
        for id in ("heads-relu-sigmoid", "heads-tanh")
        for size in (32, 256)
    ),
    # Hernandez saw the basic model ahead after three epochs.
    "epochs": _by_id(_vary(id, "test watched") for id in ("cnn-basic", "cnn-standard")),
    "unstated": _by_id(
        [
            _vary("conv1d-deeper", "relu", activation="relu"),
            _vary("conv1d-wider", "relu", activation="relu"),
            _vary("conv1d-wider", "relu, same", activation="relu", padding="same"),
            _vary("conv1d-kernel3", "relu", activation="relu"),
            _vary("conv1d-kernel3", "relu, same", activation="relu", padding="same"),
            # Dropout once, before the last layer, instead of after each block.
            _vary("conv1d-kernel3", "relu, dropout last", activation="relu", dropouts=(0, 0, 0.3)),
            _vary("conv2d-small", "dropouts", conv_dropouts=0.2),
            _vary("conv2d-small", "same", padding="same"),
            _vary("conv2d-small", "same, dropouts", padding="same", conv_dropouts=0.2),
            _vary("conv2d-medium", "dropouts", conv_dropouts=0.2),
            _vary("conv2d-medium", "same", padding="same"),
            _vary("conv2d-medium", "same, dropouts", padding="same", conv_dropouts=0.2),
            # Copies appended before `validation_split` cuts: more originals to train on, and a
            # validation set of copies.
            _vary(
                "mlp-tuned-augmented",
                "then split",
                validation="last 20 %",
                augmentation="pullover+shirt, then split",
            ),
            _vary("mlp-tuned-augmented", "55,000 images", validation="first 5,000"),
            # Stopped by the test images, as other reports did, and so trained on all others.
            _vary("mlp-tuned-augmented", "test watched"),
            _vary("mlp-tuned", "55,000 images", validation="first 5,000"),
            # The report's code says 0.6, its text that rates below 0.5 were best.
            _vary("cnn-pool4", "dropout 0.4", conv_dropouts=(0.0, 0.4), validation="first 5,000"),
        ]
    ),
    "explorations": {
        f"explored / {name}": PUBLISHED["cnn-pool4"].but(f"explored / {name}", **settings)
        for name, settings in EXPLORED.items()
    },
    "augmentation": {
        f"{id} / {scheme}": PUBLISHED[id].but(
            f"{id} / {scheme}", **_EQUAL_STEPS | dict(epochs=24) | settings
        )
        for id in ("mlp-tuned", "cnn-tuned")
        for scheme, settings in SCHEMES.items()
    },
    "choice": {
        f"{id} / {name}": replace(recipe, id=f"{id} / {name}")
        for id, candidates in CANDIDATES.items()
        for name, recipe in candidates.items()
    },
    "speedrun": speedrun.STUDY,
    "unchanged": {
        f"{id} / unchanged": COURSE[id].but(f"{id} / unchanged", changes={}, opens_test=True)
        for id in ("mlp-course-augmented", "cnn-course-augmented")
    },
    "taught": {
        "mlp-course-augmented / taught": CANDIDATES["mlp-taught"]["softened, longer"].but(
            "mlp-course-augmented / taught", validation="none", opens_test=True
        ),
        # As many epochs as `speedrun-small`: nothing differs but the labels.
        "speedrun-small / taught": CANDIDATES["speedrun-small-taught"]["as it is"].but(
            "speedrun-small / taught", validation="none", opens_test=True
        ),
    },
}
