"""What determines a training run, as data: `Recipe`."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial

from fmnist_utils import models
from fmnist_utils.data.sets import VALIDATIONS
from fmnist_utils.models.backend import keras
from fmnist_utils.training import limits
from fmnist_utils.training.augmentation import check_changes

FACTORIES = {"mlp": models.mlp, "conv1d": models.conv1d, "conv2d": models.conv2d}
OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
    "sgd": keras.optimizers.SGD,
    "nesterov": partial(keras.optimizers.SGD, momentum=0.9, nesterov=True),
    "rmsprop": keras.optimizers.RMSprop,
}

_WORDS = {
    "architecture": tuple(FACTORIES),
    "optimizer": tuple(OPTIMIZERS),
    "scaling": ("unit", "raw", "standard"),
    "validation": tuple(VALIDATIONS),
    "loss": ("sparse_categorical_crossentropy", "categorical_crossentropy"),
    "augmentation": ("none", "pullover+shirt", "all classes", "pullover+shirt, then split"),
    "schedule": ("constant", "one cycle"),
}

_HELD_OUT = ("first 5,000", "last 20 %")  # of the training images


@dataclass(frozen=True)
class Recipe:
    """One model and its training.

    architecture: a key of FACTORIES; options: that factory's keyword arguments.
    learning_rate: None means Keras's default for the optimizer.
    scaling: "unit" (pixels / 255), "raw" (pixels 0 to 255) or "standard" (mean 0 and standard
        deviation 1 over all training pixels).
    validation: "first 5,000" or "last 20 %" of the training images, or "none": the report
        watched the test set instead; "test" does as they did. (`data.split` says what becomes
        of these.)
    patience: stop after so many epochs without a better val_loss; None: never.
    augmentation: "none", "pullover+shirt" (one changed copy of each of the two classes' images)
        or "all classes" (one changed copy of every image), or "pullover+shirt, then split": see
        `augmentation.enlarge`.
    changes: what is done to every image anew in each epoch; see `augmentation.renew`.
    schedule: of the learning rate. "constant", or "one cycle": it rises linearly from 0 to
        `learning_rate` during the first fifth of all steps and falls to 0 along a cosine in the
        others.
    weight_decay: every step also lowers all kernels by this share, times the learning rate (AdamW,
        SGDW: Loshchilov and Hutter 2019).
    class_weights: how much an image of a class counts in the training loss, where that isn't 1.
    label_smoothing: this share of each target is spread evenly over the ten classes.
    averaging: the network used at the end is a running average over the last steps' weights: at
        each step it keeps this share of itself (0.99, say); 0: the last step's weights.
    teacher: the recipe of networks whose answers are learned instead of the labels ("distillation",
        Hinton, Vinyals and Dean 2015); None: the labels are learned.
    teachers: how many networks of that recipe, of the seeds 0, 1, …; their answers are averaged.
    temperature: by which the averaged answers are softened; see
        `evaluation.at_temperature`.
    opens_test: whether its runs end on the test set: those of a published or chosen model do,
        those of variants among which one still chooses don't.
    source: author, year and the report's name for the model.
    unstated: what the report leaves out and we had to choose.
    reported: the published figures, as fractions ("test_accuracy": 0.695).
    Raises ValueError for a word that is none of the above, for a number out of range, for an option
    that the factory doesn't have, and for a class that doesn't exist.
    """

    id: str
    architecture: str
    options: Mapping[str, object] = field(default_factory=dict)
    optimizer: str = "adam"
    learning_rate: float | None = None
    loss: str = "sparse_categorical_crossentropy"
    batch_size: int = 32
    epochs: int = 10
    scaling: str = "unit"
    validation: str = "none"
    patience: int | None = None
    augmentation: str = "none"
    changes: Mapping[str, object] = field(default_factory=dict)
    schedule: str = "constant"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    class_weights: Mapping[int, float] = field(default_factory=dict)
    averaging: float = 0.0
    teacher: "Recipe | None" = None
    teachers: int = 3
    temperature: float = 1.0
    opens_test: bool = False
    source: str = ""
    unstated: str = ""
    reported: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (own.name for own in fields(self)):
            object.__setattr__(self, name, limits.plain(getattr(self, name)))
        for name, known in _WORDS.items():
            if (word := getattr(self, name)) not in known:
                raise ValueError(f"{name}={word!r}: choose one of {', '.join(known)}.")
        for name, (possible, test) in limits.FIELDS.items():
            if not test(value := getattr(self, name)):
                raise ValueError(f"{name}={value!r} is impossible; it is {possible}.")
        limits.check_options(self.architecture, FACTORIES[self.architecture], self.options)
        limits.check_numbers("class_weights", self.class_weights, range(10), "a class, 0 to 9")
        limits.check_numbers("reported", self.reported, None, "the name of a figure")
        if any(value > 1 for name, value in self.reported.items() if "loss" not in name):
            raise ValueError(f"reported={self.reported!r}: give fractions, not per cent.")
        check_changes(self.changes)
        soft = "mixup" in self.changes or self.label_smoothing
        if soft and self.loss != "categorical_crossentropy":
            raise ValueError("soft labels (mixup, smoothing) need loss='categorical_crossentropy'.")
        if self.teacher is not None:
            if not isinstance(self.teacher, Recipe):
                raise ValueError(f"teacher={self.teacher!r}: give a Recipe, or None.")
            if self.loss != "categorical_crossentropy" or self.augmentation != "none":
                raise ValueError(
                    "a teacher needs loss='categorical_crossentropy' and augmentation='none'."
                )
            if self.validation in _HELD_OUT and self.validation != self.teacher.validation:
                raise ValueError(
                    f"validation={self.validation!r}: the teacher has learned from these images; "
                    "let it hold out the same ones."
                )
        if self.schedule != "constant" and self.learning_rate is None:
            raise ValueError(f"schedule={self.schedule!r} needs a learning_rate to rise to.")
        if self.patience is not None and self.validation == "none":
            raise ValueError("patience needs validation images to watch; name a validation split.")

    def __repr__(self) -> str:
        """What it is, and all that isn't as it would be by itself."""
        (_, id), (_, architecture), *settings = vars(self).items()
        plain = vars(Recipe("", "mlp"))
        told = [f"{name}={value!r}" for name, value in settings if value != plain[name]]
        return f"Recipe({', '.join([repr(id), repr(architecture), *told])})"

    def but(self, id: str, **settings: object) -> "Recipe":
        """The same recipe under another id, with other fields or other factory options.

        A variant is no longer what a report tells of: unless said anew, it names no source and no
        reported figures, and leaves the test set closed.
        """
        own = [part.name for part in fields(self)]
        options = {name: value for name, value in settings.items() if name not in own}
        settings = {name: value for name, value in settings.items() if name in own}
        architecture = settings.get("architecture", self.architecture)
        if architecture in _WORDS["architecture"]:
            factory = FACTORIES[architecture]
            arguments = list(inspect.signature(factory).parameters)
            for name in options:
                if name not in arguments:
                    raise ValueError(
                        f"{name!r} is neither a setting of a recipe nor an option of "
                        f"{factory.__name__}{limits.nearest(name, own + arguments)}"
                    )
        told = {"reported": {}, "unstated": "", "source": "", "opens_test": False}
        if options:
            settings["options"] = {**settings.get("options", self.options), **options}
        return replace(self, id=id, **told | settings)

    def build(self, steps: int = 1) -> keras.Model:
        """The compiled, untrained model, its weights drawn from Keras's current seed.

        steps: of the whole training, for the schedule.
        """
        model = FACTORIES[self.architecture](**self.options)
        model.compile(optimizer=self._optimizer(steps), loss=self._loss(), metrics=["accuracy"])
        return model

    def _optimizer(self, steps: int) -> keras.optimizers.Optimizer:
        rate = self.learning_rate
        if self.schedule == "one cycle":
            rising = max(1, steps // 5)
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, max(1, steps - rising), warmup_target=self.learning_rate, warmup_steps=rising
            )
        given = {} if rate is None else {"learning_rate": rate}
        if self.averaging:
            given |= {"use_ema": True, "ema_momentum": self.averaging}
        optimizer = OPTIMIZERS[self.optimizer](**given, weight_decay=self.weight_decay or None)
        if self.weight_decay:
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer

    def _loss(self) -> str | keras.losses.Loss:
        if not self.label_smoothing:
            return self.loss
        return keras.losses.CategoricalCrossentropy(label_smoothing=self.label_smoothing)
