"""One model in full: its recipe, layers and figures as text, or as a script in plain Keras."""

import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import fields

import pandas as pd

from fmnist_utils import reference
from fmnist_utils.cli.script import WIDTH, layer_call, learning_rate, shown, write
from fmnist_utils.messages import CourseError
from fmnist_utils.models.backend import keras
from fmnist_utils.models.layers import multiplications
from fmnist_utils.recipes import MODELS
from fmnist_utils.runs.files import ABOUT_TEACHERS
from fmnist_utils.training import Recipe
from fmnist_utils.training.limits import nearest
from fmnist_utils.training.recipe import FACTORIES

# What a setting's value means, where that isn't plain.
MEANINGS = {
    ("scaling", "unit"): "pixels / 255",
    ("scaling", "raw"): "pixels from 0 to 255",
    ("scaling", "standard"): "pixels of mean 0 and standard deviation 1",
    ("validation", "none"): "it trains on all 60,000 training images",
    ("validation", "first 5,000"): "of the 60,000 training images",
    ("validation", "last 20 %"): "of the 60,000 training images",
    ("patience", None): "it trains all epochs",
    ("augmentation", "pullover+shirt"): "one changed copy of each image of these two classes",
    ("schedule", "one cycle"): "rises during the first fifth of all steps, then falls to 0",
    ("opens_test", True): "its runs end on the test set",
    ("batch_norm", "fused"): "as Keras's, in one of TensorFlow's own kernels",
    ("precision", "mixed_bfloat16"): "16 bits, but for the weights and the last layer",
}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCURACY, AVERAGED, TIME = "test accuracy", "averaged over ten views", "training"


def describe(id: str) -> str:
    """A model's whole recipe, its layers, what was reported and what the reference has.

    Raises CourseError if there is no such model.
    """
    recipe = _model(id)
    model = recipe.build()
    parts = {
        "Recipe": _rows(_settings(recipe, model.optimizer)),
        "Layers, and their multiplications for one image": _layers(model),
        "Reported": _rows(_reported(recipe)),
        f"Reference ({_seeds(id)})": _rows(_reference(id)),
    }
    return "\n\n".join(f"{title}\n{text or '  nothing'}" for title, text in parts.items())


def script(id: str) -> str:
    """A Python script that trains and tests the model with Keras alone.

    Raises CourseError if there is no such model.
    """
    recipe = _model(id)
    reported, found, comparison = _reported(recipe), _reference(id), []
    facts = [f"Source: {recipe.source}."]
    if recipe.unstated:
        facts.append(f"Not stated there, so chosen by the course: {recipe.unstated}.")
    if reported:
        figures = ", ".join(f"{name} {value}" for name, value in reported.items())
        facts.append(f"Reported: {figures}.")
        comparison.append(f"Reported: {reported[ACCURACY]}")
    if found:
        reached = found[ACCURACY]
        if AVERAGED in found:
            reached += f", {AVERAGED} {found[AVERAGED]}"
        facts.append(f"The course reached {reached} ({_seeds(id)}).")
        facts.append(
            f"Each training took it {found[TIME]}; Keras's own `fit` may take twice as long."
        )
        comparison.append(f"The course ({_seeds(id)}): {reached}")
    facts.append(f"To run it: python {id.replace('-', '_')}.py (needs keras, tensorflow and numpy)")
    lines = [textwrap.fill(fact, WIDTH) for fact in facts]
    return write(recipe, "\n".join(lines), comparison)


def _model(id: str) -> Recipe:
    if id not in MODELS:
        raise CourseError(
            f"{id!r} is not a model{nearest(id, MODELS)} There are {', '.join(MODELS)}."
        )
    return MODELS[id]


def _seeds(id: str) -> str:
    number = len(_runs(id))
    word = NUMBERS[number] if number < len(NUMBERS) else number
    return f"{word} seed{'s' * (number != 1)}"


def _runs(id: str) -> pd.DataFrame:
    results = reference.results()
    return results[results.id == id]


def _rows(pairs: Mapping[str, str]) -> str:
    """Names and values, one pair a line, long values on several."""
    width = max(map(len, pairs), default=0) + 4
    return "\n".join(
        textwrap.fill(
            value, WIDTH, initial_indent=f"  {name:{width - 2}}", subsequent_indent=" " * width
        )
        for name, value in pairs.items()
    )


