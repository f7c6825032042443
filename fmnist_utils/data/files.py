"""The four files of Fashion-MNIST: whether they are whole, and where to get them.

Only files with the MD5 sums below are ever used; only `sets` and the command line ask for them.
"""

import hashlib
import http.client
import os
import time
import urllib.parse
import urllib.request
from pathlib import Path

from fmnist_utils.messages import whole

# The corrected files of 31 August 2017: (MD5, bytes) of each.
FILES = {
    "train-images-idx3-ubyte.gz": ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
    "train-labels-idx1-ubyte.gz": ("25c81989df183df01b3e8a0aad5dffbe", 29_515),
    "t10k-images-idx3-ubyte.gz": ("bef4ecab320f06d8554ea6380940ec79", 4_422_102),
    "t10k-labels-idx1-ubyte.gz": ("bb300cfdad3c16e7a12a480ee83cd310", 5_148),
}
MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
SILENCE = 10  # seconds without a byte after which a server is given up
PATIENCE = 300  # seconds after which one file's download is given up


class BadFile(Exception):
    """Why a file can't be used, as the end of a sentence: "is missing"."""


def check(name: str, content: bytes) -> bytes:
    """Return `content` if it is, byte for byte, the published file `name`; else raise."""
    md5, size = FILES[name]
    if len(content) != size:
        raise BadFile(f"has {len(content):,} bytes instead of {size:,}")
    if (found := hashlib.md5(content, usedforsecurity=False).hexdigest()) != md5:
        raise BadFile(f"is damaged (its MD5 is {found}, not {md5})")
    return content


def read(path: Path) -> bytes:
    """The checked content of one of the four files; `BadFile` says what is wrong with it."""
    try:
        if not path.exists():
            raise BadFile("is missing")
        size = path.stat().st_size
        # Never read more than the file may have, whatever stands in its place.
        with path.open("rb") as file:
            content = file.read(FILES[path.name][1] + 1)
    except OSError as error:
        raise BadFile(f"can't be read ({error.strerror})") from None
    if size > len(content):
        raise BadFile(f"has {size:,} bytes instead of {FILES[path.name][1]:,}")
    return check(path.name, content)


def _get(url: str, size: int) -> bytes:
    deadline, content = time.monotonic() + PATIENCE, bytearray()  # bytes would be copied each time
    with urllib.request.urlopen(url, timeout=SILENCE) as response:
        while len(content) <= size and (block := response.read1(1 << 20)):
            content += block
            if time.monotonic() > deadline:
                raise TimeoutError("too slow")
    return bytes(content)


def download(name: str, into: Path) -> bytes:
    """Fetch one of the four files from the first mirror that has it whole; write it at once.

    `$FMNIST_MIRROR`, the address of a folder, is asked before the public mirrors.
    Raises BadFile with what each mirror answered.
    """
    answers = []
    own = os.environ.get("FMNIST_MIRROR", "").strip()
    for mirror in filter(None, (own, *MIRRORS)):
        try:
            content = check(name, _get(_address(mirror, name), FILES[name][1]))
            break
        except (OSError, ValueError, http.client.HTTPException, BadFile) as error:
            answers.append(f"{mirror} answered: {' '.join(str(error).split())}")
    else:
        raise BadFile("; ".join(answers) or "no mirror is known")
    try:
        with whole(into / name) as unfinished:
            unfinished.write_bytes(content)
    except OSError as error:
        raise BadFile(f"{into / name} can't be written ({error.strerror})") from None
    return content


def _address(mirror: str, name: str) -> str:
    """The address of a file there; spaces and letters of other alphabets are encoded."""
    scheme, found, rest = mirror.partition("://")
    if not found:
        return mirror + name  # no address: refused, with these words
    host, _, folder = rest.partition("/")
    folder = urllib.parse.quote(folder, safe="/%~:@!$&'()*+,;=?")
    between = "" if not folder or folder.endswith(("/", "=")) else "/"
    return f"{scheme}://{host}/{folder}{between}{name}"


def status(where: Path) -> dict[str, str]:
    """The four file names, each with what is wrong with it in the folder `where` ("": nothing)."""
    found = {}
    for name in FILES:
        try:
            read(where / name)
            found[name] = ""
        except BadFile as problem:
            found[name] = str(problem)
    return found
