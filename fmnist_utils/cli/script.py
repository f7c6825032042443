"""A recipe as one script in plain Keras, without this package: something to take home.

Layers and optimizer are read off the model that the recipe builds, so the script can't contradict
it. Every other setting has its lines here; `write` refuses the settings that have none.
"""

import inspect
import json
import textwrap
from collections.abc import Iterator

from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.messages import CourseError
from fmnist_utils.models import whitening
from fmnist_utils.models.backend import keras
from fmnist_utils.training.augmentation import PUBLISHED_CLASSES, ROTATION, ZOOM
from fmnist_utils.training.loop import DEVIATION, MEAN
from fmnist_utils.training.recipe import Recipe

WIDTH = 100
# How many images validate, and where they and the others are among the training images.
HELD_OUT = {
    "first 5,000": (5_000, "[:HELD_OUT]", "[HELD_OUT:]"),
    "last 20 %": (12_000, "[-HELD_OUT:]", "[:-HELD_OUT]"),
}
# What becomes of the grey values, as code and in words.
SCALING = {
    "raw": ("{}", "Grey values as they are, 0 to 255"),
    "unit": ("{} / 255", "Grey values from 0 to 1"),
    "standard": (f"({{}} / 255 - {MEAN}) / {DEVIATION}", "Mean 0 and standard deviation 1"),
}

# The pieces of the script; what stands in braces is filled in.

IMPORTS = """\
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.lib.stride_tricks import sliding_window_view
"""

LOAD = """\
# 60,000 images to train on and 10,000 to test with, each of 28 × 28 grey values from 0 to 255.
(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
"""

COPIES = """
# One more copy of each {names}, mirrored or not, turned and zoomed at random.
# (The report gives no sizes: up to {turn} degrees and {percent} % are the course's choice.)
chosen = np.isin(y_train, {classes})
n = chosen.sum()
angle = np.radians(rng.uniform(-{turn}, {turn}, n))
scale = rng.uniform({smallest}, {largest}, n)
mirror = np.where(rng.random(n) < 0.5, -1, 1)
# The pixel at (x, y) comes from (a x + b y + c, d x + e y + f) in the original. With these c and f
# the centre, (13.5, 13.5), stays where it is.
a, b = mirror * np.cos(angle) / scale, -mirror * np.sin(angle) / scale
d, e = np.sin(angle) / scale, np.cos(angle) / scale
c, f = 13.5 * (1 - a - b), 13.5 * (1 - d - e)
transforms = np.stack([a, b, c, d, e, f, 0 * a, 0 * a], axis=1).astype("float32")
originals = x_train[chosen][..., None].astype("float32")
copies = keras.ops.image.affine_transform(originals, transforms, fill_mode="constant")
copies = (keras.ops.convert_to_numpy(copies)[..., 0] + 0.5).astype("uint8")
x_train, y_train = np.concatenate([x_train, copies]), np.concatenate([y_train, y_train[chosen]])
"""

WHITEN = """\
# The first layer isn't trained. Its filters make neighbouring pixels uncorrelated, of variance 1:
# eigenvectors of the covariance of all patches, each divided by the root of its eigenvalue (1e-3
# more, so that noise isn't blown up), and all again with the other sign, as the activation cuts off
# what is negative. (Page 2018, "How to train your ResNet 8"; Jordan 2024, section 3.2)
windows = sliding_window_view({pixels}[..., 0], ({size}, {size}), axis=(1, 2))
patches = windows.reshape(-1, {area})
eigenvalues, eigenvectors = np.linalg.eigh(np.cov(patches, rowvar=False))
filters = (eigenvectors / np.sqrt(eigenvalues + 1e-3)).reshape({size}, {size}, 1, {area})
model.layers[0].set_weights([np.concatenate([filters, -filters], axis=-1)])"""

