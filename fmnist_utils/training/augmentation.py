"""Changed copies of images, vectorised over the whole array.

`add_copies` enlarges a training set once, as published; `renew` changes every image anew in each
epoch, as is usual today.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from fmnist_utils.data import CLASS_NAMES, ImageSet, Splits, check_images
from fmnist_utils.models.backend import keras

# The copies of the published scheme. Doudos & Legkas name flips, rotations and zooms, but no
# sizes: these are the course's choice.
ROTATION, ZOOM = 10.0, 0.1
PUBLISHED_CLASSES = ("Pullover", "Shirt")

# What `renew` can do: each change's possible values, in words and as a test.
CHANGES = {
    "flip": ("random or alternating", lambda value: value in ("random", "alternating")),
    "rotation": ("degrees, 0 to 180", lambda value: 0 <= value <= 180),
    "zoom": ("a fraction, 0 to less than 1", lambda value: 0 <= value < 1),
    "shift": ("whole pixels, 0 to 27", lambda value: value in range(28)),
    "erase": ("whole pixels, 0 to 56", lambda value: value in range(57)),
    "mixup": ("more than 0", lambda value: 0 < value < np.inf),
}


def check_changes(changes: Mapping[str, object]) -> None:
    """Raise ValueError for a change, or a value of it, that `renew` doesn't know."""
    if not isinstance(changes, Mapping):
        raise ValueError(f"changes={changes!r}: give values by name, such as dict(shift=2).")
    for name, value in changes.items():
        if name not in CHANGES:
            raise ValueError(f"changes={name!r}: choose from {', '.join(CHANGES)}.")
        possible, test = CHANGES[name]
        try:
            good = not isinstance(value, bool) and bool(test(value))
        except (TypeError, ValueError):
            good = False
        if not good:
            raise ValueError(f"changes: {name}={value!r} is impossible; it is {possible}.")


def transform(
    images: np.ndarray,
    rng: np.random.Generator,
    flip: bool = True,
    rotation: float = ROTATION,
    zoom: float = ZOOM,
    shift: float = 0.0,
) -> np.ndarray:
    """One randomly changed copy of each image, by bilinear sampling; outside is black.

    images: uint8 (n, 28, 28). flip: mirror left and right, every second image on average.
    rotation: up to so many degrees (0 to 180) either way; zoom: up to this fraction (0 to 1) larger
    or smaller, in both directions alike; shift: up to so many pixels (0 to 28) either way. Returns
    uint8 (n, 28, 28).
    Raises ValueError for other images or sizes.
    """
    n, height, width = check_images(images).shape
    if not (0 <= rotation <= 180 and 0 <= zoom < 1 and 0 <= shift <= 28):
        raise ValueError(f"No image is changed by rotation {rotation}, zoom {zoom}, shift {shift}.")
    angle = np.radians(rng.uniform(-rotation, rotation, n))
    scale = rng.uniform(1 - zoom, 1 + zoom, n)
    down, right = rng.uniform(-shift, shift, (2, n))
    mirror = np.where(flip & (rng.random(n) < 0.5), -1, 1)
    # For every pixel (x, y) of the copy, seen from the centre: where in the original does it come
    # from? From mirror · (cos · x - sin · y) and sin · x + cos · y, both divided by the scale.
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    x0, y0 = (width - 1) / 2, (height - 1) / 2
    to_x = [mirror * cos, -mirror * sin]
    to_x.append(x0 - to_x[0] * (x0 + right) - to_x[1] * (y0 + down))
    to_y = [sin, cos, y0 - sin * (x0 + right) - cos * (y0 + down)]
    matrices = np.stack([*to_x, *to_y, 0 * sin, 0 * sin], axis=1).astype(np.float32)
    out = np.empty_like(images)
    for part in (slice(i, i + 5000) for i in range(0, n, 5000)):  # in blocks, to save memory
        copies = keras.ops.image.affine_transform(
            images[part, :, :, None].astype(np.float32), matrices[part], fill_mode="constant"
        )
        out[part] = keras.ops.convert_to_numpy(copies)[..., 0] + 0.5
    return out


def add_copies(train: ImageSet, scheme: str, seed: int) -> ImageSet:
    """The training set with changed copies appended.

    scheme: "pullover+shirt" (one copy of every image of these two classes, as published),
    "all classes" (one copy of every image) or "none". Raises ValueError for another one.
    """
    classes = {"none": (), "pullover+shirt": PUBLISHED_CLASSES, "all classes": CLASS_NAMES}
    if scheme not in classes:
        raise ValueError(f"{scheme!r} copies nothing known; choose one of {', '.join(classes)}.")
    if scheme == "none":
        return train
    chosen = np.isin(train.labels, [CLASS_NAMES.index(name) for name in classes[scheme]])
    # Not the order's stream, which is [seed, e] in epoch e. (An alternating flip in `renew` draws
    # from this one, too; no recipe has both.)
    copies = transform(train.images[chosen], np.random.default_rng([seed, 2**32 - 1]))
    return ImageSet(
        np.concatenate([train.images, copies]),
        np.concatenate([train.labels, train.labels[chosen]]),
    )


