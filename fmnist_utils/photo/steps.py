"""Your own photo, brought step by step into the form of Fashion-MNIST's images.

The steps are those of Xiao, Rasul and Vollgraf 2017, section 2: trim to the garment, shrink,
sharpen, centre, negate, grey. The shop's photos, which they started from, have a plain, nearly
white background; yours has any, so it is found and painted over first, and a frame is cut off.
"""

import os
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from fmnist_utils.messages import CourseError
from fmnist_utils.photo import file

SIDE = 28
CLOSE = 0.05 * 255  # of the background's colour; the paper's figure
SPECK = 0.02  # what is smaller than this share of the largest piece is no part of the garment
SMALLEST = 0.004  # share of the photo that the garment has to fill
BLACK = 20  # a background darker than this is that of Fashion-MNIST's own images
SIDES = {"top": np.s_[0], "bottom": np.s_[-1], "left": np.s_[:, 0], "right": np.s_[:, -1]}
OPPOSITE = ({"top", "bottom"}, {"left", "right"})
FLAT = 9  # a frame drawn by a program differs less from its own colour
STRAIGHT = 0.85  # at least this share of a frame's inner edge is one line, if its corners are round
CUT = 0.02  # of the longer edge: what goes with a frame, as it is blurred
DIMMEST = 58  # the median of a garment's pixels is above this in 95 of 100 training images


def prepare(paths: str | Path | Iterable[str | Path]) -> np.ndarray:
    """The network's inputs for photos: uint8 (n, 28, 28), 0 (black background) to 255.

    Raises CourseError, as `steps` does, for the first photo that can't be used, and if none is
    named.
    """
    one = isinstance(paths, str | os.PathLike) or not isinstance(paths, Iterable)
    inputs = [list(steps(path).values())[-1] for path in ([paths] if one else paths)]
    if not inputs:
        raise CourseError("No photo is named; give a list of files, or one file's name.")
    return np.stack(inputs)


def steps(path: str | Path) -> dict[str, np.ndarray]:
    """Every step from a photo to the network's input, in order, by name.

    All are uint8, 0 to 255. In colour, (height, width, 3): "photo", upright, its longer edge at
    most 560, without a frame or bars; "cut out", its background painted white, unless it is black;
    "trimmed"; "shrunk", longer edge 28; "sharpened"; then (28, 28, 3): "centred"; "negated",
    the same again if the background is black.
    Then (28, 28): "grey", and last the input: "stretched", whose brightest pixel is 255, as it is
    in Fashion-MNIST.
    Raises CourseError, naming the file, if it is no photo or no garment stands out in it.
    """
    photo, background, garment = _found(file.read(path), file.shown(path))
    if garment is None:
        raise CourseError(
            f"No garment stands out in {file.shown(path)}; photograph one close up, on "
            "a plain background of another colour."
        )
    black = np.median(_grey(background)) < BLACK
    cut_out = _cut_out(photo, garment, black)
    trimmed = cut_out[ndimage.find_objects(garment.astype(int))[0]]
    shrunk = _resize(trimmed)
    # Pillow's unsharp mask adds half the difference from a Gaussian blur, of deviation 1 as in
    # the paper: most near outlines.
    sharper = ImageFilter.UnsharpMask(radius=1, percent=50, threshold=0)
    sharpened = np.asarray(Image.fromarray(shrunk).filter(sharper))
    centred = _centre(sharpened, 0 if black else 255)
    negated = centred if black else 255 - centred
    grey = _grey(negated).round().astype(np.uint8)
    stretched = (grey * (255 / max(1, grey.max()))).round().astype(np.uint8)
    return {
        "photo": photo,
        "cut out": cut_out,
        "trimmed": trimmed,
        "shrunk": shrunk,
        "sharpened": sharpened,
        "centred": centred,
        "negated": negated,
        "grey": grey,
        "stretched": stretched,
    }