ONE_CYCLE = """\
# One cycle: the learning rate rises linearly during the first fifth of all steps, then it falls to
# 0 along a cosine: large steps get far, small ones settle.
steps = EPOCHS * int(np.ceil(len(x_train) / BATCH_SIZE))
rising = steps // 5
one_cycle = keras.optimizers.schedules.CosineDecay(
    0.0, steps - rising, warmup_target={rate}, warmup_steps=rising
)
"""

DECAY = """\
# Weight decay: each step also shrinks the kernels a little (Loshchilov and Hutter 2019), but not
# the biases, nor what normalisations learn.
{optimizer}
optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
"""

SMOOTHING = """\
# Label smoothing: {percent} % of each label is spread over all ten classes, so that the network
# isn't driven to be ever surer of itself.
"""

HALF = """\
# A random half of the images is mirrored in even epochs, the other half in odd ones. (Jordan 2024,
# "94 % on CIFAR-10 in 3.29 seconds")
mirrored_first = rng.random(len(x_train)) < 0.5
"""

CHANGED = '''

def changed(images, epoch):
    """The training images as this epoch sees them."""
'''

FLIP = """\
    mirrored = {mirrored}
    images = np.where(mirrored[:, None, None], images[:, :, ::-1], images)
"""

SHIFT = """\
    # Moved by up to {most} pixel{s} up or down, and left or right; what comes in is black.
    down, right = rng.integers(-{most}, {end}, (2, len(images)))
    padded = np.pad(images, ((0, 0), ({most}, {most}), ({most}, {most})))
    windows = sliding_window_view(padded, (28, 28), axis=(1, 2))
    images = windows[np.arange(len(images)), {most} - down, {most} - right]
"""

ERASE = """\
    # A black square, its centre anywhere in the image ("cutout", DeVries and Taylor 2017).
    first = rng.integers(0, 28, (2, len(images), 1)) - {before}
    rows, columns = (np.arange(28) >= first) & (np.arange(28) < first + {side})
    images = np.where(rows[:, :, None] & columns[:, None, :], 0, images)
"""

PATIENCE = """\
# Training stops after {epochs} epochs without a lower loss on the validation images.
patience = keras.callbacks.EarlyStopping(patience={epochs})
"""

FIT_CHANGED = """\
for epoch in range(EPOCHS):
    print(f"Epoch {epoch + 1}/{EPOCHS}")
    order = rng.permutation(len(x_train))  # with a seed set, `fit` would repeat one order
    x = scaled(changed(x_train, epoch)[order])
    model.fit(x, y_train[order], batch_size=BATCH_SIZE, shuffle=False, verbose=2)"""

BATCHES = """\
# Batches, in a new order in each epoch. (Arrays would be shuffled by `fit`, but with a seed set
# into the same order every time.)
batches = tf.data.Dataset.from_tensor_slices((x_train, y_train))
batches = batches.shuffle(len(x_train)).batch(BATCH_SIZE)
"""

EVALUATE = """\
loss, accuracy = model.evaluate({x_test}, y_test, verbose=0)
print(f"Test accuracy: {{100 * accuracy:.2f}} %")
"""

TEN_VIEWS = """
# The outputs for ten views of each image, averaged: the image and its mirror image (a quarter
# each), and both moved by one pixel up, down, left and right (a sixteenth each).
outputs = 0
for images in (x_test, x_test[:, :, ::-1]):
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    for share, down, right in ((4, 1, 1), (1, 0, 1), (1, 2, 1), (1, 1, 0), (1, 1, 2)):
        view = padded[:, down : down + 28, right : right + 28]
        outputs += share / 16 * model.predict(scaled(view), verbose=0)
averaged = np.mean(outputs.argmax(axis=1) == {labels})
print(f"Averaged over ten views: {{100 * averaged:.2f}} %")
"""


