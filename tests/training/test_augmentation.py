"""Changed copies of images: added once, or drawn anew in each epoch, or averaged over."""

import numpy as np
import pytest
from scipy import ndimage

from fmnist_utils.data import ImageSet, Splits
from fmnist_utils.training import add_copies, renew, transform, views
from fmnist_utils.training.augmentation import enlarge


@pytest.fixture(scope="module")
def images(dataset):
    return dataset.train.images[:60]


class Fixed:
    """Stands for a random generator that always draws the highest value (or the lowest), and always
    mirrors."""

    def __init__(self, lowest=False):
        self.lowest = lowest

    def uniform(self, low, high, size):
        return np.full(size, low if self.lowest else high)

    def random(self, size):
        return np.zeros(size)


BILINEAR = dict(order=1, mode="grid-constant")
STILL = dict(flip=False, rotation=0.0, zoom=0.0, shift=0.0)


def test_nothing_asked_nothing_changed(images):
    same = transform(images, np.random.default_rng(0), **STILL)
    assert same.dtype == np.uint8
    assert not np.shares_memory(same, images)
    np.testing.assert_array_equal(same, images)


def test_flip_mirrors_every_second_image(images):
    many = np.repeat(images, 10, axis=0)
    found = transform(many, np.random.default_rng(0), **STILL | dict(flip=True))
    mirrored = (found == many[:, :, ::-1]).all(axis=(1, 2))
    assert (mirrored | (found == many).all(axis=(1, 2))).all()
    assert 240 < mirrored.sum() < 360


@pytest.mark.parametrize("angle", [90.0, 37.0])
def test_rotation(images, angle):
    # Within rounding, and within one level at right angles' edges.
    for lowest, turn in ((False, angle), (True, -angle)):
        found = transform(images, Fixed(lowest), **STILL | dict(rotation=angle))
        wanted = ndimage.rotate(images.astype(float), turn, axes=(1, 2), reshape=False, **BILINEAR)
        assert np.abs(found - wanted).max() <= 1


def test_zoom_and_shift(images):
    center = np.array([13.5, 13.5])

    def scipy(image, scale, move):
        offset = center - (center + move) / scale
        return ndimage.affine_transform(image.astype(float), np.eye(2) / scale, offset, **BILINEAR)

    larger, smaller = (transform(images, Fixed(end), **STILL | dict(zoom=0.5)) for end in (0, 1))
    moved = transform(images, Fixed(), **STILL | dict(shift=7))
    for image, zoomed, shrunk, shifted in zip(images, larger, smaller, moved, strict=True):
        assert np.abs(zoomed - scipy(image, 1.5, 0)).max() <= 1
        assert np.abs(shrunk - scipy(image, 0.5, 0)).max() <= 1
        np.testing.assert_array_equal(shifted[7:, 7:], image[:-7, :-7])
        assert not shifted[:7].any()
        assert not shifted[:, :7].any()


def test_half_a_pixel_at_the_edge_is_half_as_bright():
    white = np.full((1, 28, 28), 200, np.uint8)
    moved = transform(white, Fixed(), **STILL | dict(shift=0.5))
    assert moved[0, 0, 5] == 100
    assert moved[0, 5, 0] == 100
    assert moved[0, 0, 0] == 50
    assert (moved[0, 1:, 1:] == 200).all()


def test_each_image_is_changed_in_its_own_way_and_again_by_the_same_seed(images):
    alike = np.repeat(images[:1], 1_500, axis=0)  # more than are worked on at a time
    before = alike.copy()
    found = transform(alike, np.random.default_rng(5))
    assert found.shape == alike.shape
    assert found.dtype == np.uint8
    assert len(np.unique(found, axis=0)) > 1_400
    np.testing.assert_array_equal(found, transform(alike, np.random.default_rng(5)))
    assert not np.array_equal(found, transform(alike, np.random.default_rng(6)))
    np.testing.assert_array_equal(alike, before)
    alone = np.abs(found.astype(int) - alike).mean(axis=(1, 2))
    assert alone[:1_000].mean() == pytest.approx(alone[1_000:].mean(), rel=0.1)


@pytest.mark.parametrize(
    ("scheme", "classes"), [("pullover+shirt", [2, 6]), ("all classes", list(range(10)))]
)
def test_add_copies(splits, scheme, classes):
    train = splits.train
    more = add_copies(train, scheme, 4)
    n, copied = len(train.labels), np.isin(train.labels, classes)
    np.testing.assert_array_equal(more.images[:n], train.images)
    np.testing.assert_array_equal(more.labels, [*train.labels, *train.labels[copied]])
    assert more.images.shape == (len(more.labels), 28, 28)
    assert more.images.dtype == more.labels.dtype == np.uint8

    copies, originals = more.images[n:], train.images[copied]
    assert (copies != originals).any(axis=(1, 2)).all(), "every copy is changed ..."
    sums = [images.sum(axis=(1, 2), dtype=float) for images in (copies, originals)]
    assert np.corrcoef(*sums)[0, 1] > 0.9, "... and yet shows the image that it is a copy of"

    np.testing.assert_array_equal(copies, add_copies(train, scheme, 4).images[n:])
    assert not np.array_equal(copies, add_copies(train, scheme, 5).images[n:])


def test_no_copies(splits):
    assert add_copies(splits.train, "none", 0) is splits.train


