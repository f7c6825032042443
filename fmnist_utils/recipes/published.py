"""The twenty published models as records: the facts of the five reports stand here and only here.

Sources (the README has their titles): Hochmuth 2023, Kumar 2024, Rastogi, Doudos & Legkas,
Hernandez. What a report leaves out is named in `unstated`; nothing else in a record is ours.
"""

from dataclasses import replace

from fmnist_utils.training import Recipe


def _report(accuracy: float, **others: float) -> dict[str, float]:
    return {"test_accuracy": accuracy} | others


# Hochmuth 2023: a template and four other heads. Of what isn't stated, the study `heads` found the
# optimizer, epochs and batch under which the template comes out as reported.
_TEMPLATE = Recipe(
    "heads-softmax",
    "conv1d",
    dict(head=("softmax",)),
    optimizer="adadelta",
    learning_rate=0.001,
    loss="categorical_crossentropy",
    batch_size=128,
    epochs=10,
    scaling="raw",
    source="Hochmuth 2023, model 1",
    unstated="optimizer, learning rate, epochs, batch size, loss",
    reported=_report(0.695, test_loss=0.888, train_accuracy=0.709, train_loss=0.86),
)


def _head(number: int, id: str, reported: dict[str, float], **options: object) -> Recipe:
    return _TEMPLATE.but(
        id,
        source=f"Hochmuth 2023, model {number}",
        unstated=_TEMPLATE.unstated,
        reported=reported,
        **options,
    )


_HOCHMUTH = [
    _TEMPLATE,
    _head(
        2,
        "heads-softmax-sigmoid",
        _report(0.330, test_loss=2.11, train_accuracy=0.340, train_loss=2.11),
        head=("softmax", "sigmoid"),
        pools=(3, 3),
        dropouts=(0.3, 0.2),
    ),
    _head(
        3,
        "heads-relu-sigmoid",
        _report(0.235, test_loss=1.72, train_accuracy=0.230, train_loss=1.71),
        head=("relu", "sigmoid"),
    ),
    _head(
        4,
        "heads-tanh",
        _report(0.056, test_loss=5.43, train_accuracy=0.058, train_loss=5.52),
        head=("tanh",),
    ),
    _head(
        5,
        "heads-sigmoid-softmax-relu",
        _report(0.108, test_loss=7.49, train_accuracy=0.111, train_loss=7.49),
        head=("sigmoid", "softmax", "relu"),
    ),
]


# Kumar 2024: test loss, accuracy, precision, recall, F1.
_KUMAR_REPORTED = {
    "conv1d-baseline": (0.9232, 0.6832, 0.8488, 0.8440, 0.8427),
    "conv1d-deeper": (0.3822, 0.8586, 0.8664, 0.8586, 0.8609),
    "conv1d-wider": (0.3197, 0.8807, 0.8830, 0.8807, 0.8802),
    "conv1d-kernel3": (0.3197, 0.8832, 0.8834, 0.8832, 0.8813),
    "conv2d-small": (0.2779, 0.9025, 0.9048, 0.9025, 0.9031),
    "conv2d-medium": (0.2662, 0.9126, 0.9124, 0.9126, 0.9124),
    "conv2d-medium-25": (0.5074, 0.9040, 0.9048, 0.9040, 0.9041),
}
# Of the class Shirt, from her classification reports: precision, recall, F1.
_KUMAR_SHIRTS = {
    "conv2d-small": (0.69, 0.78, 0.73),
    "conv2d-medium": (0.77, 0.74, 0.76),
    "conv2d-medium-25": (0.74, 0.74, 0.74),
}


def _kumar(
    number: int,
    id: str,
    optimizer: str = "adam",
    epochs: int = 10,
    unstated: str = "optimizer, learning rate, loss, activation, padding, place of the dropout",
    **options: object,
) -> Recipe:
    loss, accuracy, precision, recall, f1 = _KUMAR_REPORTED[id]
    names = "shirt_precision", "shirt_recall", "shirt_f1"
    shirts = dict(zip(names, _KUMAR_SHIRTS.get(id, ()), strict=False))
    return Recipe(
        id,
        id.partition("-")[0],
        options,
        optimizer=optimizer,
        learning_rate=0.001,
        loss="categorical_crossentropy",
        batch_size=64,
        epochs=epochs,
        source=f"Kumar 2024, model {number}" if number else "Kumar 2024, baseline",
        unstated=unstated,
        reported=_report(
            accuracy, test_loss=loss, precision=precision, recall=recall, f1=f1, **shirts
        ),
    )


