"""The course's own models: what the lessons add up to, against the published ones.

The MLP without augmentation is the best trial of the search `course-mlp`; each of the others
is the best of its candidates (`cnn-course-augmented` had one only), which the study `choice`
trained once (those of the speed runs are in `speedrun`). All were judged on the 5,000 validation
images, then trained anew on all 60,000 training images, and the test set was opened once, after the
last epoch. Two exceptions: `speedrun-95` got as many epochs as its time allowed, 38, and was judged
with 30; and `speedrun-best` is `speedrun-95`, wider and longer, and was set when the test figures
of `speedrun-95` were known.
"""

from collections import ChainMap
from dataclasses import replace

from fmnist_utils.recipes import speedrun
from fmnist_utils.recipes.published import PUBLISHED
from fmnist_utils.training import Recipe


def mlp(layers: int, width: int, dropout: float, input_dropout: float, **others: object) -> Recipe:
    """Hidden layers of equal width, each with batch normalisation, GELU and dropout.

    others: fields of the recipe. It is trained on all but the first 5,000 images.
    """
    options = dict(
        widths=(width,) * layers,
        dropouts=(dropout,) * layers,
        hidden_norm=True,
        input_dropout=input_dropout,
        activation="gelu",
    )
    return _recipe("mlp", options, others)


def cnn(width: int, dropout: float, **others: object) -> Recipe:
    """Six convolutions of `width`, 2 · `width` and 4 · `width` filters, two of each, with batch
    normalisation and GELU; then each map's largest value, and dropout.

    others: fields of the recipe. It is trained on all but the first 5,000 images.
    """
    filters = (width, width, 2 * width, 2 * width, 4 * width, 4 * width)
    options = dict(
        filters=filters,
        pools=(2, 1, 2, 1, 2, 1),
        padding="same",
        activation="gelu",
        batch_norm=True,
        top="max",
        dense_dropout=dropout,
    )
    return _recipe("conv2d", options, others)


def _recipe(architecture: str, options: dict, others: dict) -> Recipe:
    settings = {"id": architecture, "validation": "first 5,000"} | others
    return Recipe(
        architecture=architecture, options=options, loss="categorical_crossentropy", **settings
    )


_MLP = mlp(
    layers=3,
    width=1024,
    dropout=0.0,
    input_dropout=0.1,
    learning_rate=3e-3,
    weight_decay=0.02,
    label_smoothing=0.1,
    batch_size=128,
    schedule="one cycle",
    epochs=40,
)
_FAST = _MLP.but("", batch_size=256, precision="mixed_bfloat16")
_DROPOUT = _FAST.but(
    "",
    changes=dict(flip="alternating", shift=1),
    epochs=80,
    learning_rate=2e-3,
    dropouts=(0.2, 0.2, 0.2),
)
# Its teachers' doubts take the place of smooth labels, and of what is dropped.
_STUDENT = _DROPOUT.but("", **speedrun.TAUGHT, dropouts=(0.0, 0.0, 0.0), input_dropout=0.0)
_CNN = cnn(
    width=48,
    dropout=0.0,
    learning_rate=5e-3,
    weight_decay=0.05,
    label_smoothing=0.1,
    batch_size=256,
    schedule="one cycle",
    epochs=20,
).but("", activation="relu", precision="mixed_bfloat16")
_PLAIN_CNN = _CNN.but(
    "", batch_norm="fused", conv_dropouts=(0, 0, 0, 0.2, 0.2, 0.3), dense_dropout=0.4, epochs=12
)
# What the study `choice` trains: for each model its candidates, under a word for what is special.
CANDIDATES: dict[str, dict[str, Recipe]] = {
    "mlp-course-augmented": {
        "flip + shift": _MLP.but("", changes=dict(flip="random", shift=1)),
        "flip": _FAST.but("", changes=dict(flip="alternating")),
        "longer": _FAST.but("", changes=dict(flip="alternating", shift=1), epochs=80),
        "turned and zoomed": _FAST.but(
            "", changes=dict(flip="alternating", shift=1, rotation=8.0, zoom=0.08), epochs=80
        ),
        "dropout": _DROPOUT,
        "wider": _DROPOUT.but(
            "", widths=(2048, 2048, 2048), dropouts=(0.3, 0.3, 0.3), activation="relu", epochs=60
        ),
        "Nesterov": _DROPOUT.but(
            "", optimizer="nesterov", learning_rate=0.5, weight_decay=1e-4, activation="relu"
        ),
    },
    "mlp-taught": {
        "as it is": _STUDENT,
        "softened": _STUDENT.but("", temperature=2.0),
        "softened, longer": _STUDENT.but("", temperature=2.0, epochs=160),
    },
    "cnn-course": {
        "more dropout": _PLAIN_CNN.but(
            "", conv_dropouts=(0, 0, 0.1, 0.2, 0.3, 0.3), dense_dropout=0.5, epochs=16
        ),
        "finer maps": _PLAIN_CNN.but(
            "", filters=(32, 32, 64, 64, 128, 128), pools=(1, 2, 1, 2, 1, 1)
        ),
        "dropout": _PLAIN_CNN,
    },
    "cnn-course-augmented": {
        "flip + shift": _CNN.but("", changes=dict(flip="alternating", shift=1), conv_dropouts=0.05),
    },
    **speedrun.CANDIDATES,
}

_CHOSEN = {
    # The best trial of the search `course-mlp`.
    "mlp-course": mlp(
        layers=2,
        width=512,
        dropout=0.0,
        input_dropout=0.2,
        learning_rate=0.003695,
        weight_decay=0.015901,
        label_smoothing=0.1,
        batch_size=128,
        schedule="one cycle",
        epochs=20,
    ),
    "mlp-course-augmented": CANDIDATES["mlp-course-augmented"]["dropout"],
    "cnn-course": CANDIDATES["cnn-course"]["dropout"],
    "cnn-course-augmented": CANDIDATES["cnn-course-augmented"]["flip + shift"],
    "speedrun-93": CANDIDATES["speedrun-93"]["width 16, flip"],
    "speedrun-small": CANDIDATES["speedrun-small"]["deep"],
    # As many epochs as the published fit of `cnn-tuned-augmented` has time for, with some to spare.
    "speedrun-95": replace(CANDIDATES["speedrun-95"]["deep 48 to 96, erase, decay"], epochs=38),
    # The same, wider and longer.
    "speedrun-best": CANDIDATES["speedrun-95"]["deep 48 to 96, erase, decay"].but(
        "", filters=(64,) * 5 + (128,) * 3, epochs=70
    ),
}
COURSE: dict[str, Recipe] = {
    id: replace(recipe, id=id, validation="none", source="the course", opens_test=True)
    for id, recipe in _CHOSEN.items()
}
MODELS = ChainMap(COURSE, PUBLISHED)  # runs through the published ones first
# Those that come trained with the course (`models.shipped`): the best of at most 100,000 weights;
# a published one; the same with copies of two classes, which has learned the shortcut of lesson 6.
# (Nobody chooses the last one, so it may open the test set.)
SHIPPED: dict[str, Recipe] = {
    "speedrun-small": COURSE["speedrun-small"],
    "cnn-standard": PUBLISHED["cnn-standard"],
    "cnn-standard-shortcut": PUBLISHED["cnn-standard"].but(
        "cnn-standard-shortcut", augmentation="pullover+shirt", opens_test=True
    ),
}
