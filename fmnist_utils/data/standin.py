"""A drawn stand-in for Fashion-MNIST, for machines that cannot download the real data.

Ten garment classes are drawn by code, in the shapes, types and label order of Fashion-MNIST.
The pictures are invented: results on them say nothing about Fashion-MNIST.
"""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
from numpy.typing import ArrayLike

# The 28 lines of a picture: rows for every garment but shoes, whose lines are columns.
_LINE = np.arange(28, dtype=np.float32)
# Few enough pictures at a time to stay in the processor's cache; must divide 6000 and 1000.
_CHUNK = 500

# What is drawn for each picture: a pair is a range to draw from evenly, a float the chance of a
# feature.  Lengths are in pixels; brightness and places along a garment in 0..1.
_ANY = dict(
    shade=(0.35, 1.15),
    accent=(0, 1),
    shift=(-2, 2),
    slant=(-0.05, 0.05),
    grain=(0.05, 0.35),
    striped=0.15,
    plaid=0.05,
    stripe=(0.1, 0.45),
    pitch=(0.8, 2.8),
    phase=(0, 6.3),
    fold=(0.02, 0.12),
    fold_pitch=(0.3, 2.2),
    tint=(0.7, 1.1),
)
_TOP = _ANY | dict(
    top=(0.5, 3.5),
    length=(21, 26),
    chest=(6, 8.5),
    flare=(-1, 1.5),
    hem=0.1,
    pinch=(0, 1.2),
    belt=0.0,
    sleeve=(18, 26),
    arm=(1.6, 2.5),
    spread=(2.2, 4.5),
    neck=(2.2, 4),
    depth=(0.5, 3),
    lining=(0, 0.6),
    collar=0.1,
    front=0.05,
    zip=0.1,
    gap=(3, 5),
    print=0.1,
    print_at=(5, 10),
    size=(2, 4),
)
_SHOE = _ANY | dict(
    striped=0.05,
    plaid=0.03,
    toe=(0, 3),
    heel=(25, 27),
    ground=(4, 8),
    laced=0.0,
    tip=(3, 6),
    ankle=(7, 12),
    climb=(0.2, 0.4),
    steep=(0.2, 0.45),
    dip=(0, 3),
    lift=(0, 1),
    sole=(1, 2.5),
    heel_at=(0.6, 0.85),
    open=0.0,
    rim=(-1, 1.5),
    strap=(0.8, 1.7),
    strap_at=(4, 13),
    lean=(-1.2, 1.2),
)