def _settings(recipe: Recipe, optimizer: keras.optimizers.Optimizer) -> dict[str, str]:
    """Every field but the reported figures; options as well where they are the factory's own."""
    rows = {}
    for field in fields(recipe):
        name, value = field.name, getattr(recipe, field.name)
        if name == "options":
            defaults = inspect.signature(FACTORIES[recipe.architecture]).parameters.values()
            options = {p.name: p.default for p in defaults} | dict(value)
            rows |= {"options": "of the architecture, defaults included"}
            rows |= {f"  {option}": _value(option, chosen) for option, chosen in options.items()}
        elif name == "optimizer":
            rows[name] = f"{value} ({_own(optimizer)})"
        elif name == "learning_rate" and value is None:
            rows[name] = f"{learning_rate(recipe, optimizer)} (Keras's default)"
        elif name in ABOUT_TEACHERS and recipe.teacher is None:
            continue
        elif name == "teacher":
            rows[name] = value.id
        elif name != "reported":
            rows[name] = _value(name, value)
    return rows


def _value(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        text = ", ".join(f"{key} {setting}" for key, setting in value.items())
    elif isinstance(value, (list, tuple)):
        text = ", ".join(map(str, value))
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    else:
        text = "none" if value is None else str(value)
    meaning = MEANINGS.get((name, value)) if not isinstance(value, Mapping) else None
    return f"{text} ({meaning})" if meaning else text or "none"


def _own(optimizer: keras.optimizers.Optimizer) -> str:
    """The optimizer's settings that the recipe has no field for."""
    told = ("name", "learning_rate", "weight_decay", "ema_momentum")
    config = optimizer.get_config()
    own = {name: value for name, value in config.items() if name not in told and value}
    return ", ".join(f"{name} {value}" for name, value in own.items()) or "plain"


def _layers(model: keras.Model) -> str:
    """One row a layer: as Keras makes it, output, parameters, and multiplications for one image."""
    rows = [("layer", "output", "parameters", "multiplications")]
    works = []
    for layer in model.layers:
        kind, arguments = layer_call(layer)
        works.append(multiplications(layer))
        call, *more = textwrap.wrap(f"{kind}({', '.join(arguments)})", 50, subsequent_indent="  ")
        counts = (f"{n:,}" if n else "" for n in (layer.count_params(), works[-1]))
        rows.append((call, shown(layer.output.shape[1:]), *counts))
        rows += [(line, "", "", "") for line in more]
    rows.append(("sum", "", f"{model.count_params():,}", f"{sum(works):,}"))
    lines = (f"  {call:50}  {output:12}  {n:>10}  {work:>15}" for call, output, n, work in rows)
    return "\n".join(line.rstrip() for line in lines)


def _reported(recipe: Recipe) -> dict[str, str]:
    """The published figures: losses as they are, all others in per cent."""
    words = {"val": "validation", "train": "training", "f1": "F1"}
    return {
        " ".join(words.get(word, word) for word in name.split("_")): (
            f"{value:.4g}" if name.endswith("loss") else f"{100 * value:.4g} %"
        )
        for name, value in recipe.reported.items()
    }


def _reference(id: str) -> dict[str, str]:
    """What the course's full runs of the model came to; nothing if there are none."""
    runs = _runs(id)
    if not len(runs):
        return {}
    found = {ACCURACY: _mean(runs.test_accuracy)}
    if runs.averaged_accuracy.notna().any():
        found[AVERAGED] = _mean(runs.averaged_accuracy)
    minutes = runs.train_seconds.median() / 60
    return found | {
        "epochs run": ", ".join(map(str, runs.epochs_run)),
        "parameters": f"{runs.parameters.iloc[0]:,}",
        TIME: f"{minutes:.{0 if minutes >= 10 else 1}f} minutes on one core (median)",
    }


def _mean(accuracies: pd.Series) -> str:
    deviation = f" ± {100 * accuracies.std():.2f}" if len(accuracies) > 1 else ""
    return f"{100 * accuracies.mean():.2f}{deviation} %"
