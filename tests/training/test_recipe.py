"""A recipe: its variants, the words it refuses, and what it compiles its model with."""

from dataclasses import replace

import numpy as np
import pytest

from fmnist_utils.models.backend import keras
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.training import Recipe
from fmnist_utils.training.recipe import OPTIMIZERS


def test_but_changes_what_it_names_and_nothing_else():
    original = PUBLISHED["mlp-350-80"]
    before = (dict(original.options), dict(original.reported))
    copy = original.but("gentler", learning_rate=0.01, l2=0.0, activation="gelu")
    options = {**original.options, "l2": 0.0, "activation": "gelu"}
    closed = dict(source="", unstated="", reported={}, opens_test=False)
    assert copy == replace(original, id="gentler", learning_rate=0.01, options=options, **closed)
    assert (original.options, original.reported) == before


def test_but_keeps_what_it_is_given():
    given = dict(source="Somebody 2025", reported={"test_accuracy": 0.9}, opens_test=True)
    copy = PUBLISHED["cnn-basic"].but("again", **given)
    assert {name: getattr(copy, name) for name in given} == given


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scaling": "Unit"}, "scaling='Unit': choose one of unit, raw"),
        ({"validation": "last 20%"}, "choose one of first 5,000, last 20 %, none"),
        ({"augmentation": "Pullover+Shirt"}, "choose one of none, pullover"),
        ({"optimizer": "Adam"}, "choose one of adam"),
        ({"patience": 3, "validation": "none"}, "patience needs validation images"),
        ({"schedule": "cosine"}, "choose one of constant, one cycle"),
        ({"schedule": "one cycle", "learning_rate": None}, "needs a learning_rate"),
        ({"label_smoothing": 0.1}, "soft labels"),
        ({"changes": {"mixup": 0.2}}, "soft labels"),
        ({"changes": {"colour": 1}}, "changes='colour': choose from flip, rotation"),
    ],
)
def test_a_recipe_refuses_words_that_mean_nothing(changes, says):
    with pytest.raises(ValueError, match=says):
        PUBLISHED["mlp-350-80"].but("typo", **changes)


SMALL = Recipe("small", "mlp", dict(widths=(), dropouts=(), batch_norm=False), "sgd", 0.5)


@pytest.mark.parametrize(
    ("optimizer", "rate", "kind", "found"),
    [
        ("sgd", 0.05, "SGD", 0.05),
        ("adam", 1e-4, "Adam", 1e-4),
        ("adadelta", 0.001, "Adadelta", 0.001),
        ("rmsprop", None, "RMSprop", 0.001),
        ("sgd", None, "SGD", 0.01),
    ],
)
def test_build_compiles_with_optimizer_and_loss(optimizer, rate, kind, found):
    settings = dict(optimizer=optimizer, learning_rate=rate, loss="categorical_crossentropy")
    model = SMALL.but("any", **settings).build()
    assert type(model.optimizer).__name__ == kind
    assert float(model.optimizer.learning_rate) == pytest.approx(found)
    assert model.loss == "categorical_crossentropy"


def test_one_cycle_rises_for_a_fifth_of_the_steps_and_falls_to_nothing():
    optimizer = SMALL.but("cycled", schedule="one cycle").build(steps=100).optimizer
    rates = []
    for _ in range(101):
        rates.append(float(optimizer.learning_rate))
        optimizer.iterations.assign_add(1)
    assert rates[0] == 0
    assert rates[20] == pytest.approx(0.5)
    assert rates[10] == pytest.approx(0.25)
    assert rates[60] == pytest.approx(0.25)
    assert rates[100] == pytest.approx(0, abs=1e-6)
    assert np.argmax(rates) == 20


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weight_decay_shrinks_kernels_only(optimizer):
    model = SMALL.but("decayed", optimizer=optimizer, weight_decay=0.1).build()
    model.layers[-1].set_weights([np.ones((784, 10)), np.ones(10)])
    still = [keras.ops.zeros((784, 10)), keras.ops.zeros(10)]
    model.optimizer.apply(still, model.trainable_variables)
    kernel, bias = model.layers[-1].get_weights()
    assert kernel == pytest.approx(1 - 0.5 * 0.1)
    assert bias == pytest.approx(1)


def test_nesterov_has_momentum_and_looks_ahead():
    optimizer = SMALL.but("n", optimizer="nesterov").build().optimizer
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)


def test_label_smoothing_takes_from_the_true_class():
    one_hot = SMALL.but("hot", loss="categorical_crossentropy")
    smooth = one_hot.but("smooth", label_smoothing=0.1)
    truth, says = np.eye(10)[:1], np.full((1, 10), 0.01)
    says[0, 0] = 0.91
    losses = [
        float(recipe.build().compute_loss(y=truth, y_pred=says)) for recipe in (one_hot, smooth)
    ]
    assert losses[0] == pytest.approx(-np.log(0.91), rel=1e-5)
    assert losses[1] == pytest.approx(-0.91 * np.log(0.91) - 0.09 * np.log(0.01), rel=1e-5)
