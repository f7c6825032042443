"""A photo from disk as an array, read with mistrust: a file may be anything, whatever its name.

Its size is limited before it is decoded, and only the decoders of JPEG, PNG and WebP are let at it.
"""

import os
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from fmnist_utils.messages import CourseError

MAX_BYTES = 150_000_000
MAX_PIXELS = 50_000_000  # 200 MB when decoded, 600 more while a WebP is
MAX_SHRUNK = 250_000_000  # of a JPEG that is shrunk while it is decoded: telephones take 200
EDGE = 560  # twenty pixels for each of the network's 28 are plenty

# Each decoder and how its files begin. (Image.open would refuse what has 179 million pixels, and
# take the JPEG of some telephones, which holds several pictures, for another format.)
DECODERS = {
    rb"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
    rb"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
    rb"RIFF....WEBPVP8": WebPImagePlugin.WebPImageFile,
}
# Files of the family of MP4 say in their first bytes what they hold.
OTHERS = {
    rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)": "a HEIC picture",
    rb"....ftypavi": "an AVIF picture",
    rb"....(ftyp|moov|mdat)": "a video",
    rb"GIF8": "a GIF picture",
    rb"II\*\0|MM\0\*": "a TIFF or a camera's raw picture",
    rb"%PDF": "a PDF",
}
# Chunks of a PNG that make its picture, and how to hold it.
NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND")


def shown(path: object) -> str:
    """A file's name as it can be printed, on one line, whatever characters it is made of."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def read(path: str | Path) -> np.ndarray:
    """The photo in a JPEG, PNG or WebP file, upright: uint8 (height, width, 3), 0 to 255.

    A longer edge than 560 pixels is shrunk to 560. What is transparent becomes white, or black
    if the rest would be hard to see on white. Of several pictures in one file this is the first.
    Raises CourseError, naming the file, for whatever is no such photo or is too large.
    """
    name = shown(path)
    content = _content(_place(path, name), name)
    starts = [kind for kind in DECODERS if re.match(kind, content, re.DOTALL)]
    if not starts:
        what = next((OTHERS[kind] for kind in OTHERS if re.match(kind, content, re.DOTALL)), "")
        what = f"{what}, not a" if what else "not a"
        raise CourseError(
            f"{name} is {what} JPEG, PNG or WebP picture; save or export the photo as one of these."
        )
    decoder = DECODERS[starts[0]]
    try:
        try:
            return _decode(decoder, content, name)
        except CourseError:
            raise
        except Exception:
            if decoder is not PngImagePlugin.PngImageFile:
                raise
            # Whatever else a PNG holds, megabytes of text say, has no say in its picture.
            return _decode(decoder, b"".join(_needed(content)), name)
    except CourseError:
        raise
    except Image.DecompressionBombError:  # WebP's decoder asks by itself
        raise CourseError(
            f"{name} has more pixels than any photo; shrink it to at most "
            f"{MAX_PIXELS // 1_000_000} million."
        ) from None
    except Exception as error:  # a damaged file brings a decoder to raise almost anything
        raise CourseError(
            f"{name} is damaged and can't be decoded ({type(error).__name__}); copy or save the "
            "photo again."
        ) from None


def _place(path: object, name: str) -> Path:
    """Where the photo lies. `~` is the home folder, unless a file is called so."""
    if not isinstance(path, str | os.PathLike):
        raise CourseError(
            f"A photo is given by its file's name, a text; this is of type {type(path).__name__}."
        )
    if not str(path).strip():
        raise CourseError("The photo's name is empty; give the name of a JPEG, PNG or WebP file.")
    if re.match(r"(?i)data:|[a-z][a-z0-9+.-]+:/", str(path)):
        raise CourseError(
            f"{name[:200]} is an address, not a file; save the photo on this computer and give "
            "the file's name."
        )
    try:
        return Path(path) if os.path.lexists(path) else Path(path).expanduser()
    except RuntimeError:  # there is no such user, or no home
        raise CourseError(
            f"{name} doesn't exist, and nobody's home folder is called so; give the whole name."
        ) from None


def _content(path: Path, name: str) -> bytes:
    """The file's bytes. Only of a regular file: reading a pipe or a device might never end."""
    try:
        if path.is_dir():
            raise CourseError(f"{name} is a folder; name the photos in it.")
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


def _decode(decoder: type, content: bytes, name: str) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on how the file was written
        with decoder(BytesIO(content)) as image:
            _check_size(image, content, name)
            if decoder is WebPImagePlugin.WebPImageFile and image.is_animated:
                raise CourseError(
                    f"{name} is an animation, not a photo; save one of its pictures as a JPEG or "
                    "PNG."
                )
            if image.width * image.height > MAX_PIXELS:  # as small as the decoder can make it
                scale = EDGE / max(image.size)
                image.draft("RGB", tuple(max(1, round(scale * side)) for side in image.size))
            else:
                image.draft("RGB", (EDGE, EDGE))  # JPEG's decoder can shrink on the way
            image.load()
            return _upright(image)


def _check_size(image: Image.Image, content: bytes, name: str) -> None:
    """Raise CourseError for more pixels than can be decoded in a bounded memory."""
    limit, advice = MAX_PIXELS, ", or save it as a JPEG"
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        # One pass over all colours can be shrunk row by row. Several, as in a progressive JPEG,
        # are put together in memory first, in full size.
        passes = struct.pack(">2sHB", b"\xff\xda", 6 + 2 * image.layers, image.layers)
        if "progressive" not in image.info and passes in content:
            limit, advice = MAX_SHRUNK, ""
        else:
            advice = ", or save it as an ordinary JPEG, not a progressive one"
    if image.width * image.height > limit:
        raise CourseError(
            f"{name} has {image.width} x {image.height} pixels; shrink it to at most "
            f"{limit // 1_000_000} million{advice}."
        )


def _needed(content: bytes) -> Iterator[bytes]:
    """A PNG's first bytes, and those of its chunks that its picture is made of."""
    yield content[:8]
    place = 8
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind = content[place + 4 : place + 8]
        if kind in NEEDED:
            yield content[place : place + 12 + length]
        place += 12 + length


def _upright(image: Image.Image) -> np.ndarray:
    """A decoded picture, small and as the camera was held: uint8 (height, width, 3)."""
    if image.mode.startswith("I"):  # 16 bits a pixel; Pillow's own conversion may cut, not scale
        noted, image = image.info, Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        image.info = noted
    # Colour first: palette numbers can't be averaged, nor can colours under full transparency.
    mode = "RGBA" if image.has_transparency_data else "RGB"
    image = image if image.mode == mode else image.convert(mode)
    image.thumbnail((EDGE, EDGE), Image.Resampling.BOX)
    with suppress(Exception):  # a damaged note is no damaged picture
        ImageOps.exif_transpose(image, in_place=True)
    pixels = np.asarray(image)
    return pixels if pixels.shape[2] == 3 else _on_plain_background(pixels)


def _on_plain_background(pixels: np.ndarray) -> np.ndarray:
    """Lay a cut-out garment, uint8 (h, w, 4), on white, or on black if it is very light itself."""
    colours, cover = pixels[..., :3].astype(float), pixels[..., 3:] / 255
    seen = colours[cover[..., 0] > 0.5]
    background = 0 if len(seen) and seen.mean() > 191 else 255
    return (colours * cover + background * (1 - cover)).round().astype(np.uint8)