def _found(photo: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The photo, its background and where its garment is: within a frame, if it has one."""
    background = _background(photo)
    garment = _garment(photo, background)
    inside, sides = _within_frame(photo)
    if inside is None:
        return photo, background, garment
    within = _found(inside, name)
    if within[2] is None:
        # A rectangle in which nothing stands out is no picture in a frame: a belt, say.
        return photo, background, garment
    if within[2].mean() < 0.1 or not any(pair <= sides for pair in OPPOSITE):
        raise CourseError(
            f"{name} seems to have a frame, or a bar at one side; cut it off, or photograph the "
            "garment close up, with its background all around."
        )
    return within


def _within_frame(photo: np.ndarray) -> tuple[np.ndarray | None, set[str]]:
    """What a frame, or bars, leave of a photo, and at which sides they are. None: there are none.

    They are of one colour and end in a straight line; a background ends where the garment begins.
    """
    cut = max(2, round(CUT * max(photo.shape)))
    for sides in (set(some) for n in (4, 3, 2, 1) for some in combinations(SIDES, n)):
        outermost = np.concatenate([photo[SIDES[side]] for side in sides])
        colour = np.median(outermost, axis=0)
        if (np.abs(outermost - colour).max(axis=1) > FLAT).mean() > 0.02:
            continue
        other = np.abs(photo - colour).max(axis=2) > CLOSE
        rows, columns = (other.mean(axis=axis) > 0.02 for axis in (1, 0))
        if not rows.any() or not columns.any():
            continue
        lines = rows, rows[::-1], columns, columns[::-1]
        ends = {side: int(np.argmax(line)) for side, line in zip(SIDES, lines, strict=True)}
        # The first two lines may be half frame, half picture. A JPEG blurs a few more.
        outer = _without(photo, {side: max(0, ends[side] - 3) for side in sides})
        inner = _without(photo, {side: ends[side] + 2 for side in sides})
        inside = _without(photo, {side: ends[side] + cut for side in sides})
        if min(inside.shape[:2]) >= SIDE and all(
            _differs(inner[SIDES[side]], outer[SIDES[side]]) > STRAIGHT for side in sides
        ):
            return inside, sides
    return None, set()


def _differs(line: np.ndarray, other: np.ndarray) -> float:
    """The share of a line's pixels that are not of another line's colour."""
    return float((np.abs(line - np.median(other, axis=0)).max(axis=1) > CLOSE).mean())


def _without(picture: np.ndarray, margins: dict[str, int]) -> np.ndarray:
    """What is left of a picture when so many pixels are cut off at these sides."""
    top, bottom, left, right = (margins.get(side, 0) for side in SIDES)
    height, width = picture.shape[:2]
    return picture[top : max(0, height - bottom), left : max(0, width - right)]


def _background(photo: np.ndarray) -> np.ndarray:
    """The background's colour at every pixel, float (h, w, 3), as if no garment lay on it.

    Light falls from one side, so the colour may rise or fall evenly across the photo. It is fitted
    to the photo's outermost pixels, by least absolute distance: a minority of them, where the
    garment reaches the edge, then has no say.
    """
    height, width = photo.shape[:2]
    y, x = np.mgrid[:height, :width] / max(height, width)
    places = np.stack([np.ones_like(x), x - x.mean(), y - y.mean()], axis=-1)
    edge = _edge(height, width)
    there, colours = places[edge], photo[edge].astype(float)
    weights = np.ones(len(colours))
    for _ in range(20):  # least squares, each time with less weight for what was far off
        root = np.sqrt(weights)[:, None]
        plane = np.linalg.lstsq(there * root, colours * root, rcond=None)[0]
        weights = 1 / (1 + np.abs(there @ plane - colours).max(axis=1))
    return (places @ plane).clip(0, 255)


def _garment(photo: np.ndarray, background: np.ndarray) -> np.ndarray | None:
    """Where the garment is, bool (h, w): what differs from the background. None: nowhere."""
    distance = np.abs(photo - background).max(axis=2)
    # A rough background differs from its own mean, too: how much, its edge shows.
    limit = max(CLOSE, 3 * np.median(distance[_edge(*distance.shape)]))
    if (distance > limit).any():
        # Where the garment stands out clearly, what does so faintly is its shadow.
        limit = max(limit, 0.2 * np.median(distance[distance > limit]))
    pieces, _ = ndimage.label(distance > limit)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0  # the background
    if sizes.max() < SMALLEST * pieces.size:
        return None
    return (sizes >= max(1, SPECK * sizes.max()))[pieces]


def _cut_out(photo: np.ndarray, garment: np.ndarray, black: bool) -> np.ndarray:
    """The garment on an even white background, or on a black one: uint8 (h, w, 3)."""
    tones = _grey(photo)[garment]
    # White on white would be lost: a garment is moved away from its new background as far as nearly
    # all of Fashion-MNIST's are.
    lift = max(0.0, DIMMEST - np.median(tones if black else 255 - tones))
    moved = (photo + (lift if black else -lift)).clip(0, 255).round().astype(np.uint8)
    return np.where(garment[..., None], moved, np.uint8(0 if black else 255))


def _edge(height: int, width: int) -> np.ndarray:
    """Which pixels are the outermost ones, bool (height, width)."""
    edge = np.ones((height, width), bool)
    edge[1:-1, 1:-1] = False
    return edge


def _resize(picture: np.ndarray) -> np.ndarray:
    """Bring the longer edge to 28 pixels and keep the proportions: uint8 (h, w, 3)."""
    # The paper skips rows and columns; averaging them keeps thin straps whole.
    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(picture).resize(size, how))


def _centre(picture: np.ndarray, background: int) -> np.ndarray:
    """Extend a picture of at most 28 x 28 pixels to 28 x 28, uint8 (28, 28, 3)."""
    height, width = picture.shape[:2]
    canvas = np.full((SIDE, SIDE, 3), background, np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    canvas[top : top + height, left : left + width] = picture
    return canvas


def _grey(colours: np.ndarray) -> np.ndarray:
    """Brightness as the eye sees it (ITU-R BT.601): (h, w, 3) to float (h, w)."""
    return colours @ np.array([0.299, 0.587, 0.114])