def write(recipe: Recipe, facts: str, comparison: list[str]) -> str:
    """The script that trains and evaluates a recipe, laid out as ruff format leaves it.

    facts: what its docstring says after the first line. comparison: lines that it prints below the
    accuracy it has reached.
    Raises CourseError for a recipe with a setting that no model of the course has.
    """
    _refuse_unwritten(recipe)
    model = recipe.build()
    sections = [
        f'"""Train and test {recipe.id} on Fashion-MNIST, in plain Keras.\n\n{facts}\n"""',
        IMPORTS + "\n" + _constants(recipe),
        _data(recipe),
        _network(recipe, model),
        _whitening(recipe),
        _compiling(recipe, model.optimizer),
        _training(recipe),
        _testing(recipe, comparison),
    ]
    script = "\n\n".join(filter(None, sections)) + "\n"
    for line in IMPORTS.splitlines():
        if f"{line.split()[-1]}." not in script and f"{line.split()[-1]}(" not in script:
            script = script.replace(f"{line}\n", "")  # it isn't used
    return script


def _refuse_unwritten(recipe: Recipe) -> None:
    written = {
        "validation": recipe.validation in ("none", *HELD_OUT),
        "augmentation": recipe.augmentation in ("none", "pullover+shirt"),
        # One call of `fit` for each epoch takes neither validation images nor patience.
        "changes": recipe.changes.keys() <= {"flip", "shift", "erase"}
        and (not recipe.changes or recipe.validation == "none"),
        "class_weights": not recipe.class_weights,
        "averaging": not recipe.averaging,
    }
    if recipe.teacher is not None:
        raise CourseError(
            f"There is no script for {recipe.id}: it learns from {recipe.teachers} other networks, "
            "and a script trains one."
        )
    if missing := [name for name, known in written.items() if not known]:
        raise CourseError(
            f"There is no script for {recipe.id}: no model of the course has such {missing[0]}."
        )


def _constants(recipe: Recipe) -> str:
    lines = ["SEED = 0", f"EPOCHS = {recipe.epochs}", f"BATCH_SIZE = {recipe.batch_size}"]
    if recipe.validation != "none":
        number, _, _ = HELD_OUT[recipe.validation]
        lines.append(f"HELD_OUT = {number:_}  # training images held out for validation")
    if recipe.options.get("l2"):
        lines.append(f"PENALTY = {_penalty(recipe)}  # on large weights")
    if _mixed(recipe):
        lines.append(f"MIXED = {_mixed(recipe)}  # multiply in 16 bits, keep the weights in 32")
    lines += ["", "keras.utils.set_random_seed(SEED)  # the same random numbers in every run"]
    if recipe.changes or recipe.augmentation != "none":
        lines.append("rng = np.random.default_rng(SEED)")
    return "\n".join(lines)


def _mixed(recipe: Recipe) -> str:
    precision = recipe.options.get("precision", "float32")
    return "" if precision == "float32" else _code(precision)


def _penalty(recipe: Recipe) -> str:
    return f"keras.regularizers.L2({recipe.options.get('l2')})"


def _data(recipe: Recipe) -> str:
    text, parts = LOAD, ["train", "test"]
    if recipe.validation != "none":
        parts.insert(1, "val")
        _, held_out, others = HELD_OUT[recipe.validation]
        text += f"x_val, y_val = x_train{held_out}, y_train{held_out}\n"
        text += f"x_train, y_train = x_train{others}, y_train{others}\n"
    if recipe.augmentation != "none":
        text += COPIES.format(
            names=" and ".join(PUBLISHED_CLASSES).lower(),
            classes=[CLASS_NAMES.index(name) for name in PUBLISHED_CLASSES],
            turn=f"{ROTATION:g}",
            percent=f"{100 * ZOOM:g}",
            smallest=1 - ZOOM,
            largest=1 + ZOOM,
        )
    if recipe.loss == "categorical_crossentropy":
        text += "\n# One-hot labels: ten numbers an image, 1 for its class and 0 for the others.\n"
        text += "".join(f"y_{part} = keras.utils.to_categorical(y_{part}, 10)\n" for part in parts)
    code, words = SCALING[recipe.scaling]
    channel = ""
    if recipe.architecture == "conv2d":
        channel, words = "[..., None]", f"{words}, and a last axis for their one channel"
    if recipe.changes:
        pixels = code.format(f'images{channel}.astype("float32")')
        return f'{text}\n\ndef scaled(images):\n    """{words}."""\n    return {pixels}\n'
    lines = [f"x_{part} = " + code.format(f'x_{part}{channel}.astype("float32")') for part in parts]
    return "\n".join([text, f"# {words}.", *lines])