_DEEP = dict(pools=(2, 2, 2), dropouts=(0.2, 0.2, 0.2))
_DEEP_3 = dict(pools=(2, 2, 2), dropouts=(0.3, 0.3, 0.3), kernel=3)
_PLANE = dict(
    dense_dropout=0.2,
    unstated="learning rate, loss, activation, padding, place of the dropout",
)
_MEDIUM = dict(filters=(32, 64, 128), dense=(128,), **_PLANE)
_KUMAR = [
    _kumar(0, "conv1d-baseline", "adadelta"),
    _kumar(1, "conv1d-deeper", filters=(236, 128, 64), **_DEEP),
    _kumar(2, "conv1d-wider", filters=(256, 128, 64), **_DEEP),
    _kumar(3, "conv1d-kernel3", filters=(256, 128, 64), **_DEEP_3),
    _kumar(4, "conv2d-small", filters=(32, 64, 64), dense=(64,), **_PLANE),
    _kumar(5, "conv2d-medium", **_MEDIUM),
    _kumar(6, "conv2d-medium-25", epochs=25, **_MEDIUM),
]

_RASTOGI = [
    Recipe(
        "mlp-350-80",
        "mlp",
        dict(widths=(350, 80), dropouts=(0.1, 0.2), l2=1e-6),
        optimizer="sgd",
        learning_rate=0.1,
        epochs=13,
        validation="first 5,000",
        source="Rastogi, part 1",
        reported=_report(0.8885, val_accuracy=0.9013, train_accuracy=0.9330),
    ),
    Recipe(
        "cnn-pool4",
        "conv2d",
        dict(
            filters=(64, 64),
            kernels=4,
            pools=(4, 2),
            padding=("same", "valid"),
            conv_dropouts=(0.0, 0.6),
            dense=(256, 84),
            l2=1e-4,
        ),
        optimizer="adam",
        learning_rate=0.001,
        epochs=10,
        validation="first 5,000",
        source="Rastogi, part 2",
        reported=_report(0.9107, val_accuracy=0.9215, train_accuracy=0.9368),
    ),
]

_SEARCHED = dict(
    optimizer="adam",
    learning_rate=1e-4,
    loss="categorical_crossentropy",
    batch_size=32,
    epochs=100,
    validation="last 20 %",
    patience=10,
)
_TUNED_MLP = Recipe(
    "mlp-tuned",
    "mlp",
    dict(
        widths=(448, 32, 32, 32), dropouts=(0.3, 0.0, 0.0, 0.0), activation="gelu", batch_norm=False
    ),
    **_SEARCHED,
    source="Doudos & Legkas, MLP",
    unstated="optimizer, batch size, loss",
    reported=_report(
        0.8950,
        val_loss=0.2851,
        val_accuracy=0.90,
        pullover_precision=0.78,
        pullover_recall=0.85,
        pullover_f1=0.82,
        shirt_precision=0.73,
        shirt_recall=0.72,
        shirt_f1=0.73,
    ),
)
_TUNED_CNN = Recipe(
    "cnn-tuned",
    "conv2d",
    dict(
        filters=(32, 32, 128),
        conv_dropouts=(0.0, 0.2, 0.4),
        padding="same",
        dense=(128,),
        dense_dropout=0.2,
    ),
    **_SEARCHED,
    source="Doudos & Legkas, CNN",
    unstated="first layer's filters (misprinted as 1), activation, padding, optimizer, batch size, "
    "loss",
    reported=_report(
        0.9263,
        val_loss=0.1908,
        val_accuracy=0.9317,
        pullover_precision=0.92,
        pullover_recall=0.85,
        pullover_f1=0.89,
        shirt_precision=0.77,
        shirt_recall=0.81,
        shirt_f1=0.79,
    ),
)


def _augmented(tuned: Recipe, accuracy: float, **others: float) -> Recipe:
    return tuned.but(
        f"{tuned.id}-augmented",
        augmentation="pullover+shirt",
        source=f"{tuned.source}, augmented",
        reported=_report(accuracy, **others),
        unstated=f"{tuned.unstated}, size of rotation and zoom",
    )


_DOUDOS_LEGKAS = [
    _TUNED_MLP,
    _augmented(
        _TUNED_MLP,
        0.9022,
        pullover_precision=0.82,
        pullover_recall=0.85,
        pullover_f1=0.83,
        shirt_precision=0.77,
        shirt_recall=0.71,
        shirt_f1=0.74,
    ),
    _TUNED_CNN,
    _augmented(
        _TUNED_CNN,
        0.9316,
        pullover_precision=0.92,
        pullover_recall=0.87,
        pullover_f1=0.89,
        shirt_precision=0.80,
        shirt_recall=0.81,
        shirt_f1=0.80,
    ),
]

_HERNANDEZ = [
    Recipe(
        "cnn-basic",
        "conv2d",
        dict(filters=(32,)),
        epochs=8,
        source="Hernandez, basic",
        unstated="batch size",
        reported=_report(0.9030),
    ),
    Recipe(
        "cnn-standard",
        "conv2d",
        dict(filters=(32, 64), dense=(64,)),
        epochs=8,
        source="Hernandez, standard",
        unstated="batch size",
        reported=_report(0.9069),
    ),
]

# Each is judged on the test set, as it was in its report.
PUBLISHED: dict[str, Recipe] = {
    recipe.id: replace(recipe, opens_test=True)
    for recipe in _HOCHMUTH + _KUMAR + _RASTOGI + _DOUDOS_LEGKAS + _HERNANDEZ
}
