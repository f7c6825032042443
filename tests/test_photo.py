"""Your own photo: brought into Fashion-MNIST's form, refused in one sentence, and named.

The garments here are drawn, in many colours, sizes and file formats; nothing is downloaded.
"""

import errno
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import (
    ExifTags,
    Image,
    ImageDraw,
    ImageFile,
    ImageFilter,
    JpegImagePlugin,
    PngImagePlugin,
)
from scipy import ndimage

from fmnist_utils import CourseError, data, photo
from fmnist_utils.cli import main, predict
from fmnist_utils.data import standin
from fmnist_utils.models import ready
from fmnist_utils.photo import answer, file, model
from fmnist_utils.photo.steps import (
    _background,
    _centre,
    _cut_out,
    _differs,
    _edge,
    _garment,
    _grey,
    _resize,
    _within_frame,
    _without,
)
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import MODELS, PUBLISHED

WHITE, CREAM, WOOD = (255, 255, 255), (238, 232, 220), (150, 110, 70)
BLACK, NIGHT, GREEN = (12, 12, 14), (35, 40, 60), (40, 110, 60)
BLUE, ROSE, PALE = (90, 120, 190), (190, 120, 130), (250, 248, 240)
# A T-shirt in the unit square: wider at the sleeves, longer than wide, not its own mirror image.
SHIRT = [(0.32, 0), (0.68, 0), (0.91, 0.3), (0.76, 0.36), (0.72, 0.3), (0.76, 1)]
SHIRT += [(0.28, 0.95), (0.28, 0.3), (0.2, 0.4), (0.09, 0.3)]


def place(size: tuple[int, int], share: float = 0.7, shape: list = SHIRT) -> list:
    """The shape's corners in pixels, in the middle of a picture of this (width, height)."""
    edge = share * min(size)
    left, top = (size[0] - edge) / 2, (size[1] - edge) / 2
    return [(left + edge * x, top + edge * y) for x, y in shape]


def draw(garment=BLUE, background=WHITE, size=(360, 300), share=0.7, shape=SHIRT) -> Image.Image:
    """A photo of one flat garment, a stripe across it, its edges as smooth as a camera's."""
    large = tuple(2 * side for side in size)
    picture = Image.new("RGB", large, background)
    corners = place(large, share, shape)
    ImageDraw.Draw(picture).polygon(corners, fill=garment)
    edge = share * min(large)
    middle = [coordinate / 2 for coordinate in large]
    stripe = [(middle[0] - 0.2 * edge, middle[1]), (middle[0] + 0.2 * edge, middle[1] + 0.1 * edge)]
    if shape is SHIRT:
        ImageDraw.Draw(picture).rectangle(stripe, fill=tuple(int(0.8 * c) for c in garment))
    return picture.resize(size, Image.Resampling.BOX)


def noisy(picture: Image.Image, spread: float) -> Image.Image:
    pixels = np.asarray(picture).astype(float)
    pixels += np.random.default_rng(0).normal(0, spread, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


@pytest.fixture
def saved(tmp_path):
    """Save a picture and return its path."""

    def save(picture: Image.Image, name: str = "shirt.png", **options: object) -> Path:
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def one(path: Path) -> np.ndarray:
    """The network's input, after a look at what holds for every one of them."""
    (image,) = photo.prepare([path])
    assert (image.shape, image.dtype, image.max()) == ((28, 28), np.uint8, 255)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    margins = [(lines[0], 27 - lines[-1]) for lines in (rows, columns)]
    assert min(map(sum, margins)) <= 1  # the longer edge fills the image
    assert all(abs(before - after) <= 1 for before, after in margins)  # in the middle
    return image


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.fixture(scope="module")
def shirt(tmp_path_factory) -> np.ndarray:
    """What becomes of the drawn shirt on white."""
    path = tmp_path_factory.mktemp("white") / "shirt.png"
    draw().save(path)
    return one(path)


def test_every_step_can_be_shown(saved):
    found = photo.steps(saved(draw(size=(900, 600))))
    assert {name: picture.shape for name, picture in found.items()} == {
        "photo": (373, 560, 3),
        "cut out": (373, 560, 3),
        "trimmed": (261, 214, 3),
        "shrunk": (28, 23, 3),
        "sharpened": (28, 23, 3),
        "centred": (28, 28, 3),
        "negated": (28, 28, 3),
        "grey": (28, 28),
        "stretched": (28, 28),
    }
    assert {picture.dtype for picture in found.values()} == {np.dtype(np.uint8)}
    assert (found["negated"] == 255 - found["centred"]).all()
    assert (found["cut out"][0, 0] == 255).all()


def test_grey_is_what_the_eye_sees():
    pure = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [100, 100, 100]]], np.uint8)
    assert _grey(pure)[0] == pytest.approx([76.245, 149.685, 29.07, 100])


def test_sharpening_adds_half_the_difference_from_a_blur(saved):
    found = photo.steps(saved(draw(ROSE)))
    shrunk = found["shrunk"].astype(float)
    blurred = ndimage.gaussian_filter(shrunk, (1, 1, 0), mode="nearest")
    wanted = (shrunk + 0.5 * (shrunk - blurred)).clip(0, 255)
    assert np.abs(found["sharpened"] - wanted).max() < 8, "Pillow blurs by boxes"
    assert np.abs(found["sharpened"] - wanted).mean() < 0.25 * np.abs(shrunk - wanted).mean()
    grey = np.asarray(Image.fromarray(found["negated"]).convert("L")).astype(int)
    assert np.abs(found["grey"] - grey).max() <= 1


def test_every_difference_from_the_blur_is_halved_large_or_small(saved):
    found = photo.steps(saved(noisy(draw(BLACK, size=(80, 80)), 8)))
    shrunk = found["shrunk"].astype(int)
    blurred = Image.fromarray(found["shrunk"]).filter(ImageFilter.GaussianBlur(1))
    difference = shrunk - np.asarray(blurred).astype(int)
    assert 0 < np.abs(difference)[difference != 0].min() < 3
    assert np.abs(difference).max() > 100
    wanted = (shrunk + np.fix(0.5 * difference)).clip(0, 255)
    np.testing.assert_array_equal(found["sharpened"], wanted)


def test_the_edge_is_one_pixel_wide():
    row, between = [1, 1, 1, 1, 1], [1, 0, 0, 0, 1]
    np.testing.assert_array_equal(_edge(4, 5), [row, between, between, row])


def test_the_background_is_a_plane_through_most_of_the_edge():
    y, x = np.mgrid[:60, :80]
    wanted = np.stack([90 + 0.5 * x + 0.8 * y, 200 - 0.9 * x, np.full((60, 80), 40.0)], axis=-1)
    seen = wanted.round()
    seen[20:, 30:50, 1] = 0  # a green garment's colour, say, on a fourteenth of the edge
    assert np.abs(_background(seen.astype(np.uint8)) - wanted).max() < 1
    for tone in (0, 255):
        assert _background(np.full((30, 30, 3), tone, np.uint8)) == pytest.approx(tone)
    overexposed = (150 + 3.0 * x[..., None] * np.ones(3)).clip(0, 255)
    assert _background(overexposed).max() == 255


def spots(*sizes, far=100, near=()):
    """A flat background, and lines of so many pixels on it; those of `near` differ as it says."""
    distance = np.zeros((100, 100))
    for row, size in enumerate(sizes):
        distance[2 * row + 1, 1 : size + 1] = dict(near).get(row, far)
    garment = _garment(distance[..., None].repeat(3, axis=2), np.zeros((100, 100, 3)))
    return garment if garment is None else garment.sum(axis=1)[1 : 2 * len(sizes) : 2].tolist()


