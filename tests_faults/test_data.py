"""The four files, damaged in many ways: all refused or healed, none accepted, memory bounded.

The real files are damaged where FMNIST_DATA_DIR has them; else small ones in the same format.
"""

import gzip
import hashlib
import http.server
import multiprocessing
import os
import random
import resource
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import SEED

from fmnist_utils import CourseError, data
from fmnist_utils.data import files

NAMES = list(files.FILES)
NAMED = os.environ.get("FMNIST_DATA_DIR", "")
REAL = NAMED not in ("", "stand-in")


def small_files() -> dict[str, bytes]:
    rng, made = np.random.default_rng(0), {}
    for name in NAMES:
        if "images" in name:
            content = struct.pack(">4i", 2051, 20, 28, 28) + rng.bytes(20 * 28 * 28)
        else:
            content = struct.pack(">2i", 2049, 20) + bytes(rng.integers(0, 10, 20).tolist())
        made[name] = gzip.compress(content, mtime=0)
    return made


@pytest.fixture(scope="module")
def originals():
    """name → content, known to `files` by size and MD5."""
    if REAL:
        yield {name: (Path(NAMED) / name).read_bytes() for name in NAMES}
        return
    made, known = small_files(), dict(files.FILES)
    files.FILES.update({n: (hashlib.md5(c).hexdigest(), len(c)) for n, c in made.items()})
    yield made
    files.FILES.update(known)


@pytest.fixture
def nobody(monkeypatch):
    """No mirror answers."""
    monkeypatch.setattr(files, "MIRRORS", ("http://127.0.0.1:9/",))
    monkeypatch.delenv("FMNIST_MIRROR", raising=False)
    monkeypatch.setenv("no_proxy", "*")


def variants(name: str, originals: dict[str, bytes]) -> dict[str, bytes]:
    """More than fifty damaged contents of one file."""
    content, rng = originals[name], random.Random(f"{SEED} {name}")
    made = {"empty": b"", "one byte too many": content + b"\0", "twice": content * 2}
    for number in range(20):
        made[f"cut {number}"] = content[: rng.randrange(len(content))]
    for number in range(20):
        place, bit = rng.randrange(len(content)), 1 << rng.randrange(8)
        flipped = bytearray(content)
        flipped[place] ^= bit
        made[f"bit {number}"] = bytes(flipped)
    for other in NAMES:
        if other != name:
            made[f"swapped with {other}"] = originals[other]
    plain = gzip.decompress(content)
    for what, head in (("magic", struct.pack(">i", 2050)), ("magic 0", bytes(4))):
        made[f"wrong {what}"] = gzip.compress(head + plain[4:])
    for count in (0, 1, 2**31 - 1):
        wrong = plain[:4] + struct.pack(">i", count) + plain[8:]
        made[f"count {count}"] = gzip.compress(wrong, 1)
    made["compressed anew"] = gzip.compress(plain, 1, mtime=1)
    made["not compressed"] = plain
    made["an error page"] = b"<!doctype html><title>503 Service Unavailable</title>"
    made["zeros of the right length"] = bytes(len(content))
    return made


def refused(folder: Path, name: str) -> str:
    with pytest.raises(CourseError) as told:
        data.load_files(folder)
    message = str(told.value)
    assert name in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_are_refused(name, originals, nobody, tmp_path, tally):
    for other, content in originals.items():
        (tmp_path / other).write_bytes(content)
    damaged = variants(name, originals)
    assert len(damaged) >= 50
    for what, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        refused(tmp_path, name)
        left = (tmp_path / name).read_bytes()
        assert left == content, f"{what}: touched where none is to be had"
        tally("data: damaged file refused")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_file_is_refused(name, originals, nobody, tmp_path, tally):
    for other, content in originals.items():
        (tmp_path / other).write_bytes(content)
    (tmp_path / name).unlink()
    refused(tmp_path, name)
    (tmp_path / name).mkdir()
    refused(tmp_path, name)
    (tmp_path / name).rmdir()
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    refused(tmp_path, name)
    (tmp_path / name).unlink()
    tally("data: missing file, folder in its place, dead link")
    if os.geteuid() != 0:
        (tmp_path / name).write_bytes(originals[name])
        (tmp_path / name).chmod(0)
        refused(tmp_path, name)
        tally("data: unreadable file")


