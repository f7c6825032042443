"""The speed run, ingredient by ingredient: networks that get far in little time (lesson 8).

A small network, trained for eight epochs, gets one ingredient after the other; then, to the whole,
a few that it does without; and the whole is measured with each of its ingredients left out, and
against the reports' best network and its recipe. The study `speedrun` measures what each is worth,
on the validation images.
"""

from dataclasses import replace

from fmnist_utils.recipes.published import PUBLISHED
from fmnist_utils.training import Recipe

# The point of departure: six convolutions, and everything else as the lessons before began.
PLAIN = Recipe(
    "speedrun / plain",
    "conv2d",
    dict(filters=(16, 16, 32, 32, 64, 64), pools=(2, 1, 2, 1, 2, 1), padding="same"),
    learning_rate=1e-3,
    loss="categorical_crossentropy",
    batch_size=64,
    epochs=8,
    validation="first 5,000",
)
# Each on top of all before it.
INGREDIENTS: dict[str, dict] = {
    "batch normalisation": dict(batch_norm="fused"),
    "16 bits": dict(precision="mixed_bfloat16"),
    "batches of 256": dict(batch_size=256, learning_rate=5e-3),
    "one cycle": dict(schedule="one cycle"),
    "label smoothing": dict(label_smoothing=0.1),
    "weight decay": dict(weight_decay=0.05),
    "largest value of each map": dict(top="max"),
    "flip": dict(changes=dict(flip="random")),
    "alternating flip": dict(changes=dict(flip="alternating")),
    "shift": dict(changes=dict(flip="alternating", shift=1)),
}
# Each alone, on top of all ingredients.
ADDITIONS: dict[str, dict] = {
    "no normalisation": dict(batch_norm=False),
    "Keras's normalisation": dict(batch_norm=True),
    "pooling last": dict(pool_first=False),
    "standardised pixels": dict(scaling="standard"),
    "erase": dict(changes=dict(flip="alternating", shift=1, erase=8)),
    "averaged weights": dict(averaging=0.99),
    "dropout": dict(conv_dropouts=0.05),
    "GELU": dict(activation="gelu"),
    "Nesterov": dict(optimizer="nesterov", learning_rate=0.5, weight_decay=1e-4),
    "whitening": dict(whitening=3),
    # As much work as whitening, with weights that are learned.
    "one more layer": dict(filters=(16, 16, 16, 32, 32, 64, 64), pools=(1, 2, 1, 2, 1, 2, 1)),
}
ADDITIONS["whitening and Nesterov"] = ADDITIONS["whitening"] | ADDITIONS["Nesterov"]
# The whole ladder, "shift", with one ingredient back as it was before its rung. (Without batch
# normalisation it is the addition "no normalisation", without the shift the rung before the last.)
LEFT_OUT: dict[str, dict] = {
    "16 bits": dict(precision="float32"),
    "batches of 256": dict(batch_size=64, learning_rate=1e-3),
    "one cycle": dict(schedule="constant"),
    "label smoothing": dict(label_smoothing=0.0),
    "weight decay": dict(weight_decay=0.0),
    "largest value of each map": dict(top="flatten"),
    "flip": dict(changes=dict(shift=1)),
    "alternating flip": dict(changes=dict(flip="random", shift=1)),
}
# The network or the recipe? Each of two networks, trained in each of two ways, for eight epochs.
_REPORTS = PUBLISHED["cnn-tuned"]
_NETWORKS = {
    "reports' network": dict(_REPORTS.options),
    "our network": dict(PLAIN.options) | dict(batch_norm="fused"),
}
_RECIPES = {
    "reports' recipe": dict(learning_rate=_REPORTS.learning_rate, batch_size=_REPORTS.batch_size),
    "one cycle": dict(learning_rate=2e-3, batch_size=128, schedule="one cycle"),
}
CROSSED: dict[str, dict] = {
    f"{network}, {recipe}": dict(options=options) | settings
    for network, options in _NETWORKS.items()
    for recipe, settings in _RECIPES.items()
}


def _study() -> dict[str, Recipe]:
    ladder = [PLAIN]
    for name, settings in INGREDIENTS.items():
        ladder.append(ladder[-1].but(f"speedrun / {name}", **settings))
    whole = ladder[-1]
    varied = [whole.but(f"speedrun / {name}", **s) for name, s in ADDITIONS.items()]
    varied += [whole.but(f"speedrun / without {name}", **s) for name, s in LEFT_OUT.items()]
    varied += [replace(PLAIN, id=f"speedrun / {name}", **s) for name, s in CROSSED.items()]
    return {recipe.id: recipe for recipe in ladder + varied}


STUDY = _study()


def net(width: int, **settings: object) -> Recipe:
    """The ladder with whitening and Nesterov's momentum, its convolutions of `width`, 2 · `width`
    and 4 · `width` filters, and with other settings of the recipe."""
    filters = tuple(times * width for times in (1, 1, 2, 2, 4, 4))
    return STUDY["speedrun / whitening and Nesterov"].but("", filters=filters, **settings)


def deep(width: int, last: int, **settings: object) -> Recipe:
    """Eight convolutions instead of six: five of `width` filters, four of which see maps of 14 × 14
    places, then three of `last` filters."""
    filters = (width,) * 5 + (last,) * 3
    return net(width, **settings).but("", filters=filters, pools=(2, 1, 1, 1, 2, 1, 1, 1))


_ERASE = dict(changes=dict(flip="alternating", shift=1, erase=8))
# For each run its candidates, under a word for what is special; `course.CANDIDATES` takes them in.
CANDIDATES: dict[str, dict[str, Recipe]] = {
    # All three take about as long.
    "speedrun-93": {
        "width 16": net(16, epochs=10),
        "width 16, flip": net(16, epochs=10, changes=dict(flip="alternating")),
        "width 32": net(32, epochs=5),
    },
    # None has more than 100,000 parameters.
    "speedrun-small": {
        "pyramid": net(16, epochs=50).but("", filters=(16, 32, 48, 48, 64, 48)),
        "deep": deep(32, 48, epochs=50),
        "deep, erase": deep(32, 48, epochs=50, **_ERASE),
    },
    "speedrun-95": {
        "deep 48": deep(48, 72, epochs=32),
        "deep 48, erase": deep(48, 72, epochs=32, **_ERASE),
        "deep 48 to 96, erase, decay": deep(48, 96, epochs=30, weight_decay=5e-4, **_ERASE),
        "deep 48 to 96, erase, more decay": deep(48, 96, epochs=30, weight_decay=1e-3, **_ERASE),
        # Two layers that see the whole map, for longer epochs.
        "finer, erase, decay": net(24, epochs=30, weight_decay=5e-4, **_ERASE).but(
            "", filters=(24,) * 2 + (48,) * 4 + (96,) * 3, pools=(1, 2, 1, 1, 1, 2, 1, 1, 1)
        ),
    },
}
# Three of the best candidate of `speedrun-95` teach smaller networks. They have seen no validation
# image, so their students can be judged on these.
_BEST = "deep 48 to 96, erase, decay"
TAUGHT = dict(
    teacher=replace(CANDIDATES["speedrun-95"][_BEST], id=f"speedrun-95 / {_BEST}"),
    label_smoothing=0.0,  # their answers are smooth
)
CANDIDATES["speedrun-small-taught"] = {
    "as it is": CANDIDATES["speedrun-small"]["deep"].but("", **TAUGHT),
    "longer": CANDIDATES["speedrun-small"]["deep"].but("", **TAUGHT, epochs=100),
}
