"""The page "Try it" in a real browser: it computes what Keras and Python compute, asks nobody for
anything, and says in a sentence what it can't use.

What it should give comes from the course's own environment (`.venv`), if there is one.
"""

import base64
import json
import os
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from conftest import ROOT, SITE
from test_browser import faults_found_by_axe

PYTHON = ROOT / ".venv" / "bin" / "python"
PHONE = {"viewport": {"width": 390, "height": 800}}
DARK = {"color_scheme": "dark"}
# 200 test images (drawn ones, where there are no others), each network's answers, photos, and
# each photo's steps.
EXPECTED = """
import base64, json, os, sys
from pathlib import Path
import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from fmnist_utils import data, models, photo
folder = Path(sys.argv[1])
real = os.environ.get("FMNIST_DATA_DIR", "stand-in") != "stand-in"
test = (data.load() if real else data.stand_in("a test asks for it")).test
images = test.images[:200]
answers = {}
for id in models.ready.TRAINED:
    outputs = models.shipped(id)(images[..., None].astype("float32") / 255).numpy()
    answers[id] = outputs.tolist()
outline = [(125, 60), (165, 60), (200, 78), (235, 60), (275, 60), (350, 140), (312, 182)]
outline += [(275, 150), (275, 350), (125, 350), (125, 150), (88, 182), (50, 140)]
def shirt(garment, left, right, size=(400, 420)):
    shade = np.linspace(left, right, 400)[None, :, None].repeat(420, 0).repeat(3, 2)
    picture = Image.fromarray(shade.round().astype(np.uint8))
    ImageDraw.Draw(picture).polygon(outline, fill=garment)
    picture = picture.filter(ImageFilter.GaussianBlur(1))
    noise = np.random.default_rng(0).normal(0, 2, (420, 400, 3))
    pixels = (np.asarray(picture) + noise).clip(0, 255).round().astype(np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
blue, white = (52, 84, 140), (250, 248, 240)
pictures = {
    "lit.png": shirt(blue, 225, 185),
    "large.png": shirt(blue, 240, 230, (1500, 1700)),
    "wide.png": shirt((150, 60, 70), 250, 250, (1300, 620)),
    "pale.png": shirt(white, 120, 90),
    "black.png": shirt(white, 8, 8),
    "small.png": shirt(blue, 225, 225, (70, 60)),
    "lossless.webp": shirt(blue, 225, 185),
}
framed = Image.new("RGB", (480, 500), (30, 30, 30))
framed.paste(shirt(blue, 225, 200), (40, 40))
pictures["framed.png"] = framed
cut = shirt(blue, 255, 255).convert("RGBA")
mask = Image.new("L", cut.size)
ImageDraw.Draw(mask).polygon(outline, fill=255)
cut.putalpha(mask)
pictures["cut.png"] = cut
steps = {}
for name, picture in pictures.items():
    picture.save(folder / name, **({"lossless": True} if name.endswith("webp") else {}))
    steps[name] = {
        step: [found.shape, base64.b64encode(found.tobytes()).decode()]
        for step, found in photo.steps(folder / name).items()
    }
frames = [shirt(blue, 225, 185), shirt(white, 90, 90)]
frames[0].save(folder / "animated.webp", save_all=True, append_images=frames[1:], lossless=True)
frames[0].resize((1000, 1050)).save(folder / "camera.jpg", quality=92)
json.dump({"images": images.reshape(200, -1).tolist(), "answers": answers, "steps": steps,
    "camera": photo.prepare(folder / "camera.jpg").ravel().tolist()},
    open(folder / "expected.json", "w"))
"""


@pytest.fixture(scope="session")
def expected(tmp_path_factory):
    """What the course's own code gives, and the folder of the photos."""
    if not PYTHON.exists():
        pytest.skip("needs the course's own environment: `make .venv/installed`")
    folder = tmp_path_factory.mktemp("expected")
    done = subprocess.run(
        [PYTHON, "-c", EXPECTED, folder], capture_output=True, text=True, cwd=ROOT, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "expected.json").read_text()) | {"folder": folder}


def opened(watched, path="try.html"):
    watched.open(path)
    watched.page.wait_for_selector("[data-ready]")
    return watched.page


def photograph(page, path):
    """Hand a file over; the sentence that the page says about it in the end."""
    page.set_input_files("[data-try=photo] input", path)
    said = page.locator("[data-try=photo] [role=status]")
    page.wait_for_function(
        "(e) => e.textContent && !e.textContent.startsWith('Reading')", arg=said.element_handle()
    )
    return said.inner_text()


