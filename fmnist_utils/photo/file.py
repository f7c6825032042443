"""A photo from disk as an array, read with mistrust: a file may be anything, whatever its name.

Its size is limited before it is decoded, and only the decoders of JPEG, PNG and WebP are let at it.
"""

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fmnist_utils.messages import CourseError

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 50_000_000
MAX_PIXELS = 50_000_000  # what the larger telephones take, 200 MB when decoded
EDGE = 560  # twenty pixels for each of the network's 28 are plenty


def shown(path: str | Path) -> str:
    """A file's name as it can be printed, on one line, whatever characters it is made of."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def read(path: str | Path) -> np.ndarray:
    """The photo in a JPEG, PNG or WebP file, upright: uint8 (height, width, 3), 0 to 255.

    A longer edge than 560 pixels is shrunk to 560. What is transparent becomes white, or black
    if the rest would be hard to see on white. Of an animation this is the first picture.
    Raises CourseError, naming the file, for whatever is no such photo or is too large.
    """
    name = shown(path)
    content = _content(Path(path), name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on how the file was written
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise CourseError(
                        f"{name} has {width} x {height} pixels; shrink it to at most "
                        f"{MAX_PIXELS // 1_000_000} million."
                    )
                return _decode(image)
    except Image.DecompressionBombError:
        raise CourseError(
            f"{name} claims to have more pixels than any photo; give at most "
            f"{MAX_PIXELS // 1_000_000} million."
        ) from None
    except Image.UnidentifiedImageError:
        raise CourseError(
            f"{name} is not a JPEG, PNG or WebP picture; save the photo as one of these."
        ) from None
    except CourseError:
        raise
    except Exception as error:  # a damaged file brings a decoder to raise almost anything
        raise CourseError(
            f"{name} is damaged and can't be decoded ({type(error).__name__}); copy or save the "
            "photo again."
        ) from None


def _content(path: Path, name: str) -> bytes:
    """The file's bytes. Only of a regular file: reading a pipe or a device might never end."""
    try:
        if path.is_dir():
            raise CourseError(f"{name} is a folder; name the photos in it one by one.")
        if path.exists() and not path.is_file():
            raise CourseError(f"{name} is not a regular file; name a photo on disk.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise CourseError(f"{name} doesn't exist; check the name and the folder.") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise CourseError(
            f"{name} can't be read ({reason}); check the name, and whether you may read it."
        ) from None
    if not content:
        raise CourseError(f"{name} is empty; copy or save the photo again.")
    if len(content) > MAX_BYTES:
        raise CourseError(
            f"{name} is larger than {MAX_BYTES // 1_000_000} MB; save it smaller, as a JPEG say."
        )
    return content


def _decode(image: Image.Image) -> np.ndarray:
    image.draft("RGB", (EDGE, EDGE))  # JPEG's decoder can shrink on the way
    image.load()
    if image.mode.startswith("I"):  # 16 bits a pixel; Pillow's own conversion may cut, not scale
        noted, image = image.info, Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        image.info = noted
    # Colour first: palette numbers can't be averaged, nor can colours under full transparency.
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((EDGE, EDGE), Image.Resampling.BOX)
    pixels = np.asarray(ImageOps.exif_transpose(image))  # as the camera noted it: upright
    return pixels if pixels.shape[2] == 3 else _on_plain_ground(pixels)


def _on_plain_ground(pixels: np.ndarray) -> np.ndarray:
    """Lay a cut-out garment, uint8 (h, w, 4), on white, or on black if it is very light itself."""
    colours, cover = pixels[..., :3].astype(float), pixels[..., 3:] / 255
    seen = colours[cover[..., 0] > 0.5]
    ground = 0 if len(seen) and seen.mean() > 191 else 255
    return (colours * cover + ground * (1 - cover)).round().astype(np.uint8)
