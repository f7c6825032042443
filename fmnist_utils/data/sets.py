"""Fashion-MNIST as arrays: loaded, split into three sets; or the drawn stand-in for it.

The files are looked for in `$FMNIST_DATA_DIR`, else in Keras's cache; what is missing or
damaged there is downloaded. With nothing to be had and no folder named by the user, the course
runs on garments drawn by code, and says so.
"""

import gzip
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from fmnist_utils.data import standin
from fmnist_utils.data.files import FILES, BadFile, download, read
from fmnist_utils.data.places import data_folder
from fmnist_utils.messages import CourseError
from fmnist_utils.profiles import PROFILES, Profile

CLASS_NAMES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]


# Of the training images: which are learned from, and which are held out.
VALIDATIONS = {
    "first 5,000": (slice(5_000, None), slice(5_000)),
    "last 20 %": (slice(48_000), slice(48_000, None)),
    "none": (slice(None), slice(0)),
    "test": (slice(None), slice(0)),
}


class ImageSet(NamedTuple):
    """One set of images, uint8 (n, 28, 28), 0 (black) to 255, and labels, uint8 (n,), 0 to 9."""

    images: np.ndarray
    labels: np.ndarray

    def take(self, indices: np.ndarray | Sequence[int]) -> "ImageSet":
        """The images and labels at these places, in this order."""
        return ImageSet(self.images[indices], self.labels[indices])


class Splits(NamedTuple):
    """The three sets: learn from `train`, choose by `validation`, open `test` once."""

    train: ImageSet
    validation: ImageSet
    test: ImageSet