def test_unknown_scheme_is_refused(splits):
    with pytest.raises(KeyError):
        add_copies(splits.train, "Pullover+Shirt", 0)


def test_copies_then_split_takes_the_last_fifth_of_it_all(dataset):
    both = dataset.train.take(range(1000))
    splits = Splits(both.take(range(800)), both.take(range(800, 1000)), dataset.test)
    usual = enlarge(splits, "pullover+shirt", 4)
    np.testing.assert_array_equal(
        usual.train.images, add_copies(splits.train, "pullover+shirt", 4).images
    )
    assert usual.validation is splits.validation

    found = enlarge(splits, "pullover+shirt, then split", 4)
    wanted = add_copies(both, "pullover+shirt", 4)
    first = int(len(wanted.labels) * 0.8)
    for got, whole in zip(found.train, wanted, strict=True):
        np.testing.assert_array_equal(got, whole[:first])
    for got, whole in zip(found.validation, wanted, strict=True):
        np.testing.assert_array_equal(got, whole[first:])
    assert len(found.train.labels) > 900, "more originals than the 800"
    assert np.isin(found.validation.labels, [2, 6]).mean() > 0.7, "and watches mostly copies"


@pytest.fixture(scope="module")
def part(dataset):
    return dataset.train.take(range(300))


def test_renew_without_changes(part):
    images, targets = renew(part, {}, 0, 0)
    np.testing.assert_array_equal(images, part.images)
    np.testing.assert_array_equal(targets, np.eye(10)[part.labels])
    assert (images.dtype, targets.dtype) == (np.uint8, np.float32)


@pytest.mark.parametrize("change", ["rotation", "zoom"])
def test_renew_changes_nothing_that_is_not_named(part, change):
    images, _ = renew(part, {change: 1e-6}, 0, 0)
    assert np.abs(images.astype(int) - part.images).max() <= 1


def mirrored(images, part):
    flipped = (images == part.images[:, :, ::-1]).all(axis=(1, 2))
    assert (flipped | (images == part.images).all(axis=(1, 2))).all()
    return flipped


def test_alternating_flip_shows_both_sides_in_turn(part):
    first, second, third = (
        mirrored(renew(part, {"flip": "alternating"}, 3, epoch)[0], part) for epoch in range(3)
    )
    np.testing.assert_array_equal(first, ~second)
    np.testing.assert_array_equal(first, third)
    assert 110 < first.sum() < 190


def test_random_flip_is_drawn_anew(part):
    first, second = (mirrored(renew(part, {"flip": "random"}, 3, e)[0], part) for e in range(2))
    assert 110 < first.sum() < 190
    assert 110 < (first ^ second).sum() < 190


def test_shift_by_whole_pixels(part):
    images, _ = renew(part, {"shift": 2}, 0, 0)
    frame = np.pad(part.images, ((0, 0), (2, 2), (2, 2)))
    moves = {}
    for down in range(-2, 3):
        for right in range(-2, 3):
            wanted = frame[:, 2 - down : 30 - down, 2 - right : 30 - right]
            moves[down, right] = (images == wanted).all(axis=(1, 2))
    assert np.any(list(moves.values()), axis=0).all(), "each image is one of the 25"
    assert all(found.any() for found in moves.values()), "and each of the 25 occurs"


def test_erase_blackens_a_square(part):
    white = ImageSet(np.full_like(part.images, 255), part.labels)
    images, _ = renew(white, {"erase": 6}, 0, 0)
    sizes = set()
    for image in images:
        rows, columns = (np.flatnonzero((image == 0).any(axis=axis)) for axis in (1, 0))
        assert (image == 0).sum() == len(rows) * len(columns)
        assert np.ptp(rows) + 1 == len(rows)
        assert np.ptp(columns) + 1 == len(columns)
        sizes |= {len(rows), len(columns)}
    assert sizes == {3, 4, 5, 6}, "whole, or cut off at the edge"


def test_mixup_blends_images_and_labels_alike(part):
    flat = ImageSet(np.repeat(part.labels, 784).reshape(-1, 28, 28) * np.uint8(20), part.labels)
    images, targets = renew(flat, {"mixup": 1.0}, 0, 0)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert ((targets > 0).sum(axis=1) <= 2).all()
    np.testing.assert_allclose(images[:, 0, 0], 20 * targets @ np.arange(10), atol=0.51)
    assert targets.max(axis=1).std() > 0.1


CHANGES = dict(flip="random", rotation=9.0, zoom=0.2, shift=3, erase=9, mixup=0.3)


@pytest.mark.parametrize("change", CHANGES)
def test_each_epoch_is_drawn_anew_and_can_be_drawn_again(part, change):
    before, changes = part.images.copy(), {change: CHANGES[change]}
    first, again, other, seeded = (
        renew(part, changes, seed, epoch)[0] for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0))
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, seeded)
    np.testing.assert_array_equal(part.images, before)


def test_views_are_the_image_and_its_neighbours(part):
    shares, made = zip(*views(part.images), strict=True)
    assert shares == 2 * (1 / 4, 1 / 16, 1 / 16, 1 / 16, 1 / 16)
    np.testing.assert_array_equal(made[0], part.images)
    np.testing.assert_array_equal(made[5], part.images[:, :, ::-1])
    np.testing.assert_array_equal(made[1][:, 1:], part.images[:, :-1])
    np.testing.assert_array_equal(made[3][:, :, 1:], part.images[:, :, :-1])
    assert not made[1][:, 0].any()