def _in(place: np.ndarray, low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Where low <= place <= high, bool."""
    return (place >= low) & (place <= high)


def _step(place: np.ndarray, start: ArrayLike, width: ArrayLike) -> np.ndarray:
    """A smooth step: 0 up to start, 1 from start + width on."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip((place - start) / width, 0, 1))


def _stroke(where: np.ndarray, low: ArrayLike, high: ArrayLike, shade: ArrayLike) -> np.ndarray:
    """Low edge, high edge and brightness on each line, float32 (3, n, 28), only `where` true."""
    high = np.where(where, high, np.subtract(low, 2))  # Below the low edge: nothing drawn.
    return np.array(np.broadcast_arrays(low, high, shade), dtype=np.float32)


def _top(p: SimpleNamespace) -> Iterator[np.ndarray]:
    """A garment with a neck, perhaps sleeves, print, collar, front line; mirrored in the middle."""
    y = _LINE - p.top
    t = y / p.length
    slope = p.neck + 0.8 + 1.5 * y
    side = np.minimum(p.chest + p.flare * t - p.pinch * 4 * t * (1 - t), slope)
    arm = p.chest - 1 + p.spread * np.sqrt(np.clip(y / 20, 0, None))
    half = p.arm * (1.2 - y / 40)
    neck = p.neck * np.sqrt(np.clip(1 - y / p.depth, 0, 1))
    band = (p.hem & (t > 0.9)) | (p.belt & _in(t, 0.4, 0.47))
    front = p.front & (p.zip | (np.round(_LINE + p.phase) % np.round(p.gap) == 0))
    yield _stroke(_in(y, 0, p.sleeve), arm - half, np.minimum(arm + half, slope), p.shade * p.tint)
    yield _stroke(_in(t, 0, 1), -side, side, p.shade * (1 - 0.4 * band))
    yield _stroke(p.print & _in(y - p.print_at, 0, p.size), -p.size, p.size, p.accent)
    yield _stroke(_in(y, 0, p.depth), -neck, neck, p.shade * p.lining)
    yield _stroke(p.collar & _in(y, -1, p.depth + 1), neck - 0.3, neck + 0.9, 0.4 + 0.6 * p.accent)
    yield _stroke(front & _in(y, p.depth, p.length), -0.5, 0.5, 0.3 * p.shade)


def _trousers(p: SimpleNamespace) -> Iterator[np.ndarray]:
    """Two legs below a waistband; mirrored in the middle."""
    t = (_LINE - p.top) / p.length
    side = p.waist + (p.hip - p.waist) * _step(t, 0, 0.3) + p.flare * t
    between = p.between * (t - p.crotch) / (1 - p.crotch) + 0.4
    yield _stroke(_in(t, 0, 1), -side, side, p.shade * (1 - 0.4 * (p.belt & (t < 0.08))))
    yield _stroke(t > p.crotch, -between, between, 0)
    yield _stroke(_in(t, 0.05, p.crotch), -0.3, 0.3, 0.6 * p.shade)


def _bag(p: SimpleNamespace) -> Iterator[np.ndarray]:
    """A box with a flap, perhaps a clasp and a handle; mirrored in the middle."""
    t = (_LINE - p.top) / (p.bottom - p.top)
    side = p.width + p.flare * (t - 0.5) - p.round * (2 * np.abs(t - 0.5)) ** 6
    above = p.top - _LINE
    outer = p.grip * np.sqrt(np.clip(1 - (above / p.rise) ** 2, 0, 1))
    inner = (p.grip - 1.3) * np.sqrt(np.clip(1 - (above / (p.rise - 1.3)) ** 2, 0, 1))
    yield _stroke(p.handle & _in(above, 0, p.rise), -outer, outer, p.shade * 0.9)
    yield _stroke(p.handle & _in(above, 0, p.rise - 1.3), -inner, inner, 0)
    yield _stroke(_in(t, 0, 1), -side, side, p.shade * np.where(t < p.flap, p.tint, 1))
    yield _stroke(p.clasp & _in(t - p.flap, -0.1, 0.1), -1, 1, p.accent)


def _shoe(p: SimpleNamespace) -> Iterator[np.ndarray]:
    """A shoe from the side, toe to the left: its lines are columns, and low is up."""
    t = (_LINE - p.toe) / (p.heel - p.toe)
    shoe, holes = _in(t, 0, 1), p.open & _in(t, 0.05, 0.95)
    bottom = p.ground - p.lift * _step(t, 0.25, 0.4)
    rise = p.tip * np.sqrt(np.clip(t / 0.15, 0, 1)) + (p.ankle - p.tip) * _step(t, p.climb, p.steep)
    top = bottom - rise + p.dip * np.clip(1 - ((t - 0.8) / 0.15) ** 2, 0, 1)
    yield _stroke(_in(t, p.heel_at, 1), bottom - 1, p.ground, p.shade * 0.8)
    yield _stroke(shoe, top, bottom, p.shade)
    yield _stroke(holes, top + p.rim, bottom - p.sole, 0)
    yield _stroke(shoe, bottom - p.sole, bottom, p.accent)
    yield _stroke(p.laced & _in(t - p.climb, 0, 0.3) & (_LINE % 3 == 0), top, top + 2, p.accent)
    for height, lean, start in ((4, p.lean, p.strap_at), (6, -p.lean, p.strap_at + 10)):
        strap = bottom - height + lean * (_LINE - start)
        low, high = np.maximum(strap - p.strap, top), np.minimum(strap + p.strap, bottom)
        yield _stroke(holes, low, high, p.shade)


# In label order: T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, boot.
_CLASSES = (
    (_top, _TOP | dict(sleeve=(0, 11), arm=(1.8, 2.8), print=0.4, depth=(0.5, 4.5))),
    (
        _trousers,
        _ANY
        | dict(
            top=(0, 3),
            length=(22, 27),
            waist=(3, 5.5),
            hip=(4.5, 7),
            belt=0.5,
            flare=(-1.5, 1.5),
            between=(0.3, 3),
            crotch=(0.25, 0.45),
        ),
    ),
    (_top, _TOP | dict(hem=0.8, print=0.3)),
    (
        _top,
        _TOP
        | dict(
            length=(24, 28),
            chest=(3.5, 6),
            flare=(0, 5),
            pinch=(0, 2.5),
            belt=0.4,
            sleeve=(-1, 12),
            depth=(0.5, 4.5),
        ),
    ),
    (_top, _TOP | dict(length=(22, 27), front=0.9, zip=0.85, collar=0.5)),
    (_shoe, _SHOE | dict(ankle=(4, 15), tip=(2, 5), lift=(0, 7), open=0.92)),
    (_top, _TOP | dict(sleeve=(5, 27), front=0.85, collar=0.65, plaid=0.25)),
    (_shoe, _SHOE | dict(laced=0.7)),
    (
        _bag,
        _ANY
        | dict(
            top=(7, 13),
            bottom=(20, 26),
            width=(8, 13),
            flare=(-3, 3),
            round=(0, 4),
            handle=0.75,
            grip=(3, 8),
            rise=(3, 8),
            flap=(0, 0.6),
            clasp=0.5,
        ),
    ),
    (
        _shoe,
        _SHOE
        | dict(
            ground=(7, 12),
            ankle=(11, 21),
            climb=(0.3, 0.5),
            steep=(0.1, 0.35),
            dip=(0, 0.5),
            lift=(0, 6),
        ),
    ),
)


def _pictures(rng: np.random.Generator, label: int) -> np.ndarray:
    """One chunk of new pictures of one class, uint8 (_CHUNK, 28, 28)."""
    family, table = _CLASSES[label]
    p = SimpleNamespace()
    for name, entry in table.items():
        u = rng.random((_CHUNK, 1), dtype=np.float32)
        value = u < entry if isinstance(entry, float) else entry[0] + (entry[1] - entry[0]) * u
        setattr(p, name, value)
    across = _LINE - (13.5 + p.shift + p.slant * (_LINE - 13.5))[:, :, None]
    if family is not _shoe:
        across = np.abs(across)
    sheet = np.zeros_like(across)
    for low, high, shade in (stroke[..., None] for stroke in family(p)):
        # The cover falls from 1 to 0 over one pixel at the edge, as in a scaled-down photograph.
        cover = np.clip((high - low + 1) / 2 - np.abs(across - (low + high) / 2), 0, 1)
        sheet += cover * (shade - sheet)
    cloth = p.grain[:, :, None] * (rng.random(sheet.shape, dtype=np.float32) - 0.5)
    cloth += (1 + p.stripe * (p.striped | p.plaid) * np.sin(p.pitch * _LINE + p.phase))[:, :, None]
    cloth += ((p.fold + p.stripe * p.plaid) * np.sin(p.fold_pitch * _LINE + p.phase))[:, None, :]
    pictures = (255 * np.clip(sheet * cloth, 0, 1)).astype(np.uint8)
    return pictures.swapaxes(1, 2) if family is _shoe else pictures


def _split(rng: np.random.Generator, per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled pictures, uint8 (10 * per_class, 28, 28), and labels, uint8 (10 * per_class,)."""
    images = np.empty((10 * per_class, 28, 28), dtype=np.uint8)
    labels = np.empty(10 * per_class, dtype=np.uint8)
    for label, places in enumerate(rng.permutation(10 * per_class).reshape(10, -1, _CHUNK)):
        labels[places] = label
        for chunk in places:
            images[chunk] = _pictures(rng, label)
    return images, labels


def draw(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw the stand-in data: (train_images, train_labels, test_images, test_labels).

    Images are uint8 (60000, 28, 28) and (10000, 28, 28), 0..255, background 0; labels uint8
    (60000,) and (10000,), 0..9, all equally frequent.  On one machine, a seed fixes every bit.
    """
    rng = np.random.default_rng(seed)
    return *_split(rng, 6000), *_split(rng, 1000)