def _network(recipe: Recipe, model: keras.Model) -> str:
    comment = textwrap.fill(
        " ".join(_notes(recipe, model)), WIDTH, initial_indent="# ", subsequent_indent="# "
    )
    lines, before = [f"        keras.Input({model.input_shape[1:]}),"], ""
    for layer in model.layers:
        kind, arguments = layer_call(layer)
        if _mixed(recipe) and layer is not model.layers[-1]:
            arguments.append("dtype=MIXED")
        code = _call(f"layers.{kind}", arguments, 8).replace(_penalty(recipe), "PENALTY") + ","
        shape = shown(layer.output.shape[1:])
        lines.append(f"{code}  # {shape}" if shape != before and "\n" not in code else code)
        before = shape
    return "\n".join([comment, "model = keras.Sequential(", "    [", *lines, "    ]", ")"])


def _notes(recipe: Recipe, model: keras.Model) -> Iterator[str]:
    options, conv1d = recipe.options, recipe.architecture == "conv1d"
    yield f"{model.count_params():,} parameters."
    yield "Behind a layer stands the shape of its output, where that changes."
    if conv1d:
        yield "An image is read as 28 steps, its rows, of 28 features each."
    if conv1d and not options.get("activation"):
        yield "The convolutions have no activation: they are linear."
    if any(layer.trainable and not getattr(layer, "use_bias", True) for layer in model.layers):
        yield "Where a normalisation follows, a layer needs no bias of its own."
    if options.get("batch_norm") == "fused":
        yield "(The course normalises with a layer of its own, to the same effect but faster.)"
    if model.layers[-1].activation is not keras.activations.softmax:
        yield "The outputs are no probabilities: the report tries other activations at the end."


def shown(shape: tuple[int, ...]) -> str:
    """A layer's output shape, such as 26 × 26 × 32."""
    return " × ".join(map(str, shape))


def layer_call(layer: keras.Layer) -> tuple[str, list[str]]:
    """A layer's kind, and the arguments that make it, as code: those needed or not at default.

    But for its name and its precision, which is the recipe's for all but the last layer.
    """
    needed = [
        p.name
        for p in inspect.signature(type(layer)).parameters.values()
        if p.name == "pool_size" or (p.default is p.empty and p.kind != p.VAR_KEYWORD)
    ]
    config = layer.get_config()
    bare = type(layer)(**{name: config[name] for name in needed})
    arguments = [_code(config[name]) for name in needed] + _differences(config, bare.get_config())
    return type(layer).__name__.removeprefix("Fused"), arguments


def _differences(config: dict, default: dict) -> list[str]:
    changed = [name for name in config if config[name] != default[name]]
    changed = [name for name in changed if name not in ("name", "dtype", "learning_rate")]
    changed.sort(key=lambda name: name == "trainable")  # else it would come first
    return [f"{name}={_code(config[name])}" for name in changed]