@pytest.mark.parametrize(
    ("sizes", "how", "found"),
    [
        ([40], {}, [40]),  # of 10,000
        ([39], {}, None),
        ([], {}, None),
        ([50, 1], {}, [50, 1]),  # a fiftieth
        ([51, 1], {}, [51, 0]),
        ([50, 50], dict(far=13), [50, 50]),
        ([50, 50], dict(far=12), None),
        ([50, 50], dict(near={1: 12}), [50, 0]),
        ([90, 50], dict(near={1: 21}), [90, 50]),  # more than a fifth of the median
        ([90, 50], dict(near={1: 20}), [90, 0]),
    ],
)
def test_what_is_no_speck_and_no_shadow_is_garment(sizes, how, found):
    assert spots(*sizes, **how) == found


def test_a_garment_at_the_edge_makes_no_rough_background():
    photo = np.zeros((50, 50, 3))
    photo[:10], photo[20:40, 20:40] = 100, 40
    garment = _garment(photo, np.zeros(3))
    assert garment[:10].all()
    assert garment[20:40, 20:40].all()
    assert garment.sum() == 500 + 400


def test_a_rough_background_is_no_garment():
    """Its edge is off by 10 in the median, so that what is off by 30 may be background."""
    photo = np.full((50, 50, 3), 10.0)
    photo[10:20, 10:20], photo[30:40, 10:20] = 31, 30
    garment = _garment(photo, np.zeros(3))
    assert garment[10:20, 10:20].all()
    assert garment.sum() == 100


@pytest.mark.parametrize(
    ("tone", "black", "painted", "moved"),
    [(250, False, 255, 197), (190, False, 255, 190), (5, True, 0, 58), (90, True, 0, 90)],
)
def test_a_garment_is_moved_away_from_its_new_background(tone, black, painted, moved):
    where = np.zeros((4, 5), bool)
    where[1:3, 2:4] = True
    found = _cut_out(np.where(where[..., None], tone, 128) * np.ones(3), where, black)
    assert found.dtype == np.uint8
    assert set(found[where].ravel()) == {moved}
    assert set(found[~where].ravel()) == {painted}


@pytest.mark.parametrize(
    ("tones", "black", "moved"),
    [([5, 5, 5, 250], True, [58, 58, 58, 255]), ([250, 250, 250, 3], False, [197, 197, 197, 0])],
)
def test_a_tone_is_moved_as_far_as_there_are_tones(tones, black, moved):
    photo = np.array([[[tone] * 3 for tone in tones]], float)
    found = _cut_out(photo, np.ones((1, 4), bool), black)
    np.testing.assert_array_equal(found[0, :, 0], moved)


@pytest.mark.parametrize(("corner", "framed"), [(15, True), (22, False)])
def test_a_frame_may_have_round_corners_but_not_too_round_ones(corner, framed):
    """Of a line two pixels within the frame, 256 pixels long, 26 belong to the corners, or 40."""
    photo = np.full((300, 300, 3), 255.0)
    photo[20:280, 20:280] = 0
    for rows in (np.s_[20 : 20 + corner], np.s_[280 - corner : 280]):
        photo[rows, 20 : 20 + corner] = photo[rows, 280 - corner : 280] = 255
    inside, sides = _within_frame(photo)
    assert len(sides) == 4 * framed
    if framed:  # and two hundredths of the photo's edge go with it
        assert inside.shape == (300 - 2 * (20 + 6), 300 - 2 * (20 + 6), 3)


