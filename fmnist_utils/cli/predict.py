"""Answers for photos: one, a few, or folders of thousands; in words, as a table, as a picture."""

import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fmnist_utils import photo
from fmnist_utils.data import CLASS_NAMES
from fmnist_utils.messages import CourseError, Line
from fmnist_utils.photo import answer, file

if TYPE_CHECKING:
    from fmnist_utils.photo.model import Network

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
COLUMNS = ["photo", "class", "probability", "unsure", *CLASS_NAMES]
# How its files begin: a table, and the picture of `figures.explanation`.
TABLE, PICTURE = ",".join(COLUMNS[:4]).encode(), b"Software\0fmnist_utils"
BLOCK = 100  # photos at a time: no more than their inputs, 78 kB, and one photo are in memory


def photos_in(places: Iterable[str]) -> list[str]:
    """The files that are named, and of each folder the photos in it and below, by name.

    Raises CourseError for a folder without photos.
    """
    photos = []
    for place in places:
        folder = Path(place if os.path.lexists(place) else os.path.expanduser(place))
        if not folder.is_dir():
            photos.append(place)
            continue
        within = sorted(str(path) for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
        if not within:
            raise CourseError(
                f"{file.shown(place)} is a folder without a photo in it; photos' names end in "
                f"{', '.join(ENDINGS)}."
            )
        photos += within
    return photos


def refuse_to_overwrite(option: str, path: str, mark: bytes) -> None:
    """Raise CourseError if `path` is a file without `mark` among its first bytes: what this command
    hasn't written may be a photo, which `--csv photos/*` names in the place of a table."""
    if not Path(path).is_file():  # a device or a pipe can't be lost
        return
    with open(path, "rb") as there:
        head = there.read(200)
    if head and mark not in head:
        raise CourseError(
            f"{option} {file.shown(path)} would overwrite a file that this command hasn't "
            "written; name a new one."
        )


def predict(photos: list[str], network: "Callable[[], Network]", table: str | None) -> int:
    """Answer for photos; print each answer, or write them all to the CSV file `table`, which is
    replaced at the end: what an interruption leaves is in a file beside it, "….unfinished".

    A photo that can't be used is named and skipped. network: called when there is a first photo to
    answer for. Returns an exit code: 0, 1 if some photos were skipped, 2 if there was no other.
    """
    used, ready = 0, None
    skipped: list[CourseError] = []
    with _Table(table) as rows, Line() as line:
        for block, images in _blocks(photos, skipped, line):
            ready = ready or network()
            for path, probabilities in zip(block, ready.predict(images), strict=True):
                rows.add(path, probabilities)
                if not table:
                    print(f"\n{file.shown(path)}\n{photo.best_three(probabilities)}", flush=True)
            used += len(block)
            if table:
                line.show(f"{used + len(skipped)} of {len(photos)} photos")
    if table:
        left_out = f", {len(skipped)} skipped" if skipped else ""
        line.close(f"{used} of {len(photos)} photos answered for{left_out}: {table}")
    if ready:
        print(f"\n{answer.reliance(ready.source, ready.test_accuracy)}")
    return 0 if not skipped else 1 if used else 2


def _blocks(
    photos: list[str], skipped: list[CourseError], line: Line
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Names and inputs of usable photos, some at a time; the others are named on stderr at once."""
    left = iter(photos)
    while block := list(islice(left, BLOCK)):
        usable, images = [], []
        for path in block:
            try:
                images.append(photo.prepare(path)[0])
                usable.append(path)
            except CourseError as error:
                skipped.append(error)
                line.clear()
                print(f"{'skipped' if len(photos) > 1 else 'error'}: {error}", file=sys.stderr)
        if usable:
            yield usable, np.stack(images)


class _Table:
    """A CSV file, one row a photo; none if no file is named."""

    def __init__(self, path: str | None) -> None:
        self._path, self._answers = path, 0

    def __enter__(self) -> "_Table":
        self._file = self._rows = None
        if self._path is not None:
            self._unfinished = Path(f"{self._path}.unfinished")
            self._in_place = Path(self._path).exists() and not Path(self._path).is_file()  # a pipe
            try:
                where = self._path if self._in_place else self._unfinished
                self._file = open(where, "w", newline="", encoding="utf-8")
            except OSError as error:
                raise CourseError(
                    f"--csv {file.shown(self._path)} can't be written ({error.strerror}); name a "
                    "file in a folder that you may write to."
                ) from None
            self._rows = csv.writer(self._file)
            self._rows.writerow(COLUMNS)
        return self

    def add(self, path: str, probabilities: np.ndarray) -> None:
        if self._rows:
            each = [f"{value:.4f}" for value in probabilities]
            best, unsure = probabilities.argmax(), "yes" if answer.unsure(probabilities) else "no"
            self._rows.writerow([file.shown(path), CLASS_NAMES[best], each[best], unsure, *each])
            self._answers += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._file:
            return
        self._file.close()
        if self._in_place:
            return
        if kind is None:
            self._unfinished.replace(self._path)
        elif self._answers:
            print(f"The answers so far: {file.shown(self._unfinished)}", file=sys.stderr)
        else:
            self._unfinished.unlink()


def explain(path: str, network: "Network", picture: str) -> None:
    """Draw the steps of one photo, and which places the answer rests on, into a PNG file.

    Raises CourseError, as `photo.steps` does, and if the file can't be written.
    """
    from fmnist_utils.plots import figures

    steps = photo.steps(path)
    image = steps["stretched"]
    best = network.predict(image[None])[0]
    fall = answer.occlusion(network.predict, image)
    title = f"{file.shown(Path(path).name)}: {CLASS_NAMES[best.argmax()]}, {100 * best.max():.0f} %"
    title += ", unsure" if answer.unsure(best) else ""
    try:
        figures.explanation(steps, best, fall, title, picture)
    except OSError as error:
        raise CourseError(
            f"--explain {file.shown(picture)} can't be written ({error.strerror}); name a PNG file "
            "in a folder that you may write to."
        ) from None