def _code(value: object) -> str:
    """A value of a layer's or optimizer's configuration as one would write it."""
    if isinstance(value, dict):
        arguments = ", ".join(map(_code, value["config"].values()))
        return f"{value['module']}.{value['class_name']}({arguments})"
    if isinstance(value, (list, tuple)) and len(set(value)) == 1:
        return _code(value[0])
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _call(name: str, arguments: list[str], indent: int = 0) -> str:
    """A call as ruff format breaks it: one line, its arguments on the next, or a line for each."""
    margin, together = " " * indent, ", ".join(arguments)
    if len(line := f"{margin}{name}({together})") < WIDTH:  # leaves room for a comma
        return line
    if len(line := f"{margin}    {together}") <= WIDTH:
        return f"{margin}{name}(\n{line}\n{margin})"
    return "\n".join([f"{margin}{name}(", *(f"{margin}    {a}," for a in arguments), f"{margin})"])


def learning_rate(recipe: Recipe, optimizer: keras.optimizers.Optimizer) -> float:
    """The recipe's learning rate, or Keras's default for this optimizer."""
    default = inspect.signature(type(optimizer)).parameters["learning_rate"].default
    return default if recipe.learning_rate is None else recipe.learning_rate


def _whitening(recipe: Recipe) -> str:
    if not (size := recipe.options.get("whitening")):
        return ""
    first = f"x_train[:{whitening.IMAGES:_}]"
    pixels = f"scaled({first})" if recipe.changes else first
    return WHITEN.format(pixels=pixels, size=size, area=size * size)


def _compiling(recipe: Recipe, optimizer: keras.optimizers.Optimizer) -> str:
    text, loss, rate = "", _code(recipe.loss), learning_rate(recipe, optimizer)
    if recipe.schedule == "one cycle":
        text, rate = ONE_CYCLE.format(rate=rate), "one_cycle"
    kind = type(optimizer)
    others = _differences(optimizer.get_config(), kind().get_config())
    named = "optimizer = " if recipe.weight_decay else ""
    made = _call(f"{named}keras.optimizers.{kind.__name__}", [f"learning_rate={rate}", *others])
    if recipe.weight_decay:
        text, made = text + DECAY.format(optimizer=made), "optimizer"
    if share := recipe.label_smoothing:
        text += SMOOTHING.format(percent=f"{100 * share:g}")
        loss = f"keras.losses.CategoricalCrossentropy(label_smoothing={share})"
    arguments = [f"optimizer={made}", f"loss={loss}", 'metrics=["accuracy"]']
    return text + _call("model.compile", arguments)


def _training(recipe: Recipe) -> str:
    if recipe.changes:
        return _training_on_changed(recipe.changes)
    text, arguments = BATCHES, ["batches", "epochs=EPOCHS"]
    if recipe.validation != "none":
        arguments.append("validation_data=(x_val, y_val)")
    if recipe.patience is not None:
        arguments.append("callbacks=[patience]")
        text += PATIENCE.format(epochs=recipe.patience)
    return text + _call("model.fit", [*arguments, "shuffle=False", "verbose=2"])


def _training_on_changed(changes: dict[str, object]) -> str:
    body = ""
    if flip := changes.get("flip"):
        drawn = {
            "alternating": "mirrored_first ^ (epoch % 2 == 1)",
            "random": "rng.random(len(images)) < 0.5",
        }
        body += FLIP.format(mirrored=drawn[flip])
    if most := changes.get("shift"):
        body += SHIFT.format(most=most, end=most + 1, s="s" * (most > 1))
    if side := changes.get("erase"):
        body += ERASE.format(side=side, before=side // 2)
    all_but_last, _, last = body.rpartition("    images = ")
    half = HALF if flip == "alternating" else ""
    return f"{half}{CHANGED}{all_but_last}    return {last}\n\n{FIT_CHANGED}"


def _testing(recipe: Recipe, comparison: list[str]) -> str:
    text = EVALUATE.format(x_test="scaled(x_test)" if recipe.changes else "x_test")
    if recipe.changes:
        one_hot = recipe.loss == "categorical_crossentropy"
        text += TEN_VIEWS.format(labels="y_test.argmax(axis=1)" if one_hot else "y_test")
    return text + "\n".join(f"print({_code(line)})" for line in comparison)
