"""Changed copies of images, vectorised over the whole array.

Unit of each parameter: `rotation` in degrees, `zoom` and `shift` as fractions of the image.
"""

import numpy as np

from fmnist_utils.data import CLASS_NAMES, Part

# The copies of the published scheme. Doudos & Legkas name flips, rotations and zooms, but no
# sizes: these are the course's choice.
ROTATION, ZOOM = 10.0, 0.1
PUBLISHED_CLASSES = ("Pullover", "Shirt")


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
    rotation: up to so many degrees either way; zoom, shift: up to this fraction of the image
    either way, the same zoom in both directions. Returns uint8 (n, 28, 28).
    """
    n, height, width = images.shape
    angle = np.radians(rng.uniform(-rotation, rotation, n)).astype(np.float32)
    scale = rng.uniform(1 - zoom, 1 + zoom, n).astype(np.float32)
    move = rng.uniform(-shift, shift, (2, n)).astype(np.float32) * height
    mirror = np.where(flip & (rng.random(n) < 0.5), -1, 1).astype(np.float32)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale

    # For every pixel of the copy: where in the original does it come from?
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    out = np.empty_like(images)
    for i in range(0, n, 1000):  # in blocks, so that the index arrays stay in the cache
        part = slice(i, i + 1000)
        c, s, m = (v[part, None, None] for v in (cos, sin, mirror))
        dy, dx = move[0, part, None, None], move[1, part, None, None]
        from_y = s * (x - dx) + c * (y - dy) + (height - 1) / 2
        from_x = m * (c * (x - dx) - s * (y - dy)) + (width - 1) / 2
        out[part] = _sample(images[part], from_y, from_x)
    return out


def _sample(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    n, height, width = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    y, x = np.clip(y, -1, height - 0.001), np.clip(x, -1, width - 0.001)
    top, left = np.floor(y).astype(np.int32), np.floor(x).astype(np.int32)
    fy, fx = y - top, x - left
    flat = padded.reshape(-1)
    start = np.arange(n, dtype=np.int32)[:, None, None] * padded[0].size
    at = start + (top + 1) * (width + 2) + left + 1
    upper = flat[at] * (1 - fx) + flat[at + 1] * fx
    lower = flat[at + width + 2] * (1 - fx) + flat[at + width + 3] * fx
    return (upper * (1 - fy) + lower * fy + 0.5).astype(np.uint8)


def add_copies(train: Part, scheme: str, seed: int) -> Part:
    """The training set with changed copies appended.

    scheme: "pullover+shirt" (one copy of every image of these two classes, as published),
    "all classes" (one copy of every image) or "none". Raises KeyError for another one.
    """
    if scheme == "none":
        return train
    classes = {"pullover+shirt": PUBLISHED_CLASSES, "all classes": CLASS_NAMES}[scheme]
    chosen = np.isin(train.labels, [CLASS_NAMES.index(name) for name in classes])
    # A stream of its own: the order of epoch e comes from [seed, e].
    copies = transform(train.images[chosen], np.random.default_rng([seed, 2**32 - 1]))
    return Part(
        np.concatenate([train.images, copies]),
        np.concatenate([train.labels, train.labels[chosen]]),
    )