def bomb(folder: str, name: str, answer) -> None:
    """In a process of its own: what a gzip bomb in the place of a file makes of the memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        data.load_files(Path(folder))
        said = "accepted"
    except CourseError as error:
        said = str(error)
    answer.put((said, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))


@pytest.mark.parametrize("name", NAMES)
def test_a_gzip_bomb_takes_no_memory(name, originals, nobody, tmp_path, tally):
    for other, content in originals.items():
        (tmp_path / other).write_bytes(content)
    inner = gzip.compress(bytes(1 << 20))
    (tmp_path / name).write_bytes(inner * 4096)  # four gigabytes in four megabytes
    fork = multiprocessing.get_context("fork")
    answer = fork.Queue()
    process = fork.Process(target=bomb, args=(str(tmp_path), name, answer))
    process.start()
    said, grown = answer.get(timeout=60)
    process.join()
    assert name in said
    assert grown < 300_000  # kilobytes; the images alone are 55 MB
    tally("data: gzip bomb")


class Mirror(http.server.BaseHTTPRequestHandler):
    """Answers as its server's `behave` wants."""

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        content = self.server.originals[name]
        behave = self.server.behave
        length = {"too long": len(content) * 2, "too short": len(content) // 2}.get(behave)
        if behave in ("404", "500"):
            self.send_error(int(behave))
            return
        if behave == "302 away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            return
        if behave == "302 in a circle":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
            return
        self.send_response(200)
        if behave != "no length":
            self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        if behave == "stalls at once":
            time.sleep(8)
        elif behave == "stalls halfway":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            time.sleep(8)
        elif behave == "drops halfway":
            self.wfile.write(content[: len(content) // 2])
        elif behave == "sends too much":
            self.wfile.write(content + bytes(1000))
        elif behave == "endless":
            try:
                while True:
                    self.wfile.write(bytes(1 << 16))
            except OSError:
                pass
        elif behave == "another file":
            self.wfile.write(bytes(len(content)))
        else:
            self.wfile.write(content)

    def log_message(self, *given):
        pass


@pytest.fixture
def mirror(originals):
    """A function that starts a mirror with a behaviour; its address."""
    started = []

    def start(behave: str) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
        server.daemon_threads, server.block_on_close = True, False
        server.originals, server.behave = originals, behave
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


BAD = ["404", "500", "302 away", "302 in a circle", "too short", "endless", "another file"]
BAD += ["stalls at once", "stalls halfway", "drops halfway"]
# The content is what counts: it's whole, whatever else the server says or sends.
GOOD = ["whole", "no length", "too long", "sends too much"]


@pytest.mark.parametrize("behave", [*BAD, *GOOD])
def test_a_mirror_that_misbehaves(behave, mirror, originals, nobody, tmp_path, monkeypatch, tally):
    """Alone it gives the right files or one sentence; before a good one, the right files."""
    monkeypatch.setattr(files, "SILENCE", 2)
    monkeypatch.setattr(files, "MIRRORS", (mirror(behave),))
    start = time.monotonic()
    if behave in GOOD:
        data.load_files(tmp_path / "alone")
    else:
        with pytest.raises(CourseError) as told:
            data.load_files(tmp_path / "alone")
        assert "\n" not in str(told.value)
        assert not list((tmp_path / "alone").glob("*"))
    assert time.monotonic() - start < 30
    monkeypatch.setattr(files, "MIRRORS", (mirror(behave), mirror("whole")))
    data.load_files(tmp_path / "both")
    for name, content in originals.items():
        assert (tmp_path / "both" / name).read_bytes() == content
    tally("data: a mirror that misbehaves, alone and before a good one")


def fetch(folder: str, address: str, answer) -> None:
    files.MIRRORS = (address,)
    try:
        data.load_files(Path(folder))
        answer.put("")
    except BaseException as error:
        answer.put(repr(error))


def test_several_download_at_once(mirror, originals, nobody, tmp_path, tally):
    fork = multiprocessing.get_context("fork")
    address = mirror("whole")
    for attempt in range(5):
        folder, answer = tmp_path / str(attempt), fork.Queue()
        crowd = [fork.Process(target=fetch, args=(str(folder), address, answer)) for _ in range(4)]
        for process in crowd:
            process.start()
        assert [answer.get(timeout=60) for _ in crowd] == [""] * 4
        for process in crowd:
            process.join()
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == originals
        tally("data: four processes download at once")