def enlarge(splits: Splits, scheme: str, seed: int) -> Splits:
    """The sets with changed copies, as `add_copies` makes them, in the training set.

    A scheme that ends in ", then split" appends the copies to training and validation images
    together, and takes the last fifth of it all for validation, as Keras's `validation_split`
    does with whatever array it is given.
    """
    if not scheme.endswith(", then split"):
        return splits._replace(train=add_copies(splits.train, scheme, seed))
    pairs = zip(splits.train, splits.validation, strict=True)
    images, labels = add_copies(
        ImageSet(*map(np.concatenate, pairs)), scheme.removesuffix(", then split"), seed
    )
    first = int(0.8 * len(labels))
    return splits._replace(
        train=ImageSet(images[:first], labels[:first]),
        validation=ImageSet(images[first:], labels[first:]),
    )


def renew(
    train: ImageSet, changes: Mapping[str, object], seed: int, epoch: int
) -> tuple[np.ndarray, np.ndarray]:
    """The training set as one epoch sees it: as many images, each changed at random.

    changes, in the order in which they are made (those that are not named are not made):
        flip: "random" (each image mirrored with probability 1/2) or "alternating" (each image
            mirrored in every second epoch; Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds").
        rotation (degrees), zoom (fraction): as for `transform`.
        shift: up to so many whole pixels, in both directions, either way.
        erase: the side in pixels of a black square, its centre anywhere in the image
            (DeVries and Taylor 2017, "cutout").
        mixup: each image is blended with another one, and their labels with it, in shares drawn
            from Beta(mixup, mixup) (Zhang et al. 2018).
    epoch: from 0. The same seed and epoch give the same images.

    Returns images, uint8 (n, 28, 28), and targets, float32 (n, 10): each class's share.
    Raises ValueError for other changes.
    """
    check_changes(changes)
    rng = np.random.default_rng([seed, epoch, 2**32 - 1])
    images, targets = train.images, np.eye(10, dtype=np.float32)[train.labels]
    if flip := changes.get("flip"):
        odd = np.random.default_rng([seed, 2**32 - 1]).random(len(images)) < 0.5
        mirrored = odd ^ bool(epoch % 2) if flip == "alternating" else rng.random(len(images)) < 0.5
        images = np.where(mirrored[:, None, None], images[:, :, ::-1], images)
    if turned := {name: changes[name] for name in ("rotation", "zoom") if name in changes}:
        images = transform(images, rng, **{"flip": False, "rotation": 0.0, "zoom": 0.0} | turned)
    if most := changes.get("shift"):
        images = _shift(images, rng.integers(-most, most + 1, (2, len(images))))
    if side := changes.get("erase"):
        images = _erase(images, rng.integers(0, 28, (2, len(images))), side)
    if alpha := changes.get("mixup"):
        share = rng.beta(alpha, alpha, len(images)).astype(np.float32)
        other = rng.permutation(len(images))
        images = _blend(images, images[other], share)
        targets = share[:, None] * targets + (1 - share)[:, None] * targets[other]
    return images, targets


def views(images: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """Ten views of each image for test-time averaging, each with its share in the average.

    The image and its mirror image (a quarter each), and both moved by one pixel up, down, left and
    right (a sixteenth each). images: uint8 (n, 28, 28), and so are the views.
    """
    for mirrored in (images, np.ascontiguousarray(images[:, :, ::-1])):
        yield 1 / 4, mirrored
        for move in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            yield 1 / 16, _shift(mirrored, np.tile(move, (len(images), 1)).T)


def _shift(images: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """moves: (2, n), rows down and columns to the right. All images of one move go at once."""
    out = np.zeros_like(images)
    for down, right in np.unique(moves, axis=1).T:
        chosen = np.flatnonzero((moves[0] == down) & (moves[1] == right))
        to, source = _overlap(down), _overlap(-down)
        across, from_column = _overlap(right), _overlap(-right)
        out[chosen, to, across] = images[chosen, source, from_column]
    return out


def _overlap(move: int) -> slice:
    return slice(max(move, 0), 28 + min(move, 0))


def _erase(images: np.ndarray, centres: np.ndarray, side: int) -> np.ndarray:
    place = np.arange(28)
    first = centres[:, :, None] - side // 2
    hit = (place >= first) & (place < first + side)
    return np.where(hit[0][:, :, None] & hit[1][:, None, :], np.uint8(0), images)


def _blend(images: np.ndarray, others: np.ndarray, share: np.ndarray) -> np.ndarray:
    out = np.empty_like(images)
    for i in range(0, len(images), 1000):  # in blocks, so that the floats stay in the cache
        part, s = slice(i, i + 1000), share[i : i + 1000, None, None]
        out[part] = s * images[part] + (1 - s) * others[part] + 0.5
    return out