@dataclass(frozen=True)
class Dataset:
    """60,000 + 10,000 images with labels; `note` says why it is the stand-in, if it is."""

    train: ImageSet
    test: ImageSet
    source: str
    note: str = ""
    class_names: ClassVar[list[str]] = CLASS_NAMES

    @property
    def real(self) -> bool:
        return self.source == "Fashion-MNIST"

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with any pixel or label."""
        digest = hashlib.blake2b(digest_size=6)
        for array in (*self.train, *self.test):
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()

    def split(self, validation: str = "first 5,000", profile: Profile | None = None) -> Splits:
        """Cut the training images in two, and shorten all three sets to the profile's budget.

        validation: "first 5,000" or "last 20 %" (what Keras's `validation_split=.2` takes) of the
            60,000 training images; "none" trains on all of them, as three reports did, and "test"
            on all of them with the test images as validation set: these reports watched that, and
            an experiment that retraces them has to. A shortened profile has images to spare and
            turns "none" into "first 5,000".
        Raises ValueError for another word.
        """
        if validation not in VALIDATIONS:
            raise ValueError(f"validation={validation!r}: choose one of {', '.join(VALIDATIONS)}.")
        profile = profile or PROFILES["full"]
        if validation == "none" and profile.train_images:
            validation = "first 5,000"
        images, labels = self.train
        learned_from, held_out = VALIDATIONS[validation]
        watched = self.test if validation == "test" else (images[held_out], labels[held_out])

        def cut(images: np.ndarray, labels: np.ndarray, most: int | None) -> ImageSet:
            return ImageSet(images[:most], labels[:most])

        return Splits(
            cut(images[learned_from], labels[learned_from], profile.train_images),
            cut(*watched, profile.validation_images),
            cut(*self.test, profile.test_images),
        )

    @property
    def _counts(self) -> str:
        return f"{len(self.train.labels):,} training and {len(self.test.labels):,} test images"

    def __repr__(self) -> str:
        return f"<{self.source}: {self._counts}>"

    def _repr_markdown_(self) -> str:
        if self.real:
            return f"**Fashion-MNIST**: {self._counts}, every file checked by its MD5 sum."
        return (
            f"> ⚠️ **Drawn stand-in, not Fashion-MNIST**: {self._counts}, drawn by code because "
            f"{self.note}. The lesson runs, but its figures say nothing about the real data."
        )


def check_images(images: np.ndarray) -> np.ndarray:
    """Return `images` if they are uint8 (n, 28, 28); else raise ValueError."""
    found = f"{getattr(images, 'dtype', type(images).__name__)} {np.shape(images)}"
    if (
        not isinstance(images, np.ndarray)
        or images.dtype != np.uint8
        or images.ndim != 3
        or (images.shape[1:] != (28, 28))
    ):
        raise ValueError(f"Images are uint8 (n, 28, 28), values 0 to 255, and not {found}.")
    return images


def load_files(where: Path) -> Dataset:
    """Fashion-MNIST from the folder `where`; missing or damaged files are downloaded into it.

    Raises CourseError that names the first file that can't be had.
    """
    arrays = {}
    for name in FILES:
        try:
            content = read(where / name)
        except BadFile as problem:
            try:
                content = download(name, where)
            except BadFile as failure:
                raise CourseError(
                    f"{where / name} {problem}, and it can't be downloaded ({failure}); put the "
                    "original file there, or see `python -m fmnist_utils data --help`."
                ) from None
        header = 16 if "images" in name else 8
        shape = (-1, 28, 28) if "images" in name else (-1,)
        arrays[name] = np.frombuffer(gzip.decompress(content), np.uint8, offset=header)
        arrays[name] = arrays[name].reshape(shape)
    train_images, train_labels, test_images, test_labels = arrays.values()
    return Dataset(
        ImageSet(train_images, train_labels), ImageSet(test_images, test_labels), "Fashion-MNIST"
    )


def stand_in(why: str) -> Dataset:
    """The drawn garments, in Fashion-MNIST's shapes; `why` completes the banner's sentence."""
    train_images, train_labels, test_images, test_labels = standin.draw()
    return Dataset(
        ImageSet(train_images, train_labels),
        ImageSet(test_images, test_labels),
        "drawn stand-in",
        why,
    )


def load(profile: Profile | None = None) -> Dataset:
    """Fashion-MNIST, or the stand-in where the real data can't be had.

    A folder named in `$FMNIST_DATA_DIR` must hold or get the real files: otherwise CourseError.
    `FMNIST_DATA_DIR=stand-in` asks for the stand-in. The profile `full` refuses the stand-in.
    """
    dataset = _load()
    if profile:
        refuse_stand_in(dataset, profile)
    return dataset


def as_published(profile: Profile, dataset: Dataset) -> Profile:
    """The profile that trains as published: `full`; but `profile` itself where that would be time
    lost, in `smoke` and on the stand-in."""
    return PROFILES["full"] if dataset.real and profile.name != "smoke" else profile


def refuse_stand_in(dataset: Dataset, profile: Profile) -> None:
    """Raise CourseError if `profile` is `full` and the data isn't Fashion-MNIST itself."""
    if profile.name == "full" and not dataset.real:
        todo = "get the real data (`python -m fmnist_utils data --fetch`)"
        if os.environ.get("FMNIST_DATA_DIR") == "stand-in":
            todo = "unset FMNIST_DATA_DIR"
        raise CourseError(
            "This needs Fashion-MNIST itself, as all in the profile full does, and refuses the "
            f"drawn stand-in, which is here because {dataset.note}; {todo}."
        )


def _load() -> Dataset:
    named = os.environ.get("FMNIST_DATA_DIR")
    if named == "stand-in":
        return stand_in("`FMNIST_DATA_DIR` asks for it")
    if named and not data_folder().is_dir():
        raise CourseError(
            f"FMNIST_DATA_DIR names {data_folder()}, which is not a folder; correct it (an "
            "absolute path is safest), or unset it to let the course download the data."
        )
    try:
        return load_files(data_folder())
    except CourseError as problem:
        if named:
            raise
        return stand_in(f"the real files could not be had: {problem}".rstrip("."))
