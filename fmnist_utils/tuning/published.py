"""The two searches of Doudos & Legkas as published: KerasTuner, their spaces, their trials."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from fmnist_utils import training
from fmnist_utils.data import Dataset
from fmnist_utils.messages import Held
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.runs import files
from fmnist_utils.training import Recipe

import keras_tuner  # after the package, which starts TensorFlow without its banners


def mlp(hp: keras_tuner.HyperParameters) -> Recipe:
    """A point of the MLP's space: 2 to 5 layers, each with its width and dropout."""
    layers = range(1, hp.Int("num_layers", 2, 5) + 1)
    choices = [
        (hp.Int(f"units_{i}", 32, 512, step=32), hp.Float(f"dropout_{i}", 0.0, 0.3, step=0.1))
        for i in layers
    ]
    widths, dropouts = zip(*choices, strict=True)
    rate = hp.Choice("learning_rate", [1e-3, 1e-4, 1e-5])
    return PUBLISHED["mlp-tuned"].but(
        "search-mlp", widths=widths, dropouts=dropouts, learning_rate=rate
    )


def cnn(hp: keras_tuner.HyperParameters) -> Recipe:
    """A point of the CNN's space: three convolutions and a dense layer."""
    filters, kernels, dropouts = [], [], [0.0]
    for i, choices in enumerate(([16, 32], [32, 64], [64, 128]), start=1):
        kernels.append(hp.Choice(f"conv_{i}_kernel", [3, 4]))
        filters.append(hp.Choice(f"conv_{i}_filter", choices))
        if i > 1:
            dropouts.append(hp.Float(f"dropout_{i}", 0.0, 0.4, step=0.1))
    units = hp.Int("units", 128, 512, step=32)
    last = hp.Float("dropout_dense", 0.0, 0.4, step=0.1)
    return PUBLISHED["cnn-tuned"].but(
        "search-cnn",
        filters=filters,
        kernels=kernels,
        conv_dropouts=dropouts,
        dense=(units,),
        dense_dropout=last,
        learning_rate=hp.Choice("learning_rate", [1e-3, 1e-4]),
    )


SEED = 1  # KerasTuner takes 0 for none
# The default up to version 1.1.3 of KerasTuner, when its summary of a space still printed
# 'sampling': None, as the report's does. From 1.2.0 on it is 3 for each hyperparameter: with it the
# Gaussian process would choose none of these few trials.
RANDOM_FIRST = 2
SEARCHES = {"search-mlp": (mlp, 6), "search-cnn": (cnn, 5)}  # with the published number of trials


def recipe(id: str, row: Mapping[str, float | str]) -> Recipe:
    """The recipe of a trial, from its row of a search's table."""
    tried = {name: v for name, v in row.items() if not (pd.isna(v) or isinstance(v, str))}
    hp = keras_tuner.HyperParameters()
    # A column with gaps holds whole numbers as fractions.
    hp.values = {name: int(v) if v >= 1 and v == int(v) else v for name, v in tried.items()}
    return SEARCHES[id][0](hp)


class _Tuner(keras_tuner.BayesianOptimization):
    """Trains its trials as the course trains, which is faster and goes on within a trial; notes
    how long each took and how many epochs it had, beside KerasTuner's own file."""

    def run_trial(self, trial, recipe_of, splits, held):
        recipe, folder = recipe_of(trial.hyperparameters), Path(self.get_trial_dir(trial.trial_id))
        with held.taken():
            _, history = training.fit(recipe, splits, recipe.epochs, SEED, folder / "checkpoints")
        facts = {"epochs": len(history), "seconds": round(float(history.seconds.sum()), 1)}
        self._facts(trial).write_text(json.dumps(facts))
        print(f"{self.project_name} · trial {trial.trial_id} · {facts}", flush=True)
        return history.loc[history.val_loss.idxmin(), ["val_loss", "val_accuracy"]].to_dict()

    def _facts(self, trial) -> Path:
        return Path(self.get_trial_dir(trial.trial_id)) / "facts.json"

    def table(self) -> pd.DataFrame:
        """One row a trial: trial, its hyperparameters, val_loss and val_accuracy (those of the
        epoch with the lowest val_loss), epochs, seconds."""
        return pd.DataFrame(
            [
                {
                    "trial": number,
                    **trial.hyperparameters.values,
                    "val_loss": trial.score,
                    "val_accuracy": trial.metrics.get_best_value("val_accuracy"),
                    **json.loads(self._facts(trial).read_text()),
                }
                for number, trial in enumerate(
                    sorted(self.oracle.trials.values(), key=lambda trial: trial.trial_id), start=1
                )
            ]
        )


def make(id: str, dataset: Dataset, place: Path) -> pd.DataFrame:
    """Make a published search; the trials in order, as `_Tuner.table` gives them.

    id: a key of SEARCHES. place: a folder for KerasTuner's files; an interrupted search
    of the same recipe goes on from there, with the last whole epoch of the trial that was
    interrupted.
    """
    recipe_of, trials = SEARCHES[id]
    base = PUBLISHED[id.replace("search-", "") + "-tuned"]
    splits = dataset.split(base.validation, PROFILES["full"])
    with warnings.catch_warnings(), Held() as held:
        # With a handful of trials the Gaussian process can't settle its length scales, and says so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        tuner = _Tuner(
            lambda hp: recipe_of(hp).build(),
            objective="val_loss",
            max_trials=trials,
            num_initial_points=RANDOM_FIRST,
            seed=SEED,
            directory=place / files.settings_digest(recipe_of(keras_tuner.HyperParameters())),
            project_name=id,
        )
        tuner.oracle.verbose = 0
        tuner.search(recipe_of, splits, held)
    return tuner.table()
