"""Changed copies of images: added once, or drawn anew in each epoch, or averaged over."""

from itertools import product

import numpy as np
import pytest
from scipy import ndimage

from fmnist_utils.data import ImageSet, Splits
from fmnist_utils.training import add_copies, renew, transform, views
from fmnist_utils.training.augmentation import check_changes, enlarge


@pytest.fixture(scope="module")
def images(dataset):
    return dataset.train.images[:60]


class Fixed:
    """Stands for a random generator that draws the lowest value (0), the highest (1) or one between
    for angle, scale, down and right; and mirrors two of four images."""

    def __init__(self, angle=0.5, scale=0.5, down=0.5, right=0.5):
        self.shares = iter((angle, scale, np.array([[down], [right]])))

    def uniform(self, low, high, size):
        return np.broadcast_to(low + (high - low) * next(self.shares), size)

    def random(self, size):
        return np.resize([0, 0.4999, 0.5, 1], size)


STILL = dict(flip=False, rotation=0.0, zoom=0.0, shift=0.0)


def test_nothing_asked_nothing_changed(images):
    same = transform(images, np.random.default_rng(0), **STILL)
    assert same.dtype == np.uint8
    assert not np.shares_memory(same, images)
    np.testing.assert_array_equal(same, images)


ALL_AT_ONCE = dict(rotation=25, zoom=0.2, shift=2, flip=True)


@pytest.mark.parametrize(
    ("drawn", "how", "turned", "scale", "down", "right", "mirror"),
    [
        (dict(), dict(flip=True), 0, 1, 0, 0, -1),
        (dict(angle=1), dict(rotation=37), 37, 1, 0, 0, 1),
        (dict(angle=0), dict(rotation=37), -37, 1, 0, 0, 1),
        (dict(angle=0.75), dict(rotation=180), 90, 1, 0, 0, 1),
        (dict(scale=1), dict(zoom=0.5), 0, 1.5, 0, 0, 1),
        (dict(scale=0), dict(zoom=0.5), 0, 0.5, 0, 0, 1),
        (dict(down=1), dict(shift=7.25), 0, 1, 7.25, 0, 1),
        (dict(down=0, right=1), dict(shift=3), 0, 1, -3, 3, 1),
        (dict(angle=1, scale=0, down=1, right=0.25), ALL_AT_ONCE, 25, 0.8, 2, -1, -1),
    ],
)
def test_transform_looks_where_scipy_looks(images, drawn, how, turned, scale, down, right, mirror):
    """The original is mirrored, then turned about its centre, zoomed, and moved."""
    y, x = np.mgrid[:28, :28] - 13.5
    # Complex numbers turn when they are multiplied.
    place = ((x - right) + 1j * (y - down)) * np.exp(1j * np.radians(turned)) / scale
    found = transform(images, Fixed(**drawn), **STILL | how)
    sides = np.resize([mirror, mirror, 1, 1], len(images))
    for image, copy, side in zip(images, found, sides, strict=True):
        seen = [13.5 + place.imag, 13.5 + side * place.real]
        wanted = ndimage.map_coordinates(image.astype(float), seen, order=1, mode="grid-constant")
        assert np.abs(copy - wanted).max() < 0.52, "half a level from rounding"


def test_the_published_scheme_turns_by_10_degrees_and_zooms_by_a_tenth(images):
    usual, spelt = (
        transform(images, np.random.default_rng(1), *given)
        for given in ((), (True, 10.0, 0.1, 0.0))
    )
    np.testing.assert_array_equal(usual, spelt)


@pytest.mark.parametrize(
    "how",
    [dict(rotation=-1), dict(rotation=181), dict(zoom=-0.1), dict(zoom=1), dict(shift=-1)]
    + [dict(shift=28.5), dict(rotation=np.nan)],
)
def test_impossible_sizes_are_refused(images, how):
    with pytest.raises(ValueError, match="No image is changed by"):
        transform(images, np.random.default_rng(0), **how)
    for most in (dict(rotation=180), dict(zoom=0.99), dict(shift=28)):
        assert transform(images[:1], np.random.default_rng(0), **most).shape == (1, 28, 28)


def test_more_images_than_are_worked_on_at_a_time(images):
    many = images[np.arange(5_002) % len(images)]
    found = transform(many, Fixed(down=1), **STILL | dict(shift=7))
    np.testing.assert_array_equal(found[:, 7:], many[:, :-7])
    assert not found[:, :7].any()


def test_each_image_is_changed_in_its_own_way_and_again_by_the_same_seed(images):
    alike = np.repeat(images[:1], 1_500, axis=0)
    before = alike.copy()
    found = transform(alike, np.random.default_rng(5))
    assert found.shape == alike.shape
    assert found.dtype == np.uint8
    assert len(np.unique(found, axis=0)) > 1_400
    np.testing.assert_array_equal(found, transform(alike, np.random.default_rng(5)))
    assert not np.array_equal(found, transform(alike, np.random.default_rng(6)))
    np.testing.assert_array_equal(alike, before)


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

    stream = np.random.default_rng([4, 4_294_967_295])
    np.testing.assert_array_equal(copies, transform(originals, stream))
    assert not np.array_equal(copies, add_copies(train, scheme, 5).images[n:])


def test_no_copies(splits):
    assert add_copies(splits.train, "none", 0) is splits.train


def test_unknown_scheme_is_refused(splits):
    with pytest.raises(ValueError, match="choose one of none, pullover\\+shirt, all classes"):
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