def test_answers_are_those_of_keras(watched, expected):
    page = opened(watched)
    found = page.evaluate(
        """images => Object.fromEntries(COURSE.networks.map(card => {
            const network = Network.load(card);
            return [card.id, images.map(image => Network.probabilities(network, image))];
        }))""",
        expected["images"],
    )
    assert found.keys() == expected["answers"].keys()
    for id, wanted in expected["answers"].items():
        for one, other in zip(found[id], wanted, strict=True):
            assert one == pytest.approx(other, abs=1e-4), id
            assert one.index(max(one)) == other.index(max(other)), id


def test_an_answer_takes_less_than_50_ms(watched):
    page = opened(watched)
    times = page.evaluate("""() => {
        const network = Network.load(COURSE.networks[0]);
        const image = Uint8Array.from({length: 784}, (_, i) => (i * 37) % 256);
        return Array.from({length: 41}, () => {
            const begun = performance.now();
            Network.probabilities(network, image);
            return performance.now() - begun;
        });
    }""")
    print(f"median {sorted(times)[20]:.1f} ms")
    # (On a machine that does nothing else; one that trains beside it may take as long again.)
    assert sorted(times)[20] < 100


def test_steps_of_a_photo_are_those_of_python(watched, expected):
    page = opened(watched)
    for name, wanted in expected["steps"].items():
        content = base64.b64encode((expected["folder"] / name).read_bytes()).decode()
        found = page.evaluate(
            """async ([name, content]) => {
                const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
                const steps = Photo.steps(await Photo.read(new File([bytes], name)), name);
                return Object.entries(steps).map(([step, {width, height, data}]) =>
                    [step, [height, width], Array.from(data)]);
            }""",
            [name, content],
        )
        assert [step for step, *_ in found] == list(wanted), name
        for step, shape, values in found:
            kept, data = wanted[step]
            assert shape == kept[:2], (name, step)
            others = base64.b64decode(data)
            off = max(abs(one - other) for one, other in zip(values, others, strict=True))
            assert off <= 1, (name, step, off)


def test_a_telephones_photo_comes_out_nearly_the_same(watched, expected):
    """Its decoder rounds in its own way."""
    page = opened(watched)
    assert "The steps from the photo" in photograph(page, expected["folder"] / "camera.jpg")
    found = page.evaluate("""() => {
        const canvas = document.querySelector('.try-steps li:last-child canvas');
        return Array.from(canvas.getContext('2d').getImageData(0, 0, 28, 28).data)
            .filter((_, i) => i % 4 === 0);
    }""")
    assert max(abs(a - b) for a, b in zip(found, expected["camera"], strict=True)) <= 6


def test_an_animation_is_refused(watched, expected):
    said = photograph(opened(watched), expected["folder"] / "animated.webp")
    assert said.startswith("animated.webp is an animation, not a photo; save one of its pictures")