@pytest.mark.parametrize(
    ("tone", "pixels", "framed"), [(246, 52, True), (245, 52, False), (245, 48, True)]
)
def test_a_frame_is_of_one_colour_but_for_nine_tones_or_a_fiftieth_of_its_edge(
    tone, pixels, framed
):
    """So many of its outermost 2,400 pixels are of another tone, a fourth at each side."""
    photo = np.full((600, 600, 3), 255.0)
    photo[20:580, 20:580] = 0
    spots = np.arange(10, 10 + pixels // 4)
    photo[0, spots, 0] = photo[-1, spots, 0] = photo[spots, 0, 0] = photo[spots, -1, 0] = tone
    assert (_within_frame(photo)[0] is not None) == framed


def test_a_line_has_the_colour_of_most_of_its_pixels():
    white, mixed = np.full((10, 3), 255), np.full((10, 3), 255)
    mixed[:3] = 0
    assert _differs(white, mixed) == 0
    assert _differs(mixed, white) == pytest.approx(0.3)


def test_a_few_pixels_do_not_change_a_frames_colour():
    """A fiftieth of its edge is white: its mean is 103, from which 88 would be another colour."""
    photo = np.full((600, 600, 3), 100.0)
    photo[20:580, 20:580] = 88
    photo[40:560, 40:560] = 0
    some = np.s_[100:111]  # at each side
    photo[0, some] = photo[-1, some] = photo[some, 0] = photo[some, -1] = 255
    assert _within_frame(photo)[0].shape == (600 - 2 * (40 + 12), 600 - 2 * (40 + 12), 3)


def test_a_frame_may_differ_in_one_colour_alone():
    photo = np.full((300, 300, 3), 255.0)
    photo[20:280, 20:280, 2] = 0
    assert len(_within_frame(photo)[1]) == 4


def test_a_line_at_one_side_is_found_though_all_sides_are_nearly_white():
    photo = np.full((28, 1500, 3), 255.0)
    photo[:, 0] = 0
    inside, sides = _within_frame(photo)
    assert sides == {"left"}
    assert inside.shape == (28, 1500 - (1 + 30), 3)


def test_two_thin_stripes_are_no_frame():
    photo = np.full((600, 600, 3), 255.0)
    photo[100:105] = photo[495:500] = 0
    assert _within_frame(photo)[0] is None


@pytest.mark.parametrize(("width", "framed"), [(14, True), (15, False)])
@pytest.mark.parametrize("sides", ["all", "top and bottom"])
def test_within_a_frame_28_pixels_have_to_be_left(width, framed, sides):
    photo = np.full((60, 60 if sides == "all" else 90, 3), 255.0)
    photo[width : 60 - width, width : -width if sides == "all" else None] = 0
    if sides != "all":
        photo[width : 60 - width, :width] = 0
    wanted = {"top", "bottom", "left", "right"} if sides == "all" else {"top", "bottom"}
    assert (_within_frame(photo)[1] == wanted) == framed


def test_of_a_small_photo_two_pixels_go_with_the_frame():
    photo = np.full((60, 60, 3), 255.0)
    photo[5:55, 5:55] = 0
    assert _within_frame(photo)[0].shape == (60 - 2 * (5 + 2), 60 - 2 * (5 + 2), 3)


@pytest.mark.parametrize(("width", "seen"), [(56, True), (50, False)])
def test_in_a_frame_a_tenth_has_to_be_garment(saved, width, seen):
    """Of 160 x 160 pixels within the frame and what goes with it, 10.5 % or 9.4 %."""
    picture = Image.new("RGB", (200, 200), BLACK)
    ImageDraw.Draw(picture).rectangle([16, 16, 183, 183], fill=CREAM)
    ImageDraw.Draw(picture).rectangle([60, 60, 60 + width - 1, 60 + 48 - 1], fill=BLUE)
    if seen:
        assert photo.steps(saved(picture))["trimmed"].shape == (48, width, 3)
    else:
        with pytest.raises(CourseError, match="frame"):
            photo.steps(saved(picture))


@pytest.mark.parametrize(
    "shape", [(112, 56), (56, 112), (28, 27), (300, 3), (20, 14), (7, 14), (1, 2)]
)
def test_the_longer_edge_becomes_28_pixels(shape):
    """By averaging, or by Pillow's bicubic interpolation where the picture is smaller."""
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    found = _resize(picture)
    small = [max(1, round(28 * side / max(shape))) for side in shape]
    assert found.shape == (*small, 3)
    if max(shape) == 112:
        blocks = picture.reshape(small[0], 4, small[1], 4, 3).mean(axis=(1, 3))
        assert np.abs(found - blocks).max() <= 1
    elif max(shape) < 28:
        wanted = Image.fromarray(picture).resize(small[::-1], Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(found, np.asarray(wanted))


def test_margins_are_cut_off():
    picture = np.arange(24).reshape(4, 6)
    np.testing.assert_array_equal(_without(picture, {}), picture)
    np.testing.assert_array_equal(_without(picture, {"top": 1, "right": 2}), picture[1:, :4])
    np.testing.assert_array_equal(_without(picture, {"bottom": 3, "left": 5}), [[5]])
    assert _without(picture, {"left": 1, "right": 9, "bottom": 9}).size == 0
    assert _without(picture, {"bottom": 9}).size == _without(picture, {"right": 9}).size == 0
    assert _without(picture, {"right": 6}).shape == (4, 0)


@pytest.mark.parametrize(("shape", "top", "left"), [((28, 3), 0, 12), ((27, 28), 0, 0)])
@pytest.mark.parametrize("background", [0, 255])
def test_a_picture_is_put_in_the_middle(shape, top, left, background):
    canvas = _centre(np.full((*shape, 3), 7, np.uint8), background)
    inside = canvas[top : top + shape[0], left : left + shape[1]]
    assert (canvas.shape, canvas.dtype) == ((28, 28, 3), np.uint8)
    assert (inside == 7).all()
    assert (canvas == background).sum() == canvas.size - inside.size


def test_a_cut_out_picture_is_laid_on_white_or_if_it_is_light_on_black():
    half, none, full = (200, 100, 50, 128), (10, 20, 30, 0), (200, 100, 50, 255)
    found = file._on_plain_background(np.array([[half, none, full]], np.uint8))
    assert found.tolist() == [[[227, 177, 152], [255, 255, 255], [200, 100, 50]]]
    for light, background in ((192, 0), (191, 255)):  # in the mean of what is seen
        pixels = np.array([[(light, light, light, 128), (9, 9, 9, 127), (0, 0, 0, 0)]], np.uint8)
        assert file._on_plain_background(pixels)[0, 2].tolist() == [background] * 3
    assert file._on_plain_background(np.zeros((1, 1, 4), np.uint8)).tolist() == [[[255, 255, 255]]]


def test_the_shirt_is_bright_on_black_and_in_its_proportions(shirt):
    drawn = Image.new("L", (280, 280))
    corners = [(280 * x - 5, 280 * y) for x, y in SHIRT]
    ImageDraw.Draw(drawn).polygon(corners, fill=255)
    inside = np.asarray(drawn.resize((28, 28), Image.Resampling.BOX))
    assert shirt[inside == 255].min() > 90
    assert shirt[inside == 0].max() < 90
    assert shirt[:, [0, 1, -2, -1]].max() == 0
    assert alike(shirt, inside) > 0.9


@pytest.mark.parametrize("spread", [0, 6])
@pytest.mark.parametrize("background", [CREAM, BLACK, NIGHT, GREEN, WOOD, (128, 128, 128)])
@pytest.mark.parametrize("garment", [BLUE, ROSE])
def test_the_background_does_not_matter(saved, shirt, garment, background, spread):
    assert alike(one(saved(noisy(draw(garment, background), spread))), shirt) > 0.95


@pytest.mark.parametrize(
    ("garment", "background", "painted"),
    [
        (BLACK, WHITE, 255),
        (PALE, BLACK, 0),
        (PALE, WOOD, 255),
        (BLACK, WOOD, 255),
        (WHITE, CREAM, 255),
        (CREAM, WHITE, 255),
        (PALE, NIGHT, 255),
        (NIGHT, BLACK, 0),
    ],
)
def test_dark_and_light_garments_come_out_bright(saved, shirt, garment, background, painted):
    path = saved(draw(garment, background))
    found = photo.steps(path)
    assert found["cut out"][0, 0].tolist() == found["centred"][0, 0].tolist() == [painted] * 3
    image = one(path)
    assert alike(image, shirt) > 0.8
    assert np.median(image[shirt > 90]) > 60


def test_uneven_light_is_no_garment(saved, shirt):
    pixels = np.asarray(draw(BLUE, CREAM)).astype(float)
    pixels *= np.linspace(0.6, 1.1, pixels.shape[1])[:, None]
    path = saved(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
    assert alike(one(path), shirt) > 0.9


def test_a_soft_shadow_is_no_garment(saved):
    dark, pixels = (40, 40, 60), np.asarray(draw((40, 40, 60))).astype(float)
    shadow = np.hypot(*np.mgrid[-1:1:300j, -1:1:360j]) < 0.6
    pixels[shadow & (pixels.min(axis=2) > 250)] *= 0.88
    whole = photo.steps(saved(draw(dark)))["trimmed"].shape
    assert photo.steps(saved(Image.fromarray(pixels.astype(np.uint8))))["trimmed"].shape == whole


def test_specks_do_not_mislead_the_trim(saved):
    pixels = np.array(draw())
    clean = photo.steps(saved(Image.fromarray(pixels)))
    for row, column in [(0, 0), (2, 300), (150, 4), (297, 180), (290, 350)]:
        pixels[row : row + 2, column : column + 2] = BLACK
    found = photo.steps(saved(Image.fromarray(pixels)))
    for step in list(clean)[1:]:
        assert (found[step] == clean[step]).all()


def test_a_garment_may_reach_the_edge(saved):
    right, left = [(0.7, 0.1), (0.75, 1.3), (0.55, 1.3)], [(0.45, 1.3), (0.25, 1.3), (0.3, 0.1)]
    trousers = [*right, (0.5, 0.4), *left]
    image = one(saved(draw(shape=trousers, background=WOOD)))
    assert image[-1, 13] == image[-1, 14] == 0  # between the legs
    assert np.median(image[-1][image[-1] > 0]) > 100


def test_pairs_and_holes_stay(saved):
    picture = Image.new("RGB", (300, 300), CREAM)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((60, 40, 240, 240), outline=GREEN, width=24)  # a handle, and what it holds
    pen.rectangle((40, 150, 260, 270), fill=GREEN)
    pen.rectangle((30, 10, 60, 40), fill=GREEN)  # a smaller second piece
    image = one(saved(picture))
    assert image[8:12, 13:16].max() < 30  # one sees through the handle
    assert image[0, 2] > 100


@pytest.mark.parametrize("size", [(1200, 160), (160, 1200), (2000, 1500), (64, 48)])
@pytest.mark.parametrize("share", [0.35, 0.98])
def test_any_size(saved, shirt, size, share):
    assert alike(one(saved(draw(size=size, share=share))), shirt) > 0.85


def test_very_wide_and_very_narrow(saved):
    belt = Image.new("RGB", (900, 300), CREAM)
    ImageDraw.Draw(belt).rectangle((20, 140, 880, 143), fill=BLACK)
    assert np.flatnonzero(one(saved(belt)).any(axis=1)).tolist() == [13]
    ImageDraw.Draw(belt).rectangle((20, 100, 880, 186), fill=BLACK)
    wide = one(saved(belt))
    assert np.flatnonzero(wide.any(axis=1)).tolist() == [12, 13, 14]
    assert (one(saved(belt.transpose(Image.Transpose.ROTATE_90))).T[12:15] > 200).all()


def test_five_pixels_are_enough_to_begin_with(saved):
    pixels = np.full((5, 5, 3), 255, np.uint8)
    pixels[1:4, 1:4] = BLUE
    assert one(saved(Image.fromarray(pixels))).min() > 200


@pytest.mark.parametrize("label", range(10))
@pytest.mark.parametrize("look", ["negative", "as it is"])
def test_an_enlarged_image_comes_back(saved, label, look):
    drawn = standin._pictures(np.random.default_rng(label), label)[0]
    seen = drawn > 0.05 * 255
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    cut = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 28 / max(cut.shape)
    small = Image.fromarray(cut).resize([max(1, round(scale * k)) for k in cut.shape[::-1]])
    image = np.zeros((28, 28), np.uint8)
    top, left = (28 - small.height) // 2, (28 - small.width) // 2
    image[top : top + small.height, left : left + small.width] = small
    enlarged = np.pad(np.kron(image, np.ones((9, 9), np.uint8)), 40)
    enlarged = 255 - enlarged if look == "negative" else enlarged
    assert alike(one(saved(Image.fromarray(enlarged))), image) > 0.9


# How a camera must have stored an upright photo for each note to be right (Exif 2.32, 4.6.4 A):
# which side of the photo is the first row, and which the first column.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],  # top, right
    3: lambda upright: upright[::-1, ::-1],  # bottom, right
    4: lambda upright: upright[::-1],  # bottom, left
    5: lambda upright: upright.swapaxes(0, 1),  # left, top
    6: lambda upright: np.rot90(upright),  # right, top
    7: lambda upright: np.rot90(upright)[:, ::-1],  # right, bottom
    8: lambda upright: np.rot90(upright, -1),  # left, bottom
}


def noted(pixels: np.ndarray, orientation: int) -> dict[str, object]:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return {"picture": Image.fromarray(np.ascontiguousarray(pixels)), "exif": exif}


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "16 bits.png"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_comes_out_upright(saved, shirt, orientation, kind):
    sixteen = kind == "16 bits.png"
    upright = np.asarray(draw().convert("L") if sixteen else draw())
    stored = STORED[orientation](np.uint16(upright) * 257 if sixteen else upright)
    options = {"lossless": True} if kind == "webp" else {"quality": 95} if kind == "jpg" else {}
    path = saved(name=f"turned.{kind}", **noted(stored, orientation), **options)
    found = photo.steps(path)["photo"]
    assert found.shape == (300, 360, 3)
    off = np.abs(found - np.atleast_3d(upright).astype(float))
    assert off.mean() < 1 if kind == "jpg" else off.max() == 0
    assert alike(one(path), shirt) > (0.9 if sixteen else 0.99)


@pytest.mark.parametrize("kind", ["jpg", "png"])
@pytest.mark.parametrize("orientation", [3, 5, 8])
def test_large_photos_come_out_upright(saved, orientation, kind):
    upright = np.asarray(draw(size=(1500, 1000)))
    path = saved(name=f"large.{kind}", **noted(STORED[orientation](upright), orientation))
    found = photo.steps(path)["photo"].astype(float)
    wanted = photo.steps(saved(Image.fromarray(upright)))["photo"]
    assert found.shape == wanted.shape == (373, 560, 3)
    assert np.abs(found - wanted).mean() < 1


@pytest.mark.parametrize("orientation", [0, 9])
def test_a_note_that_means_nothing_turns_nothing(saved, orientation):
    pixels = np.asarray(draw())
    assert (photo.steps(saved(**noted(pixels, orientation)))["photo"] == pixels).all()


def with_alpha(garment=BLUE, hidden=(255, 0, 0)) -> Image.Image:
    cover = draw(WHITE, BLACK).convert("L").point(lambda value: 255 * (value > 99))
    picture = Image.new("RGB", cover.size, hidden)
    picture.paste(draw(garment), mask=cover)
    picture.putalpha(cover)
    return picture


def sixteen_bits() -> Image.Image:
    return Image.fromarray(np.asarray(draw().convert("L")).astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        (lambda: draw(), "a.JPG"),
        (lambda: draw().convert("L"), "a.jpeg"),
        (lambda: draw().convert("CMYK"), "a.jpg"),
        (lambda: draw(), "a.webp"),
        (lambda: draw().convert("L"), "a.png"),
        (lambda: draw(BLACK).convert("1"), "a.png"),
        (lambda: draw().quantize(16), "a.png"),
        (sixteen_bits, "a.png"),
        (with_alpha, "a.png"),
        (with_alpha, "a.webp"),
        (lambda: with_alpha().convert("LA"), "a.png"),
        (lambda: with_alpha().quantize(16), "a.png"),
    ],
    ids=[
        "jpeg",
        "grey-jpeg",
        "cmyk-jpeg",
        "webp",
        "grey",
        "one-bit",
        "palette",
        "16-bit",
        "alpha",
        "alpha-webp",
        "grey-alpha",
        "palette-alpha",
    ],
)
def test_every_kind_of_file(saved, shirt, picture, name):
    assert alike(one(saved(picture(), name)), shirt) > 0.85


def chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png(width: int, height: int, bits: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    body = extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


@pytest.mark.parametrize("colour", [2, 6])
def test_sixteen_bits_a_colour(tmp_path, shirt, colour):
    pixels = np.asarray(draw() if colour == 2 else with_alpha()).astype(">u2") * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    path = tmp_path / "deep.png"
    path.write_bytes(png(360, 300, 16, colour, rows))
    assert alike(one(path), shirt) > 0.99 - 0.1 * (colour == 6)


@pytest.mark.parametrize("garment", [BLACK, BLUE, PALE, WHITE])
def test_a_cut_out_garment_is_seen_whatever_its_colour(saved, shirt, garment):
    hidden = [one(saved(with_alpha(garment, colour), "cut.png")) for colour in (WHITE, BLACK)]
    assert alike(hidden[0], shirt) > 0.8
    assert (hidden[0] == hidden[1]).all()  # what colour is under the transparency doesn't matter


def refused(path: Path | str) -> str:
    """The one sentence that refuses a file."""
    with pytest.raises(CourseError) as error:
        photo.steps(path)
    sentence = str(error.value)
    assert "\n" not in sentence
    assert sentence.isprintable()
    assert sentence.endswith(".")
    assert file.shown(path) in sentence
    with pytest.raises(CourseError, match=re.escape(sentence)):
        photo.prepare([path])
    return sentence


def write(content: bytes):
    return lambda path: path.write_bytes(content)


def store(picture: Image.Image, kind: str = "PNG", cut: int | None = None):
    def save(path: Path) -> None:
        picture.save(path, kind)
        path.write_bytes(path.read_bytes()[:cut])

    return save


def claiming(width: int, height: int, **options: object):
    """A small JPEG whose header claims to be larger."""

    def save(path: Path) -> None:
        draw(size=(64, 48)).save(path, "JPEG", **options)
        content, size = bytearray(path.read_bytes()), struct.pack(">HH", 48, 64)
        content[(at := content.index(size)) : at + 4] = struct.pack(">HH", height, width)
        path.write_bytes(content)

    return save


def sparse(path: Path) -> None:
    draw(size=(30, 30)).save(path, "PNG")
    os.truncate(path, 160_000_000)


CLAIM = 4 * b"\0"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "doesn't exist"),
        (lambda path: path.mkdir(), "is a folder"),
        (write(b""), "is empty"),
        (write(b"a shirt"), "is not a JPEG, PNG or WebP picture"),
        (write(b"\x89PNG\r\n\x1a\n"), "is damaged"),
        (write(b"\xff\xd8\xff\xe0"), ""),
        (write(b"RIFF\x10\0\0\0WEBPVP8X"), ""),
        (store(draw(), "GIF"), "is a GIF picture, not a JPEG, PNG or WebP picture"),
        (store(draw(), "TIFF"), "is a TIFF or a camera's raw picture, not a JPEG"),
        (store(draw(), "AVIF"), "is an AVIF picture"),
        (write(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "is a HEIC picture, not a JPEG"),
        (write(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"), "is a HEIC picture, not a JPEG"),
        (write(b"\0\0\0\x14ftypqt  \0\0\0\0"), "is a video"),
        (write(b"%PDF-1.7"), "is a PDF"),
        (write(b"<!DOCTYPE html>"), "is not a JPEG, PNG or WebP picture"),
        (store(draw(), "PPM"), "is not a JPEG, PNG or WebP picture"),
        (store(noisy(draw(), 9), "PNG", -9_000), "is damaged"),
        (store(noisy(draw(), 9), "JPEG", -9_000), "is damaged"),
        (store(noisy(draw(), 9), "WEBP", -3_000), ""),
        (write(png(100_000, 100_000, 8, 2, CLAIM)), "at most 50 million, or save it as a JPEG"),
        (write(png(8_000, 8_000, 8, 2, CLAIM)), "has 8000 x 8000 pixels"),
        (claiming(20_000, 20_000), "has 20000 x 20000 pixels; shrink it to at most 250 million."),
        (claiming(60_000, 60_000), "has 60000 x 60000 pixels"),
        (claiming(9_000, 6_000, progressive=True), "not a progressive one"),
        (write(png(50_000_001, 1, 8, 0, CLAIM)), "has 50000001 x 1 pixels"),
        (write(png(50_000_000, 1, 8, 0, CLAIM)), "is damaged"),
        (write(png(300, 200, 8, 2, CLAIM)), "is damaged"),
        (write(png(0, 0, 8, 2, CLAIM)), ""),
        (sparse, "is larger than 150 MB"),
        (store(Image.new("RGB", (1, 1), BLUE)), "No garment stands out"),
        (store(Image.new("RGB", (300, 200), BLUE)), "No garment stands out"),
        (store(Image.new("RGBA", (300, 200))), "No garment stands out"),
        (store(noisy(Image.new("RGB", (300, 200), BLUE), 25)), "No garment stands out"),
        (store(draw(share=0.05)), "No garment stands out"),
    ],
)
def test_what_is_no_photo_is_refused_in_one_sentence(tmp_path, make, words):
    make(path := tmp_path / "my photo.jpg")
    assert words in refused(path)


# As telephones write them


TEXT = zlib.compress(5_000_000 * b"a")
ODD = {
    "zTXt": chunk(b"zTXt", b"note\0\0" + TEXT),
    "iTXt": chunk(b"iTXt", b"note\0\1\0\0\0" + TEXT),
    "raw iTXt": chunk(b"iTXt", b"note\0\0\0\0\0" + 5_000_000 * b"a"),
    "tEXt": chunk(b"tEXt", b"note\0" + 5_000_000 * b"a"),
    "a hundred": 100 * chunk(b"zTXt", b"note\0\0" + zlib.compress(900_000 * b"a")),
    "no zlib": chunk(b"zTXt", b"note\0\0garbage"),
    "an odd name": chunk(b"ab\0d", b"1234"),
    "private": chunk(b"prIv", bytes(1000)),
    "colours": chunk(b"iCCP", b"icc\0\0" + TEXT),
    "wrong check": chunk(b"tIME", bytes(7))[:-1] + b"x",
    "animated": chunk(b"acTL", b"\0\0"),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("where", [33, -12])
def test_what_else_a_png_holds_is_ignored(saved, shirt, odd, where):
    whole = saved(draw()).read_bytes()
    path = saved(draw())
    path.write_bytes(whole[:where] + ODD[odd] + whole[where:])
    assert (one(path) == shirt).all()


def test_beside_an_odd_chunk_palette_transparency_and_orientation_still_count(saved):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    path = saved(with_alpha().quantize(16), "turned.png", exif=exif)
    whole = path.read_bytes()
    assert all(kind in whole for kind in (b"PLTE", b"tRNS", b"eXIf"))
    wanted = photo.steps(path)["photo"]
    path.write_bytes(whole[:33] + ODD["animated"] + whole[33:])
    np.testing.assert_array_equal(photo.steps(path)["photo"], wanted)


def test_of_several_pictures_in_a_jpeg_the_first_counts(saved, shirt):
    others = [draw(GREEN, size=(90, 60))]
    path = saved(draw(), "several.jpg", format="MPO", save_all=True, append_images=others)
    assert alike(one(path), shirt) > 0.99
    path.write_bytes(path.read_bytes()[:-800])  # what is behind the first one has no say
    assert alike(one(path), shirt) > 0.99


def test_an_animation_is_no_photo(saved):
    path = saved(draw(), "a.webp", save_all=True, append_images=[draw(GREEN)], lossless=True)
    assert "a.webp is an animation, not a photo; save one of its pictures" in refused(path)


@pytest.mark.filterwarnings("error")  # Pillow's remarks are for nobody
def test_a_damaged_note_turns_nothing(saved, shirt):
    odd = b"Exif\0\0II*\0\xff\xff\xff\x7f garbage"
    assert alike(one(saved(draw(), "odd.jpg", exif=odd, quality=95)), shirt) > 0.99


PEAK = """
import re, sys
from fmnist_utils import photo
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1000
before = peak()
print(*photo.steps(sys.argv[1])["photo"].shape, peak() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="measures memory as Linux does")
@pytest.mark.parametrize("size", [(16384, 12288), (65000, 1100)])
def test_two_hundred_million_pixels_are_shrunk_on_the_way(tmp_path, shirt, size):
    path = tmp_path / "large.jpg"
    shrunk = draw(background=WOOD, size=(size[0] // 16, size[1] // 16))
    shrunk.resize(size, Image.Resampling.NEAREST).save(path, quality=60)
    command = [sys.executable, "-c", PEAK, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    height, width, _, megabytes = map(float, done.stdout.split())
    assert max(height, width) == 560
    assert megabytes < 150
    if size[0] < 2 * size[1]:
        assert alike(one(path), shirt) > 0.95


@pytest.mark.parametrize(
    ("width", "height", "asked"),
    [
        (10_000, 5_000, (560, 560)),  # 50 million: the decoder's smallest that is not too small
        (10_000, 5_001, (560, 280)),  # more: as small as it can
        (12_288, 16_384, (420, 560)),
        (64, 48, (560, 560)),
    ],
)
def test_how_small_a_jpeg_is_decoded(tmp_path, monkeypatch, width, height, asked):
    sizes = []

    def draft(image, mode, size):
        sizes.append((mode, size))
        raise OSError("far enough")

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", draft)
    claiming(width, height)(path := tmp_path / "shirt.jpg")
    assert "is damaged" in refused(path)
    assert sizes[0] == ("RGB", asked)


def framed(sides: dict[str, int], colour=WHITE, inside: Image.Image | None = None) -> Image.Image:
    inside = inside or noisy(draw(BLUE, WOOD, (400, 300)), 4)
    top, bottom, left, right = (sides.get(side, 0) for side in ("top", "bottom", "left", "right"))
    picture = Image.new("RGB", (inside.width + left + right, inside.height + top + bottom), colour)
    picture.paste(inside, (left, top))
    return picture


FRAMES = {
    "frame": {"top": 20, "bottom": 20, "left": 20, "right": 20},
    "thin": {"top": 3, "bottom": 3, "left": 3, "right": 3},
    "instant": {"top": 20, "bottom": 90, "left": 20, "right": 20},
    "letterbox": {"top": 70, "bottom": 60},
    "pillars": {"left": 100, "right": 100},
    "three sides": {"top": 40, "left": 40, "right": 40},
}


@pytest.mark.parametrize(
    ("colour", "name", "times"),
    [
        (WHITE, "framed.png", 1),
        ((0, 0, 0), "framed.jpg", 4),
        ((200, 20, 20), "framed.jpg", 1),
        ((248, 246, 240), "framed.png", 1),
    ],
)
@pytest.mark.parametrize("frame", FRAMES)
def test_frames_and_bars_are_cut_off(saved, shirt, frame, colour, name, times):
    picture = framed(FRAMES[frame], colour)
    size = [times * side for side in picture.size]
    path = saved(picture.resize(size, Image.Resampling.BICUBIC), name)
    assert alike(one(path), shirt) > 0.95


@pytest.mark.parametrize("name", ["framed.png", "framed.jpg"])
def test_a_frame_in_a_frame(saved, shirt, name):
    twice = framed(FRAMES["frame"], WHITE, framed(FRAMES["thin"], (0, 0, 0)))
    assert alike(one(saved(twice, name)), shirt) > 0.95
    assert alike(one(saved(framed(FRAMES["frame"], inside=draw()), name)), shirt) > 0.99


@pytest.mark.parametrize("sides", [{"bottom": 60}, {"left": 50}, {"top": 40, "left": 40}])
def test_what_may_be_a_bar_is_told(saved, sides):
    assert "seems to have a frame, or a bar at one side; cut it off" in refused(
        saved(framed(sides))
    )


def test_a_rectangle_is_no_frame(saved):
    plain = Image.new("RGB", (200, 120), BLUE)
    image = one(saved(framed(FRAMES["frame"], inside=plain)))
    assert (image > 0).all(axis=1).sum() >= 16
    ImageDraw.Draw(plain).rectangle((80, 40, 110, 70), fill=ROSE)  # a bag's buckle, or a garment?
    assert "seems to have a frame" in refused(saved(framed(FRAMES["frame"], inside=plain)))


# How they are named


def test_one_name_is_a_list_of_one(saved, shirt):
    path = saved(draw())
    for given in (path, str(path), [str(path)], (path,), iter([path])):
        assert (photo.prepare(given) == shirt).all()


def test_the_home_folder(saved, shirt, tmp_path, monkeypatch):
    saved(draw())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for given in ("~/shirt.png", Path("~/shirt.png")):
        assert (photo.prepare(given) == shirt).all()
    assert "~/none.png doesn't exist" in refused("~/none.png")
    assert "nobody's home" in refused("~nobody-of-this-name/shirt.png")
    monkeypatch.chdir(tmp_path)
    saved(draw(), "~shirt.png")
    assert (photo.prepare("~shirt.png") == shirt).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "name is empty"),
        ("  ", "name is empty"),
        (Path(), "is a folder"),
        ("https://example.org/shirt.jpg", "is an address"),
        ("HTTP://example.org/shirt.jpg", "is an address"),
        (Path("https://example.org/shirt.jpg"), "is an address"),
        ("file:///home/me/shirt.jpg", "is an address"),
        ("data:image/png;base64,AAAA", "is an address"),
        (None, "of type NoneType"),
        (3, "of type int"),
        (b"shirt.jpg", "of type bytes"),
        (np.zeros((28, 28)), "of type ndarray"),
    ],
)
def test_what_is_no_name_is_told(given, words):
    for call in (photo.steps, photo.prepare):
        asked = [given] if call is photo.prepare and given is not None else given
        with pytest.raises(CourseError) as error:
            call(asked)
        assert words in str(error.value)
        assert "\n" not in str(error.value)


def test_no_photo_at_all():
    with pytest.raises(CourseError, match="No photo is named"):
        photo.prepare([])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in folders are POSIX's")
def test_links_that_lead_nowhere_and_pipes_that_never_end(tmp_path):
    (tmp_path / "link.png").symlink_to("nowhere")
    assert "doesn't exist" in refused(tmp_path / "link.png")
    (tmp_path / "circle.png").symlink_to("circle.png")
    assert "can't be read" in refused(tmp_path / "circle.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert "is not a regular file" in refused(tmp_path / "pipe.png")
    assert "is not a regular file" in refused("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_no_right_to_read(saved):
    path = saved(draw())
    path.chmod(0)
    assert "Permission denied" in refused(path)


@pytest.mark.parametrize("name", ["two\nlines.jpg", "\x1b[2J.jpg", "null\0.jpg", "x" * 5_000])
def test_names_cannot_break_the_sentence(name):
    refused(name)


def test_why_a_file_cannot_be_read_is_told_in_the_systems_words():
    assert f"can't be read ({os.strerror(errno.ENAMETOOLONG)})" in refused("x" * 5_000)
    assert "(embedded null" in refused("null\0.jpg")


@pytest.mark.parametrize("edge", [8_000, 100_000])
def test_too_many_pixels_are_never_decoded(tmp_path, monkeypatch, edge):
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load_prepare", decode)
    path = tmp_path / "bomb.png"
    path.write_bytes(png(edge, edge, 8, 2, CLAIM))
    assert "pixels" in refused(path)
    path.write_bytes(png(30, 30, 8, 2, CLAIM))  # this test can fail
    assert "AssertionError" in refused(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damage_anywhere_gives_a_picture_or_a_sentence(tmp_path, kind):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = tmp_path / "damaged"
    noisy(draw(size=(60, 50)), 3).save(path, kind, exif=exif)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    ends = set()
    for trial in range(60):
        content = bytearray(whole)
        reach = 120 if trial % 2 else len(content)  # the headers more often than the rest
        for where in rng.integers(0, reach, 1 + trial % 4):
            content[where] = rng.integers(256)
        path.write_bytes(content[: rng.integers(1, len(content))] if trial % 5 == 0 else content)
        try:
            ends.add(photo.prepare([path]).shape)
        except CourseError as error:
            ends.add(str(error).count("\n"))
    assert 0 in ends
    assert ends <= {(1, 28, 28), 0}


# The command


@pytest.fixture
def asked(monkeypatch):
    """A network that is trained already: its answers are set, what it was asked is kept."""
    asked = SimpleNamespace(
        answers=np.array([[0.02, 0, 0, 0, 0, 0, 0, 0.07, 0.01, 0.9]]), images=[]
    )

    def outputs(images: np.ndarray) -> np.ndarray:
        asked.images = images
        return np.resize(asked.answers, (len(images), 10))

    def shipped(id: str) -> model.Network:
        asked.id = id
        return model.Network(outputs, "Fashion-MNIST", 0.891, 1.0)

    def trained(recipe, profile) -> model.Network:
        asked.recipe, asked.profile = recipe, profile
        return model.Network(outputs, "drawn stand-in", 0.891, 1.0)

    monkeypatch.setattr(ready, "TRAINED", ("cnn-standard", "speedrun-small"))
    monkeypatch.setattr(model, "shipped", shipped)
    monkeypatch.setattr(model, "trained", trained)
    return asked


@pytest.mark.parametrize(("largest", "unsure"), [(0.59, True), (0.6, False), (0.65, False)])
def test_below_three_fifths_the_network_is_unsure(largest, unsure):
    assert answer.unsure(np.array([largest, 1 - largest] + 8 * [0])) is unsure


def test_predict_names_the_best_three_of_each_photo(saved, asked, capsys):
    unsure = [0.3, 0, 0.1, 0, 0.05, 0, 0.55, 0, 0, 0]
    asked.answers = np.vstack([asked.answers, unsure])
    paths = [str(saved(draw(), "boot.png")), str(saved(draw(ROSE, BLACK), "two\nlines.jpg"))]
    assert main(["predict", *paths]) == 0
    wanted = f"""
{paths[0]}
  Ankle boot    90.0 %
  Sneaker        7.0 %
  T-shirt/top    2.0 %

{ascii(paths[1])}
  Shirt         55.0 %
  T-shirt/top   30.0 %
  Pullover      10.0 %
  The network is unsure: Shirt is its best guess, T-shirt/top the next.

This model names 89 % of Fashion-MNIST's test images rightly. Expect less on your photos:
it has seen one shop's pictures only, and gives one of its ten names even to a teapot.
"""
    assert capsys.readouterr().out == wanted
    assert asked.id == "speedrun-small"
    assert (asked.images == photo.prepare(paths)).all()


@pytest.mark.parametrize(
    "options",
    [
        ["mlp-350-80"],
        ["cnn-standard", "--profile", "smoke"],
        ["cnn-standard-shortcut", "--profile", "smoke"],
    ],
)
def test_predict_trains_what_does_not_come_trained(saved, asked, capsys, options):
    assert main(["predict", str(saved(draw())), "--model", *options]) == 0
    assert capsys.readouterr().out.endswith("about a real photo means nothing.\n")
    assert asked.recipe.id == options[0]
    assert asked.profile.name == (
        "smoke" if options[1:] else os.environ.get("FMNIST_PROFILE") or "lesson"
    )
    assert not hasattr(asked, "id")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--model", "cnn"], "'cnn' is not a model; choose one of heads-softmax, "),
        (["--model", "heads-tanh"], "heads-tanh ends in tanh"),
        (["--profile", "quick"], "'quick' is not a profile"),
        (["no.jpg", "--explain", "a.png"], "--explain draws one photo, and not 2"),
        (
            ["--csv", __file__],
            "test_photo.py would overwrite a file that this command hasn't written",
        ),
        (
            ["--csv", "no-folder/a.csv", "--model", "mlp-tuned"],
            "a.csv can't be written (No such file",
        ),
    ],
)
def test_predict_refuses_the_whole_call_before_any_work(saved, monkeypatch, capsys, options, word):
    def load(*_: object) -> None:
        raise AssertionError("work has started")

    monkeypatch.setattr(data, "load", load)
    assert main(["predict", str(saved(draw())), *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err[:7], err.count("\n")) == ("", "error: ", 1)
    assert word in err


def test_thousands_of_photos_become_a_table(saved, asked, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "BLOCK", 3)
    (tmp_path / "many" / "more").mkdir(parents=True)
    for number in range(7):
        saved(draw(), f"many/{'more/' * (number % 2)}{number}.png")
    (tmp_path / "many" / "3.JPG").write_text("no photo")
    (tmp_path / "many" / "notes.txt").write_text("not asked for")
    table = tmp_path / "out.csv"
    assert main(["predict", str(tmp_path / "many"), "--csv", str(table)]) == 1
    out, err = capsys.readouterr()
    assert "7 of 8 photos answered for, 1 skipped: " in out
    assert err.startswith("skipped: ")
    assert err.endswith(
        "3.JPG is not a JPEG, PNG or WebP picture; save or export the photo as one of these.\n"
    )
    assert len(asked.images) <= 3
    found = pd.read_csv(table)
    names = [f"many/{n}.png" for n in (0, 2, 4, 6)] + [f"many/more/{n}.png" for n in (1, 3, 5)]
    assert list(found.photo) == [str(tmp_path / name) for name in names]
    assert list(found.columns[4:]) == data.CLASS_NAMES
    assert set(found["class"]) == {"Ankle boot"}
    assert set(found.unsure) == {"no"}
    assert found.probability.tolist() == [0.9] * 7
    assert found.iloc[0, 4:].tolist() == asked.answers[0].tolist()


def test_on_a_terminal_what_is_skipped_has_its_own_line(
    saved, asked, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr(predict, "BLOCK", 1)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    photos = [str(saved(draw(), "a.png")), str(tmp_path / "none.png"), str(saved(draw(), "c.png"))]
    assert main(["predict", *photos, "--csv", str(tmp_path / "out.csv")]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("\r\x1b[K1 of 3 photos\r\x1b[K\r\x1b[K3 of 3 photos\r\x1b[K")
    assert err.startswith("skipped: ")


@pytest.mark.parametrize("option", ["--csv", "--explain"])
def test_no_photo_is_overwritten(saved, capsys, option):
    shirt, other = saved(draw()), saved(draw(), "other.jpg")
    before = shirt.read_bytes(), other.read_bytes()
    for target, *named in [(other, shirt), (shirt, shirt)]:  # as the shell writes photos/* out, too
        assert main(["predict", option, str(target), *map(str, named)]) == 2
        assert f"{option} {target} would overwrite a file" in capsys.readouterr().err
    assert (shirt.read_bytes(), other.read_bytes()) == before


def test_an_interrupted_table_takes_no_finished_ones_place(
    saved, asked, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr(predict, "BLOCK", 1)
    table, photos = tmp_path / "out.csv", [str(saved(draw(), f"{n}.png")) for n in range(3)]
    table.touch()  # an empty file, as `mktemp` makes it, is none to lose
    for _ in range(2):
        assert main(["predict", *photos, "--csv", str(table)]) == 0
    before, prepare = table.read_text(), photo.prepare

    def interrupted(path: str) -> np.ndarray:
        if path == photos[2]:
            raise KeyboardInterrupt
        return prepare(path)

    monkeypatch.setattr(photo, "prepare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict.predict(photos, lambda: model.shipped("cnn-standard"), str(table))
    assert table.read_text() == before
    left = tmp_path / "out.csv.unfinished"
    assert left.read_text().splitlines() == before.splitlines()[:3]
    assert f"The answers so far: {left}\n" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):  # before there is any
        predict.predict(photos[2:], lambda: None, str(tmp_path / "none.csv"))
    assert capsys.readouterr().err == ""
    assert not list(tmp_path.glob("none*"))


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="only some systems have such devices")
def test_a_table_may_go_into_a_pipe(saved):
    command = [sys.executable, "-m", "fmnist_utils", "predict", saved(draw()), "--csv"]
    done = subprocess.run([*command, "/dev/stdout"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("photo,class,probability,unsure,T-shirt/top,")


def test_where_no_photo_is_left_nothing_is_asked(tmp_path, asked, capsys):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("no photo")
    assert main(["predict", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("skipped: "), hasattr(asked, "id")) == ("", 2, False)
    (tmp_path / "empty").mkdir()
    assert main(["predict", str(tmp_path / "empty")]) == 2
    assert "is a folder without a photo in it" in capsys.readouterr().err
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HOME", str(tmp_path))
        assert main(["predict", "~/empty"]) == 2
    assert "empty is a folder without a photo in it" in capsys.readouterr().err
    assert main(["predict", str(tmp_path / "a.png")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_an_answer_is_explained_in_a_picture(saved, asked, tmp_path, capsys):
    picture = tmp_path / "why.png"
    for _ in range(2):  # its own picture may be overwritten
        assert main(["predict", str(saved(draw())), "--explain", str(picture)]) == 0
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"
        assert drawn.width > 1000
        assert len(np.unique(np.asarray(drawn.convert("L")))) > 50
    assert main(["predict", str(saved(draw())), "--explain", str(tmp_path / "no" / "a.png")]) == 2
    assert (
        "a.png can't be written (No such file or directory); name a PNG" in capsys.readouterr().err
    )


def test_a_dollar_in_a_name_is_no_formula(saved, asked, tmp_path):
    path = saved(draw(), "a$^$.png")
    assert main(["predict", str(path), "--explain", str(tmp_path / "why.png")]) == 0


def test_an_occlusion_map_is_the_mean_fall_over_all_squares():
    # All that this network sees; who covers one of them takes so much from class 1 to another.
    seen = {(10, 11): (0.5, 0), (3, 4): (0.6, 5), (25, 25): (0.7, 7)}
    image = np.zeros((28, 28), np.uint8)
    for place in seen:
        image[place] = 200

    def predict(images: np.ndarray) -> np.ndarray:
        chances = np.tile([0, 0.8, *[0.025] * 8], (len(images), 1))
        for (row, column), (taken, other) in seen.items():
            gone = images[:, row, column] == 0
            chances[gone, 1] -= taken
            chances[gone, other] += taken
        return chances

    found = answer.occlusion(predict, image)
    corners = [(row, column) for row in range(0, 23, 2) for column in range(0, 23, 2)]
    for row, column in [(0, 0), (10, 11), (9, 12), (15, 11), (27, 27), (5, 6), (24, 26)]:
        over = [(a, b) for a, b in corners if a <= row < a + 6 and b <= column < b + 6]
        falls = [
            sum(taken for (y, x), (taken, _) in seen.items() if a <= y < a + 6 and b <= x < b + 6)
            for a, b in over
        ]
        assert found[row, column] == pytest.approx(np.mean(falls))


def test_probabilities_are_those_at_the_networks_temperature():
    outputs = np.array([[0.5, 0.25, 0.25, 0, 0, 0, 0, 0, 0, 0]])
    network = model.Network(lambda images: outputs, "Fashion-MNIST", 0.9, 0.5)
    squares = np.array([4, 1, 1]) / 6
    assert network.predict(np.zeros((1, 28, 28), np.uint8))[0, :3] == pytest.approx(squares)


@pytest.mark.parametrize("id", ready.TRAINED)
def test_what_comes_trained_answers_for_a_photo(saved, id):
    network = model.shipped(id)
    probabilities = network.predict(photo.prepare(saved(draw())))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert data.CLASS_NAMES[probabilities[0].argmax()] in ("T-shirt/top", "Shirt")
    assert network.source == "Fashion-MNIST"
    assert 0.9 < network.test_accuracy < 0.96


def test_predict_wants_a_photo(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["predict"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("the following arguments are required: PHOTO\n")


@pytest.mark.parametrize("id", MODELS)
def test_models_that_give_probabilities_can_be_chosen(id):
    last = id.split("-")[-1]
    if id.startswith("heads-") and last != "softmax":
        with pytest.raises(CourseError, match=f"{id} ends in {last}"):
            model.recipe_of(id)
    else:
        assert model.recipe_of(id) is MODELS[id]


def test_a_model_is_trained_once_and_found_again(monkeypatch, capsys):
    rng = np.random.default_rng(0)
    images = np.concatenate(2 * [standin._pictures(rng, label) for label in range(10)])
    part = data.ImageSet(images, np.tile(np.repeat(np.arange(10, dtype=np.uint8), 500), 2))
    dataset = data.Dataset(part, part, "drawn stand-in", "a test asks for it")
    monkeypatch.setattr(data, "load", lambda profile: dataset)
    recipe = PUBLISHED["mlp-350-80"]
    first = model.trained(recipe, PROFILES["smoke"])
    told = capsys.readouterr().out
    assert told.startswith("mlp-350-80 is trained first, and kept for the next time (profile smoke")
    again = model.trained(recipe, PROFILES["smoke"])
    told = capsys.readouterr().out
    assert told.startswith("mlp-350-80 was trained before (profile smoke, drawn stand-in).\n")
    image = dataset.test.images[:1]
    assert (again.predict(image) == first.predict(image)).all()


def test_of_equal_answers_the_first_classes_are_named():
    named = answer.best_three(np.eye(10)[9]).splitlines()
    assert [line.split()[0] for line in named] == ["Ankle", "T-shirt/top", "Trouser"]


def test_what_an_answer_is_worth():
    assert "means nothing" in answer.reliance("drawn stand-in", 0.99)
    assert "names 93 % of Fashion-MNIST" in answer.reliance("Fashion-MNIST", 0.9253)


def test_what_is_explained_is_what_the_network_was_asked(saved, asked, tmp_path, monkeypatch):
    drawn, path, picture = [], saved(draw(ROSE), "boot.png"), tmp_path / "why.png"
    monkeypatch.setattr(
        "fmnist_utils.plots.figures.explanation", lambda *given: drawn.append(given)
    )
    assert main(["predict", str(path), "--explain", str(picture)]) == 0
    asked.answers = np.array([[0.45, 0, 0, 0, 0, 0, 0.55, 0, 0, 0]])
    assert main(["predict", str(path), "--explain", str(picture)]) == 0
    (image,) = photo.prepare([path])
    assert (asked.images[-1] == image).all(), "as it was answered for"
    (steps, best, fall, title, file), (*_, unsure, _) = drawn
    assert (list(steps.values())[-1] == image).all()
    assert (best[9], fall.shape, file) == (pytest.approx(0.9), (28, 28), str(picture))
    assert (title, unsure) == ("boot.png: Ankle boot, 90 %", "boot.png: Shirt, 55 %, unsure")


@pytest.mark.parametrize("id", ready.TRAINED)
def test_what_comes_trained_answers_at_the_temperature_of_its_card(id):
    card = json.loads((ready.FOLDER / f"{id}.json").read_text("utf-8"))
    assert model.shipped(id).temperature == card["calibration"]["temperature"] != 1


@pytest.mark.parametrize("id", ready.TRAINED)
def test_what_comes_trained_sees_pixels_from_0_to_1(id):
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)
    wanted = ready.shipped(id).predict(images[..., None] * np.float32(1 / 255), verbose=0)
    np.testing.assert_allclose(model.shipped(id).outputs(images), wanted, rtol=1e-4, atol=1e-6)


def test_what_is_told_of_a_network_trained_here_is_of_the_test_images(monkeypatch):
    labels = np.tile(np.arange(10), 20)
    run = SimpleNamespace(
        predict=None,
        record={"source": "drawn stand-in"},
        metrics={"train_accuracy": 0.99, "val_accuracy": 0.9, "test_accuracy": 0.75},
        test_labels=labels,
        test_outputs=np.random.default_rng(0).dirichlet(np.ones(10), len(labels)),
    )
    monkeypatch.setattr(data, "load", lambda profile: SimpleNamespace(source="drawn stand-in"))
    monkeypatch.setattr(model.runs, "find", lambda *_: run)
    monkeypatch.setattr(model.runs, "train", lambda *_: run)
    network = model.trained(PUBLISHED["mlp-350-80"], PROFILES["smoke"])
    assert (network.source, network.test_accuracy) == ("drawn stand-in", 0.75)