def mirrored(images, part):
    flipped = (images == part.images[:, :, ::-1]).all(axis=(1, 2))
    assert (flipped | (images == part.images).all(axis=(1, 2))).all()
    return flipped


@pytest.mark.parametrize("seed", [0, 3])
def test_flips_are_drawn_with_their_seed_and_epoch(part, seed):
    """Alternating: once for all epochs, then in turn. Random: anew in each."""
    once = np.random.default_rng([seed, 4_294_967_295]).random(300) < 0.5
    for epoch in range(3):
        anew = np.random.default_rng([seed, epoch, 4_294_967_295]).random(300) < 0.5
        for flip, mirrored in (("alternating", once != (epoch == 1)), ("random", anew)):
            images, _ = renew(part, {"flip": flip}, seed, epoch)
            np.testing.assert_array_equal(images[~mirrored], part.images[~mirrored])
            np.testing.assert_array_equal(images[mirrored], part.images[mirrored][:, :, ::-1])


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


@pytest.mark.parametrize("side", [1, 6, 7, 56])
def test_erase_blackens_a_square(part, side):
    """Its centre is any pixel; of an even number of pixels, one more lies before it than behind."""
    white = ImageSet(np.full_like(part.images, 255), part.labels)
    images, _ = renew(white, {"erase": side}, 0, 0)
    centres = np.random.default_rng([0, 0, 4_294_967_295]).integers(0, 28, (2, 300)).T
    for image, (row, column) in zip(images, centres, strict=True):
        wanted = np.full((28 + 2 * side, 28 + 2 * side), 255)
        top, left = row + side - side // 2, column + side - side // 2
        wanted[top : top + side, left : left + side] = 0
        np.testing.assert_array_equal(image, wanted[side:-side, side:-side])


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_blends_images_and_labels_alike(alpha):
    labels = np.arange(1_100) % 10  # more than are worked on at a time
    flat = ImageSet(np.uint8(labels * 25)[:, None, None].repeat(28, 1).repeat(28, 2), labels)
    images, targets = renew(flat, {"mixup": alpha}, 5, 2)
    rng = np.random.default_rng([5, 2, 4_294_967_295])
    share, other = rng.beta(alpha, alpha, 1_100), labels[rng.permutation(1_100)]
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        targets @ np.arange(10), share * labels + (1 - share) * other, atol=1e-5
    )
    blended = 25 * (targets @ np.arange(10))[:, None, None]
    assert np.abs(images - blended).max() < 0.51, "half a level from rounding"


def test_changes_are_made_one_after_the_other(part):
    """All drawn from one stream: flip, turn and zoom, shift, erase, mixup."""
    changes = dict(shift=1, zoom=0.1, rotation=15.0, flip="random")
    images, _ = renew(part, changes, 1, 0)
    rng = np.random.default_rng([1, 0, 4_294_967_295])
    flipped = rng.random(300) < 0.5
    wanted = np.stack([np.fliplr(i) if f else i for i, f in zip(part.images, flipped, strict=True)])
    wanted = transform(wanted, rng, False, 15.0, 0.1)
    moves = rng.integers(-1, 2, (2, 300)).T
    for image, moved, move in zip(images, wanted, moves, strict=True):
        np.testing.assert_array_equal(image, ndimage.shift(moved, move, order=0))
    _, targets = renew(part, dict(mixup=0.5, erase=3) | changes, 1, 0)
    rng.integers(0, 28, (2, 300))  # the centres of what is erased
    share, labels = rng.beta(0.5, 0.5, 300), part.labels.astype(float)
    mixed = share * labels + (1 - share) * labels[rng.permutation(300)]
    np.testing.assert_allclose(targets @ np.arange(10), mixed, atol=1e-5)


@pytest.mark.parametrize("change", [dict(rotation=15.0), dict(zoom=0.1)])
def test_what_is_not_asked_for_is_not_done(part, change):
    images, _ = renew(part, change, 1, 0)
    stream = np.random.default_rng([1, 0, 4_294_967_295])
    np.testing.assert_array_equal(images, transform(part.images, stream, **STILL | change))


@pytest.mark.parametrize(
    ("name", "possible", "impossible"),
    [
        ("flip", ["random", "alternating"], ["both", True, None]),
        ("rotation", [0, 0.5, 180], [-0.1, 180.1, np.nan, "9"]),
        ("zoom", [0, 0.99], [-0.1, 1, None]),
        ("shift", [0, 27], [-1, 28, 1.5, True]),
        ("erase", [0, 56], [-1, 57, 2.5]),
        ("mixup", [0.001, 7], [0, -1, np.inf, [0.2, 0.4]]),
        ("shear", [], [1]),
    ],
)
def test_changes_have_limits(part, name, possible, impossible):
    for value in possible:
        check_changes({name: value})
    for value in impossible:
        with pytest.raises(ValueError, match=f"changes.*{name}"):
            renew(part, {name: value}, 0, 0)
    with pytest.raises(ValueError, match="by name"):
        check_changes([name])


def test_views_are_the_image_and_its_neighbours(part):
    shares, made = zip(*views(part.images), strict=True)
    assert shares == (0.25, *[0.0625] * 4) * 2
    moves = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
    for view, (mirror, move) in zip(made, product((1, -1), moves), strict=True):
        wanted = ndimage.shift(part.images[:, :, ::mirror], (0, *move), order=0)
        np.testing.assert_array_equal(view, wanted)
