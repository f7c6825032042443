"""The four files: damage is refused and named, downloads are whole or nothing, healing."""

import contextlib
import gzip
import hashlib
import http.server
import socket
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from fmnist_utils import CourseError, data
from fmnist_utils.data import files, standin

NAMES = list(files.FILES)
LABELS = "t10k-labels-idx1-ubyte.gz"
HTML = b"<!doctype html><title>Please log in</title>"


@pytest.fixture(autouse=True)
def originals(monkeypatch):
    """Four small files in the published format stand for the published ones."""
    rng = np.random.default_rng(0)
    made = {}
    for name in NAMES:
        if "images" in name:
            content = struct.pack(">4i", 2051, 20, 28, 28) + rng.bytes(20 * 28 * 28)
        else:
            content = struct.pack(">2i", 2049, 20) + bytes(rng.integers(0, 10, 20).tolist())
        made[name] = gzip.compress(content, mtime=0)
        known = (hashlib.md5(made[name]).hexdigest(), len(made[name]))
        monkeypatch.setitem(files.FILES, name, known)
    monkeypatch.setenv("no_proxy", "*")
    return made


@pytest.fixture
def folder(tmp_path, originals):
    """A folder with the four files, whole."""
    where = tmp_path / "data"
    where.mkdir()
    for name, content in originals.items():
        (where / name).write_bytes(content)
    return where


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the server's `answers[name]`: content, a status, or a function to call."""

    def do_GET(self):
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path.rpartition("/")[2], 404)
        if isinstance(answer, int):
            self.send_error(answer)
        elif isinstance(answer, bytes):
            self.start(len(answer))
            self.wfile.write(answer)
        else:
            answer(self)

    def start(self, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """A function that starts a mirror with the given answers, and shows what it was asked."""
    started, over = [], threading.Event()

    def start(answers):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.answers, server.asked, server.over = answers, [], over
        server.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return server

    yield start
    over.set()
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def nobody():
    """The address of a mirror that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


def contents(where: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in where.iterdir() if path.is_file()}


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def swap(path: Path) -> None:
    other = path.with_name(NAMES[NAMES.index(path.name) - 1])
    mine, its = path.read_bytes(), other.read_bytes()
    path.write_bytes(its)
    other.write_bytes(mine)


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def changed(change):
    return lambda path: path.write_bytes(change(path.read_bytes()))


DAMAGE = {
    "missing": (Path.unlink, "is missing"),
    "empty": (changed(lambda content: b""), "has 0 bytes instead of {size:,}"),
    "truncated": (changed(lambda content: content[:-1]), "has {less:,} bytes instead of {size:,}"),
    "larger": (changed(lambda content: content + b"\0"), "bytes instead of {size:,}"),
    "bit flipped": (changed(flip), "is damaged"),
    "page": (changed(lambda content: HTML), "has 43 bytes instead of {size:,}"),
    "page of the right length": (
        changed(lambda content: HTML.ljust(len(content))[: len(content)]),
        "is damaged",
    ),
    "swapped": (swap, "bytes instead of {size:,}"),
    "directory": (directory, "can't be read"),
}


def test_whole_files(folder, originals):
    assert {name: files.read(folder / name) for name in NAMES} == originals
    assert files.status(folder) == dict.fromkeys(NAMES, "")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_refused_and_named(folder, name, damage):
    do, says = DAMAGE[damage]
    do(folder / name)
    size = files.FILES[name][1]
    with pytest.raises(files.BadFile) as error:
        files.read(folder / name)
    assert says.format(size=size, less=size - 1) in str(error.value)

    status = files.status(folder)
    assert status[name] == str(error.value)
    assert sum(map(bool, status.values())) == (2 if damage == "swapped" else 1)


def test_file_that_may_not_be_looked_at(folder, monkeypatch):
    stat = Path.stat

    def refuse(path, **options):
        if path.name == LABELS:
            raise PermissionError(13, "Permission denied")
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(files.BadFile, match="can't be read|is missing"):
        files.read(folder / LABELS)


@pytest.mark.parametrize("name", NAMES)
def test_download(tmp_path, serve, originals, monkeypatch, name):
    monkeypatch.setattr(files, "MIRRORS", (serve(originals).url,))
    into = tmp_path / "made" / "for it"
    assert files.download(name, into) == originals[name]
    assert contents(into) == {name: originals[name]}


def short(handler):
    handler.start(files.FILES[LABELS][1])
    handler.wfile.write(b"\x1f\x8b")


def stalling(handler):
    handler.start(files.FILES[LABELS][1])
    handler.wfile.write(b"\x1f\x8b")
    handler.wfile.flush()
    handler.server.over.wait(20)


REFUSED = {
    "404": (404, "404"),
    "500": (500, "500"),
    "page": (HTML, "43 bytes instead of"),
    "wrong content": (lambda original: flip(original), "damaged"),
    "short": (lambda original: original[:-1], "bytes instead of"),
    "long": (lambda original: original + bytes(3 << 20), "bytes instead of"),
    "broken off": (lambda original: short, "2 bytes"),
    "stalling": (lambda original: stalling, "timed out"),
}


@pytest.mark.parametrize("answer", REFUSED)
def test_bad_answers_are_refused(tmp_path, serve, originals, monkeypatch, answer):
    given, says = REFUSED[answer]
    given = given(originals[LABELS]) if callable(given) else given
    server = serve({LABELS: given})
    monkeypatch.setattr(files, "MIRRORS", (server.url,))
    monkeypatch.setattr(files, "SILENCE", 0.3)
    (tmp_path / LABELS).write_bytes(b"what was there")
    with pytest.raises(files.BadFile) as error:
        files.download(LABELS, tmp_path)
    assert says in str(error.value)
    assert contents(tmp_path) == {LABELS: b"what was there"}

    # The same bad answer does no harm where a second mirror has the file.
    monkeypatch.setattr(files, "MIRRORS", (server.url, serve(originals).url))
    assert files.download(LABELS, tmp_path) == originals[LABELS]
    assert contents(tmp_path) == {LABELS: originals[LABELS]}


def test_slow_download_is_given_up(tmp_path, serve, monkeypatch):
    def dripping(handler):
        handler.start(10_000)
        with contextlib.suppress(ConnectionError):  # the other side has given up
            for _ in range(100):
                handler.wfile.write(b"\0")
                handler.server.over.wait(0.04)

    monkeypatch.setattr(files, "MIRRORS", (serve({LABELS: dripping}).url,))
    monkeypatch.setattr(files, "PATIENCE", 0.2)
    start = time.monotonic()
    with pytest.raises(files.BadFile, match="slow"):
        files.download(LABELS, tmp_path)
    assert time.monotonic() - start < 2, "only asked after the server had stopped by itself"


def test_own_mirror_is_asked_first(tmp_path, serve, originals, monkeypatch):
    own, public = serve(originals), serve(originals)
    monkeypatch.setattr(files, "MIRRORS", (public.url,))
    monkeypatch.setenv("FMNIST_MIRROR", own.url + "here/")
    files.download(LABELS, tmp_path)
    assert (own.asked, public.asked) == ([f"/here/{LABELS}"], [])

    own.answers = {}
    files.download(LABELS, tmp_path)
    assert (len(own.asked), public.asked) == (2, [f"/{LABELS}"])


@pytest.mark.parametrize(
    ("folder", "asked"),
    [
        ("", "/"),
        ("here", "/here/"),
        ("here/", "/here/"),
        ("a b/c", "/a%20b/c/"),
        ("a%20b/", "/a%20b/"),
        ("ü/運/", "/%C3%BC/%E9%81%8B/"),
        ("a#b", "/a%23b/"),
        ("get?file=", "/get?file="),
        ("here \n", "/here/"),
    ],
)
def test_a_mirror_s_address_in_any_form(tmp_path, serve, originals, monkeypatch, folder, asked):
    server = serve({LABELS: originals[LABELS], f"get?file={LABELS}": originals[LABELS]})
    monkeypatch.setenv("FMNIST_MIRROR", server.url + folder)
    assert files.download(LABELS, tmp_path) == originals[LABELS]
    assert server.asked == [asked + LABELS]


@pytest.mark.parametrize(
    "address",
    ["~/mirror", "/mnt/data", "host/data", "ftp//x", "http://", "http://[", "http://ü ü/"],
)
def test_a_mirror_that_is_no_address_is_refused_in_words(tmp_path, monkeypatch, address):
    monkeypatch.setenv("FMNIST_MIRROR", address)
    with pytest.raises(files.BadFile) as error:
        files.download(LABELS, tmp_path)
    assert f"{address} answered: " in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a b", "q?x#y%z{}", "Übung/運動靴"])
def test_a_data_folder_of_any_name(tmp_path, folder, monkeypatch, drawn, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    folder.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FMNIST_DATA_DIR", name)
    assert data.load().real


def test_every_mirror_is_in_the_answer(tmp_path, serve, nobody, monkeypatch):
    monkeypatch.setenv("FMNIST_MIRROR", "no address/")
    server = serve({})
    monkeypatch.setattr(files, "MIRRORS", (nobody, server.url))
    with pytest.raises(files.BadFile) as error:
        files.download(LABELS, tmp_path)
    for part in ("no address/", nobody, "refused", server.url, "404"):
        assert part in str(error.value)


def test_what_was_there_stays_where_a_download_cannot_be_written(
    tmp_path, serve, originals, monkeypatch
):
    def half(path, content):
        with path.open("wb") as file:
            file.write(content[:9])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "MIRRORS", (serve(originals).url,))
    (tmp_path / "a" / LABELS).mkdir(parents=True)
    with pytest.raises(files.BadFile, match="a directory"):
        files.download(LABELS, tmp_path / "a")
    assert [path.name for path in (tmp_path / "a").iterdir()] == [LABELS]
    (tmp_path / LABELS).write_bytes(b"older")
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(files.BadFile, match="No space left"):
        files.download(LABELS, tmp_path)
    assert contents(tmp_path) == {LABELS: b"older"}


def arrays(content: dict[str, bytes]) -> list[np.ndarray]:
    made = []
    for name, packed in content.items():
        header, shape = (16, (20, 28, 28)) if "images" in name else (8, (20,))
        made.append(np.array(list(gzip.decompress(packed)[header:]), np.uint8).reshape(shape))
    return made


def test_load_files(folder, originals):
    dataset = data.load_files(folder)
    for found, wanted in zip((*dataset.train, *dataset.test), arrays(originals), strict=True):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, wanted)
    assert dataset.real
    assert "stand-in" not in dataset._repr_markdown_()


@pytest.mark.parametrize("damage", [damage for damage in DAMAGE if damage != "directory"])
def test_damage_is_healed(folder, serve, originals, monkeypatch, damage):
    name = NAMES[2]
    DAMAGE[damage][0](folder / name)
    server = serve(originals)
    monkeypatch.setattr(files, "MIRRORS", (server.url,))
    dataset = data.load_files(folder)
    np.testing.assert_array_equal(dataset.test.images, arrays(originals)[2])
    assert contents(folder) == originals
    swapped = [f"/{NAMES[1]}"] if damage == "swapped" else []
    assert server.asked == [*swapped, f"/{name}"], "only what is damaged is downloaded"


def no_server(serve, nobody):
    return nobody, "refused"


def server_of_pages(serve, nobody):
    return serve(dict.fromkeys(NAMES, HTML)).url, "43 bytes"


@pytest.mark.parametrize("mirror", [no_server, server_of_pages])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_that_can_not_be_healed(folder, serve, nobody, monkeypatch, damage, mirror):
    address, says = mirror(serve, nobody)
    monkeypatch.setattr(files, "MIRRORS", (address,))
    DAMAGE[damage][0](folder / NAMES[0])
    before, reason = contents(folder), files.status(folder)[NAMES[0]]
    with pytest.raises(CourseError) as error:
        data.load_files(folder)
    for part in (str(folder / NAMES[0]), reason, says):
        assert part in str(error.value)
    assert contents(folder) == before


@pytest.fixture
def drawn(monkeypatch):
    """Makes the stand-in small."""
    part = (np.ones((30, 28, 28), np.uint8), np.ones(30, np.uint8))
    monkeypatch.setattr(standin, "draw", lambda seed=0: (*part, *part))


def test_load_from_the_named_folder(folder, monkeypatch, drawn):
    monkeypatch.setenv("FMNIST_DATA_DIR", str(folder))
    assert data.load().real
    (folder / LABELS).unlink()
    with pytest.raises(CourseError, match=LABELS):
        data.load()


def test_named_folder_that_is_none(tmp_path, monkeypatch, drawn):
    monkeypatch.setenv("FMNIST_DATA_DIR", str(tmp_path / "misspelt"))
    with pytest.raises(CourseError, match="FMNIST_DATA_DIR.*misspelt"):
        data.load()
    assert not (tmp_path / "misspelt").exists()


def test_load_from_the_cache_of_keras(tmp_path, serve, originals, monkeypatch, drawn):
    monkeypatch.delenv("FMNIST_DATA_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(files, "MIRRORS", (serve(originals).url,))
    assert data.load().real
    assert contents(tmp_path / "keras" / "datasets" / "fashion-mnist") == originals


def test_stand_in_where_nothing_can_be_had(tmp_path, monkeypatch, nobody, drawn):
    monkeypatch.delenv("FMNIST_DATA_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(files, "MIRRORS", (nobody,))
    dataset = data.load()
    assert not dataset.real
    assert NAMES[0] in dataset.note
    assert "is missing" in dataset.note
    banner = dataset._repr_markdown_()
    assert "stand-in, not Fashion-MNIST" in banner
    assert dataset.note in banner


def test_stand_in_that_is_asked_for(monkeypatch, drawn):
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    dataset = data.load()
    assert not dataset.real
    assert "FMNIST_DATA_DIR" in dataset._repr_markdown_()