def png(width, height):
    """The head of a PNG that claims a size."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


def jpeg(width, height):
    return b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", height, width) + b"\3" + b"\0" * 20


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("text.png", b"hello", "text.png is not a JPEG, PNG or WebP picture; save or export"),
        ("empty.jpg", b"", "empty.jpg is empty; copy or save the photo again."),
        ("big.jpg", jpeg(20_000, 10_000), "big.jpg has 20000 x 10000 pixels; shrink it to at most"),
        ("big.png", png(8_000, 8_000), "big.png has 8000 x 8000 pixels; shrink it to at most 50"),
        ("torn.png", png(80, 80), "torn.png is damaged and can't be decoded; copy or save"),
        ("torn.jpg", b"\xff\xd8\xff", "torn.jpg is damaged and can't be decoded; copy or save"),
    ],
)
def test_what_is_no_photo_is_told_in_a_sentence(watched, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    page = opened(watched)
    said = photograph(page, tmp_path / name)
    assert said.startswith(words)
    assert "\n" not in said
    assert watched.faults == []


def answer(page):
    page.wait_for_timeout(100)
    return page.locator("[data-try=picture] .try-headline").inner_text()


def test_drawing_with_the_mouse_and_with_keys_changes_the_answer(watched):
    page = opened(watched)
    page.get_by_role("button", name="Clear").click()
    assert answer(page).startswith("Nothing is drawn yet")
    box = page.locator(".try-canvas").bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.9 * box["height"], steps=5)
    page.mouse.up()
    drawn = answer(page)
    assert "%" in drawn
    page.locator(".try-canvas").focus()
    for _ in range(12):
        page.keyboard.press("Shift+ArrowRight")
    for _ in range(20):
        page.keyboard.press("Shift+ArrowUp")
    assert answer(page) != drawn
    page.wait_for_timeout(700)
    assert page.locator("[data-try=picture] [role=status]").inner_text() == answer(page)
    assert watched.faults == []


def test_images_temperature_and_networks_change_the_answer(watched):
    page = opened(watched)
    page.locator("[data-try=gallery] [aria-label=Trouser] button").first.click()
    right = answer(page)
    assert right.startswith("Trouser")
    assert right.endswith("right")
    page.locator("[data-try=gallery] [aria-label=Shirt] .try-wrong").first.click()
    assert "wrong: it is Shirt" in answer(page)
    numbers = page.locator(".try-number").all_inner_texts()
    page.locator(".try-check input").uncheck()
    answer(page)
    assert page.locator(".try-number").all_inner_texts() != numbers
    for network in page.locator("input[name=try-network]").all()[1:]:
        network.check()
        before, numbers = numbers, page.locator(".try-number").all_inner_texts()
        answer(page)
        assert page.locator(".try-number").all_inner_texts() != before


def test_no_answer_is_called_certain(watched):
    page = opened(watched)
    page.get_by_label("cnn-standard", exact=False).nth(1).check()
    for button in page.locator("[data-try=gallery] button").all()[::7]:
        button.click()
        assert "100" not in answer(page)
        assert not {"100.0 %", "100 %", "0.0 %"} & set(
            page.locator(".try-number").all_inner_texts()
        )
        assert button.get_attribute("aria-pressed") == "true"
    assert page.locator("[data-try=gallery] [aria-pressed=true]").count() == 1


def test_a_stroke_can_be_undone_and_the_right_button_draws_nothing(watched):
    page = opened(watched)
    before = answer(page)
    canvas = page.locator(".try-canvas")
    canvas.click(button="right", position={"x": 100, "y": 100})
    assert answer(page) == before
    canvas.click(position={"x": 100, "y": 100})
    assert "right" not in answer(page), "what is drawn on has no true class"
    page.get_by_role("button", name="Undo").click()
    assert answer(page) == before
    assert before.endswith("right")


def pixels(page):
    return page.evaluate("""() => {
        const canvas = document.querySelector('.try-canvas');
        return Array.from(canvas.getContext('2d').getImageData(0, 0, 28, 28).data);
    }""")


def test_the_keys_pencil_is_seen_where_keys_are_in_use(watched):
    page = opened(watched)
    answer(page)
    bare = pixels(page)
    page.get_by_role("button", name="Undo").focus()
    for _ in range(4):  # back over the other button and two sliders
        page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.className") == "try-canvas"
    assert pixels(page) != bare
    page.keyboard.press("ArrowRight")
    assert pixels(page) != bare
    page.keyboard.press("Tab")
    assert pixels(page) == bare


def test_the_answer_follows_where_the_picture_is_out_of_sight(watched):
    page = opened(watched)
    follow = page.locator(".try-follow div")
    assert not follow.is_visible()
    page.locator("[data-try=occlusion]").scroll_into_view_if_needed()
    follow.wait_for(state="visible")
    assert follow.inner_text() == answer(page)
    assert 0 <= follow.bounding_box()["y"] < 200, "within the window, at its top"
    page.locator("[data-try=picture]").scroll_into_view_if_needed()
    follow.wait_for(state="hidden")


def test_the_shortcut_is_shown_at_once_and_the_others_answers_beside_it(watched):
    page = opened(watched)
    page.get_by_role("button", name="Show the shortcut").click()
    assert answer(page).endswith("wrong: it is Coat")
    page.wait_for_timeout(600)
    said = page.locator(".try-other").all_inner_texts()
    assert [one.split(",")[0] for one in said][2] in (" Its answer: Pullover", " Its answer: Shirt")
    assert "Coat" in said[1]
    page.goto((SITE / "try.html").as_uri() + "#cnn-standard")
    page.reload()
    page.wait_for_selector("[data-ready]")
    assert page.locator("input[value=cnn-standard]").is_checked()


def test_the_photos_sentence_goes_with_the_photo(watched, expected):
    page = opened(watched)
    said = photograph(page, expected["folder"] / "lit.png")
    assert said.startswith(f"lit.png: {answer(page)}. The steps")
    assert photograph(page, expected["folder"] / "lit.png") == said, "the same file once more"
    page.locator("[data-try=gallery] [aria-label=Bag] button").first.click()
    assert page.locator("[data-try=photo] [role=status]").inner_text() == ""
    assert page.locator(".try-steps li").count() == 0


def test_there_is_no_occlusion_map_of_nothing(watched):
    page = opened(watched)
    cover = page.get_by_role("button", name="Cover each place")
    assert cover.is_enabled()
    page.get_by_role("button", name="Clear").click()
    answer(page)
    assert cover.is_disabled()


def test_the_shortcut_tips_over(watched):
    """Turned, far more images become pullovers or shirts for the network that learned from turned
    pullovers and shirts."""
    page = opened(watched)
    called = page.evaluate("""async () => {
        const count = {};
        for (const id of ['cnn-standard', 'cnn-standard-shortcut']) {
            document.querySelector(`input[value=${id}]`).click();
            count[id] = 0;
            for (const name of ['T-shirt/top', 'Dress', 'Coat', 'Bag', 'Trouser'])
                for (const button of [
                    ...document.querySelectorAll(`[aria-label="${name}"] button`)].slice(0, 4)) {
                    button.click();
                    const turn = document.querySelector('[data-try=changes] input');
                    const picture = document.querySelector('[data-try=picture]');
                    turn.value = 12;
                    turn.dispatchEvent(new Event('input'));
                    await new Promise(requestAnimationFrame);
                    await new Promise(requestAnimationFrame);
                    count[id] += ['Pullover', 'Shirt'].includes(picture.dataset.answer);
                }
        }
        return count;
    }""")
    print(called)
    assert called["cnn-standard-shortcut"] >= called["cnn-standard"] + 5


def test_every_layer_has_its_maps_and_each_number_its_sum(watched):
    page = opened(watched)
    layers = page.locator("[data-try=layers] details")
    kinds = page.evaluate("COURSE.networks[0].layers.length")
    image = page.evaluate("""() => {
        const picture = document.querySelector('.try-canvas').getContext('2d');
        const rgba = Array.from(picture.getImageData(0, 0, 28, 28).data);
        return rgba.filter((_, i) => i % 4 === 0);
    }""")
    assert layers.count() == kinds > 5
    for number in range(kinds):
        fold = layers.nth(number)
        if fold.get_attribute("open") is None:
            fold.locator("summary").click()
        fold.locator("canvas, li").first.wait_for()
        if not fold.locator("button").count():
            continue
        fold.locator("button").nth(1).click()
        shown = page.evaluate("document.querySelector('[data-try=kernel]').dataset.result")
        wanted = page.evaluate(
            """([number, image]) => {  // feature map 1, where it answers most
                const network = Network.load(COURSE.networks[0]);
                const {data, channels} = Network.run(network, image)[number];
                const map = Array.from(data).filter((_, i) => i % channels === 1);
                return map.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a);
            }""",
            [number, image],
        )
        assert float(shown) == pytest.approx(wanted, abs=1e-6)
    assert watched.faults == []


def test_an_occlusion_map_says_where_the_answer_rests(watched):
    page = opened(watched)
    page.locator("[data-try=gallery] [aria-label='Ankle boot'] button").first.click()
    page.get_by_role("button", name="Cover each place").click()
    page.wait_for_function("document.querySelector('[data-try=occlusion]').dataset.fall")
    assert "Ankle boot" in page.locator("[data-try=occlusion] [role=status]").inner_text()
    fall = json.loads(page.evaluate("document.querySelector('[data-try=occlusion]').dataset.fall"))
    assert len(fall) == 784
    assert len(set(fall)) > 50


@pytest.mark.parametrize("watched", [{}, PHONE, DARK], indirect=True, ids=["wide", "phone", "dark"])
def test_no_fault_of_accessibility_where_all_is_in_use(watched, axe, expected):
    page = opened(watched)
    photograph(page, expected["folder"] / "lit.png")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.wait_for_timeout(500)
    assert faults_found_by_axe(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.faults == []


def test_the_page_is_small():
    html = (SITE / "try.html").stat().st_size
    own = sum(path.stat().st_size for path in (SITE / "_static" / "try").iterdir())
    print(f"{html + own} bytes")
    assert html + own < 2_500_000
    assert {Path(path).name for path in (SITE / "_static" / "try").iterdir()} == {
        *("images.json", "images.png", "network.js", "networks.js"),
        *("page.css", "page.js", "photo.js"),
    }
