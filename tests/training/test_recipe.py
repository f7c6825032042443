"""A recipe: its variants, the words it refuses, and what it compiles its model with."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from fmnist_utils.models.backend import keras
from fmnist_utils.recipes import MODELS, PUBLISHED
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


@pytest.mark.parametrize("id", MODELS)
def test_it_prints_what_makes_it_again_and_no_default(id):
    said = repr(MODELS[id])
    assert eval(said) == MODELS[id]
    assert "class_weights" not in said
    assert said.startswith(f"Recipe({id!r}, {MODELS[id].architecture!r}, ")


def test_but_keeps_what_it_is_given():
    given = dict(source="Somebody 2025", reported={"test_accuracy": 0.9}, opens_test=True)
    copy = PUBLISHED["cnn-basic"].but("again", **given)
    assert {name: getattr(copy, name) for name in given} == given


def test_a_citation_does_not_open_the_test_set():
    cited = dict(source="Somebody 2025", unstated="all", reported={"test_accuracy": 0.9})
    assert PUBLISHED["cnn-basic"].opens_test
    assert not PUBLISHED["cnn-basic"].but("mine", **cited).opens_test
    assert not Recipe("mine", "mlp", **cited).opens_test
    assert not replace(Recipe("mine", "mlp"), **cited).opens_test


def test_but_takes_whole_options_as_well():
    other = dict(architecture="conv2d", options=dict(filters=(8,)))
    assert PUBLISHED["mlp-350-80"].but("a", **other).options == {"filters": (8,)}
    both = PUBLISHED["mlp-350-80"].but("b", **other, dense=(4,))
    assert both.options == {"filters": (8,), "dense": (4,)}


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


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"teacher": "speedrun-95"}, "give a Recipe, or None"),
        ({"loss": "sparse_categorical_crossentropy"}, "a teacher needs loss='categorical_cross"),
        ({"augmentation": "all classes"}, "and augmentation='none'"),
        ({"validation": "last 20 %"}, "the teacher has learned from these images"),
        ({"validation": "first 5,000", "teacher": PUBLISHED["conv1d-wider"]}, "hold out the same"),
    ],
)
def test_a_student_needs_a_teacher_that_has_not_seen_what_it_is_judged_on(changes, says):
    teacher = PUBLISHED["mlp-350-80"].but("teacher", validation="first 5,000")
    right = dict(teacher=teacher, loss="categorical_crossentropy", validation="first 5,000")
    assert PUBLISHED["mlp-350-80"].but("student", **right).teacher is teacher
    PUBLISHED["mlp-350-80"].but("student", **right | {"validation": "none"})
    with pytest.raises(ValueError, match=says):
        PUBLISHED["mlp-350-80"].but("student", **right | changes)


NAN, MOST = float("nan"), float("inf")
OUT_OF_RANGE = {
    "epochs": (0, -1, 1.5, 5.0, "5", None, True, NAN, MOST, [3]),
    "batch_size": (0, -32, 32.5, "32", None, False),
    "learning_rate": (0, 0.0, -0.1, NAN, MOST, "0.1", True, [0.1]),
    "patience": (-1, 2.5, "3", True),
    "averaging": (-0.1, 1, 1.0, 1.5, NAN, None, True, "0.9"),
    "teachers": (0, -3, 1.5, "3", None, True),
    "temperature": (0, -1.0, NAN, MOST, None, "2", True),
    "label_smoothing": (-0.1, 1, 2, NAN, None, True),
    "weight_decay": (-1e-9, NAN, MOST, None, "0"),
    "class_weights": (
        *({12: 3.0}, {-1: 1.0}, {"6": 2.0}, {"Shirt": 2.0}, {6.0: 2.0}, {True: 2.0}),
        *({6: -1.0}, {6: NAN}, {6: MOST}, {6: None}, {6: "2"}, [2.0] * 10, "Shirt", None),
    ),
    "loss": ("mse", "", None, "Categorical_Crossentropy", "kl_divergence", ["mse"]),
    "architecture": ("MLP", "resnet", None, ["mlp"]),
    "opens_test": (1, "yes", None),
    "id": (5, None),
    "source": (None, 2025),
    "unstated": (None, ["all"]),
    "reported": ({"test_accuracy": 69.5}, {"test_accuracy": -1}, {"test_loss": NAN}, {1: 0.5}, 0.7),
    "changes": ("flip", None, {"shift": True}, {"shift": 28}, {"flip": True}, {"rotation": NAN}),
    "options": ("relu", None, ["widths"], {"widhts": (30,)}, {3: 4}),
    # And those of the factories, each refused by its own name.
    "widths": ((0, 80), (30.5, 10), (-1, 10), 350, "30, 10", None, (True, 3), (30,), (1, 2, 3)),
    "dropouts": ((0.1, 1.0), (-0.1, 0.2), (NAN, 0.1), 0.1, None, (0.1,)),
    "activation": ("ReLU", "rellu", "get", 3, ["relu"]),
    "l2": (-1e-6, NAN, MOST, "1e-6", None),
    "batch_norm": ("fused", "yes", 2, None),
    "hidden_norm": (1, "no"),
    "input_dropout": (1, -0.2, None),
    "precision": ("float16", "mixed_float16", None),
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field in OUT_OF_RANGE for value in OUT_OF_RANGE[field]]
)
def test_a_recipe_refuses_what_is_out_of_range_where_it_is_written(field, value):
    hot = PUBLISHED["mlp-350-80"].but("hot", loss="categorical_crossentropy")
    with pytest.raises(ValueError, match=field) as error:
        hot.but(**{"id": "wrong", field: value})
    assert "\n" not in str(error.value)


OPTIONS_OUT_OF_RANGE = {
    "conv2d-medium": {
        "filters": ((32, 0, 128), 32),
        "kernels": (0, (3, 3)),
        "pools": ((2, 2, 2, 2),),
        "padding": ("full", ("same", "same")),
        "pooling": ("min",),
        "conv_dropouts": (1.0, (0.1,)),
        "dense": (128,),
        "dense_dropout": (20,),
        "momentum": (1.0,),
        "pool_first": ("no",),
        "whitening": (-1,),
        "top": ("mean",),
        "batch_norm": ("Fused",),
    },
    "heads-softmax": {
        "head": ("softmax", (), ("softmaxx",)),
        "kernel": ((2, 2),),
        "pools": (2, (2,)),
        "padding": (("same", "same"),),
        "filters": ((236, 128, 64),),
        "dropouts": ((0.1,),),
    },
}


@pytest.mark.parametrize(
    ("published", "option", "value"),
    [
        (published, option, value)
        for published, options in OPTIONS_OUT_OF_RANGE.items()
        for option, values in options.items()
        for value in values
    ],
)
def test_options_out_of_range_are_refused_where_they_are_written(published, option, value):
    with pytest.raises(ValueError, match=f"^options: .*{option}"):
        PUBLISHED[published].but("wrong", **{option: value})


MISSPELT = {
    "mlp-350-80": "learnig_rate learning_rate, batchsize batch_size, epoch epochs, width widths, "
    "dropout dropouts, class_weight class_weights",
    "conv2d-medium": "filter filters, opens_tests opens_test",
    "conv1d-wider": "kernels kernel",
}


@pytest.mark.parametrize(
    ("published", "pair"),
    [(id, pair) for id, pairs in MISSPELT.items() for pair in pairs.split(", ")],
)
def test_a_misspelt_setting_is_refused_with_the_nearest(published, pair):
    misspelt, meant = pair.split()
    with pytest.raises(ValueError, match=f"{misspelt!r}.*; did you mean {meant!r}\\?$"):
        PUBLISHED[published].but("typo", **{misspelt: 1})
    if meant in PUBLISHED[published].options:
        with pytest.raises(ValueError, match=f"{misspelt!r}; did you mean {meant!r}\\?$"):
            replace(PUBLISHED[published], options={misspelt: 1})


def test_options_of_another_architecture_are_refused():
    with pytest.raises(ValueError, match="options: conv2d has filters, .*, but no 'widths'"):
        PUBLISHED["mlp-350-80"].but("other", architecture="conv2d")
    with pytest.raises(ValueError, match="neither a setting of a recipe nor an option of mlp"):
        PUBLISHED["mlp-350-80"].but("other", xyz=3)


GOOD = {
    "epochs": (1, 10**6),
    "batch_size": (1, 60_000),
    "learning_rate": (None, 1e-30, 1, 5.0),
    "patience": (None, 0, 3),
    "averaging": (0, 0.0, 0.999),
    "teachers": (1, 5),
    "temperature": (0.1, 1, 3.0),
    "label_smoothing": (0, 0.1, 0.99),
    "weight_decay": (0, 0.0, 3),
    "class_weights": ({}, {0: 0, 9: 2.5}),
    "reported": ({}, {"test_loss": 7.49, "test_accuracy": 1.0}),
    "widths": ([30, 10],),
    "activation": ("gelu", None, "silu"),
    "batch_norm": (True, False),
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field in GOOD for value in GOOD[field]]
)
def test_a_recipe_takes_what_is_in_range(field, value):
    base = dict(loss="categorical_crossentropy", validation="first 5,000")
    made = PUBLISHED["mlp-350-80"].but("good", **base, **{field: value})
    assert value == (made.options | vars(made))[field]


def test_numbers_of_numpy_are_numbers():
    made = PUBLISHED["mlp-350-80"].but(
        "numpy",
        learning_rate=np.float32(0.5),
        epochs=np.int64(3),
        class_weights={np.int64(6): np.float64(2)},
        widths=np.array([30, 10]),
        dropouts=(np.float32(0.25), 0),
    )
    assert made == replace(
        PUBLISHED["mlp-350-80"].but("numpy"),
        learning_rate=0.5,
        epochs=3,
        class_weights={6: 2.0},
        options=PUBLISHED["mlp-350-80"].options | dict(widths=[30, 10], dropouts=(0.25, 0)),
    )
    json.dumps(asdict(made))


def test_a_recipe_does_not_change_with_what_it_was_made_of():
    weights, widths = {6: 2.0}, [30, 10]
    made = PUBLISHED["mlp-350-80"].but("own", class_weights=weights, widths=widths)
    weights[12] = 3.0
    widths[0] = -1
    assert (made.class_weights, made.options["widths"]) == ({6: 2.0}, [30, 10])


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
    settings = dict(optimizer=optimizer, weight_decay=0.1, batch_norm=True)
    variables = (model := SMALL.but("decayed", **settings).build()).trainable_variables
    for variable in variables:
        variable.assign(keras.ops.ones_like(variable))
    model.optimizer.apply([keras.ops.zeros_like(variable) for variable in variables], variables)
    left = {variable.name: variable.numpy().ravel().tolist() for variable in variables}
    assert left.keys() == {"gamma", "beta", "kernel", "bias"}
    for name, values in left.items():
        decayed = 1 - 0.5 * 0.1 if name == "kernel" else 1
        assert values == pytest.approx([decayed] * len(values)), name


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
