"""The split into three sets, the fingerprint, and the stand-in; with the real files, those too."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fmnist_utils import CourseError, data
from fmnist_utils.data import Dataset, ImageSet, standin
from fmnist_utils.profiles import PROFILES

RULES = {
    "first 5,000": (range(5_000, 60_000), range(5_000)),
    "last 20 %": (range(48_000), range(48_000, 60_000)),
    "none": (range(60_000), range(0)),
    "test": (range(60_000), range(60_000, 70_000)),
}
TOPS = {0, 2, 4, 6}


@pytest.fixture(scope="module")
def numbered():
    """60,000 + 10,000 images that carry their number in their first four pixels."""

    def part(start, n):
        images = np.zeros((n, 28, 28), np.uint8)
        images[:, 0, :4] = np.arange(start, start + n, dtype="<u4").view(np.uint8).reshape(n, 4)
        return ImageSet(images, np.random.default_rng(start).integers(0, 10, n, dtype=np.uint8))

    return Dataset(part(0, 60_000), part(60_000, 10_000), "numbers")


def numbers(part):
    return np.ascontiguousarray(part.images[:, 0, :4]).view("<u4").ravel()


@pytest.mark.parametrize("profile", [None, *PROFILES])
@pytest.mark.parametrize("rule", RULES)
def test_split(numbered, rule, profile):
    limits = PROFILES[profile or "full"]
    shortened = limits.name != "full"
    train, validation = RULES["first 5,000" if shortened and rule == "none" else rule]
    wanted = (
        train[: limits.train_images],
        validation[: limits.validation_images],
        range(60_000, 70_000)[: limits.test_images],
    )
    splits = numbered.split(rule, limits if profile else None)
    labels = np.concatenate([numbered.train.labels, numbered.test.labels])
    for part, ids in zip(splits, wanted, strict=True):
        np.testing.assert_array_equal(numbers(part), ids)
        np.testing.assert_array_equal(part.labels, labels[ids])


@pytest.mark.parametrize("word", ["last 20%", "", None])
def test_another_word_for_a_split_is_told(numbered, word):
    with pytest.raises(
        ValueError, match="choose one of first 5,000, last 20 %, none, test"
    ) as told:
        numbered.split(word)
    assert str(told.value).startswith(f"validation={word!r}: ")


def test_take_keeps_images_and_labels_together_and_the_order(numbered):
    taken = numbered.test.take([7, 3, 3])
    assert numbers(taken).tolist() == [60_007, 60_003, 60_003]
    assert taken.labels.tolist() == numbered.test.labels[[7, 3, 3]].tolist()


def test_profiles_limits():
    limits = {
        name: (profile.train_images, profile.validation_images, profile.test_images)
        for name, profile in PROFILES.items()
    }
    assert limits["full"] == (None, None, None)
    assert limits["lesson"][2] == 10_000, "a lesson's test accuracy is comparable with a report's"
    for name in ("smoke", "lesson"):
        assert limits[name][0] <= 48_000
        assert limits[name][1] <= 5_000


def small(train_pixel=0, train_label=0, test_pixel=0, test_label=0):
    images, labels = np.zeros((20, 28, 28), np.uint8), np.zeros(20, np.uint8)
    parts = images.copy(), labels.copy(), images.copy(), labels.copy()
    for array, value in zip(parts, (train_pixel, train_label, test_pixel, test_label), strict=True):
        array[(7,) * array.ndim] = value
    return Dataset(ImageSet(*parts[:2]), ImageSet(*parts[2:]), "zeros")


@pytest.mark.parametrize("changed", ["train_pixel", "train_label", "test_pixel", "test_label"])
def test_fingerprint_changes_with_one_value(changed):
    assert small(**{changed: 1}).fingerprint != small().fingerprint


def test_fingerprint_is_that_of_the_content():
    assert small().fingerprint == small().fingerprint
    assert len(small().fingerprint) == 12
    assert int(small().fingerprint, 16)
    mirrored = small(test_pixel=3)
    view = ImageSet(np.asfortranarray(mirrored.test.images), mirrored.test.labels[::-1][::-1])
    assert Dataset(mirrored.train, view, "x").fingerprint == mirrored.fingerprint


def test_class_names():
    names = "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
    assert ", ".join(data.CLASS_NAMES) == names


def check_shapes(dataset):
    for part, n in ((dataset.train, 60_000), (dataset.test, 10_000)):
        assert (part.images.shape, part.labels.shape) == ((n, 28, 28), (n,))
        assert part.images.dtype == part.labels.dtype == np.uint8
        assert np.bincount(part.labels).tolist() == [n // 10] * 10
        assert set(part.labels[:100]) == set(range(10)), "the classes come mixed"


def test_stand_in_has_the_shapes_of_fashion_mnist(dataset):
    check_shapes(dataset)
    assert dataset.train.images.min() == 0
    assert dataset.train.images.max() > 200


def test_stand_ins_garments_look_like_their_names(dataset):
    images, labels = dataset.train.images, dataset.train.labels
    mean = np.stack([images[labels == digit][:500].mean(axis=0) for digit in range(10)])
    bright = mean > 40
    high, wide = (bright.any(axis=axis).sum(axis=1) for axis in (2, 1))
    assert set(np.flatnonzero(wide > high)) == {5, 7, 8, 9}, "shoes and bags"
    assert np.argsort(wide)[:3].tolist() == [1, 3, 0], "trousers, dresses, short sleeves"
    assert np.argsort(mean.mean(axis=(1, 2)))[:2].tolist() == [5, 7], "sandals are straps, mostly"


def test_stand_in_is_made_of_different_pictures(dataset):
    both = np.concatenate([dataset.train.images, dataset.test.images])
    assert len({image.tobytes() for image in both}) == 70_000


def test_same_seed_same_stand_in(dataset):
    again = data.stand_in("")
    assert again.fingerprint == dataset.fingerprint
    assert not np.array_equal(standin.draw(1)[2], dataset.test.images)


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_stand_in_is_neither_too_easy_nor_too_hard(dataset):
    def flat(images):
        return images.reshape(len(images), -1) / np.float32(255)

    model = LogisticRegression(C=0.05, max_iter=25)
    model.fit(flat(dataset.train.images[:4_000]), dataset.train.labels[:4_000])
    truth = dataset.test.labels[:4_000]
    predicted = model.predict(flat(dataset.test.images[:4_000]))
    assert 0.60 < (predicted == truth).mean() < 0.95

    wrong = predicted != truth
    pairs, counts = np.unique([truth[wrong], predicted[wrong]], axis=1, return_counts=True)
    for pair in pairs.T[np.argsort(counts)[-4:]]:
        assert TOPS.issuperset(pair), f"class {pair[0]} is taken for {pair[1]}"


def test_real_data(real):
    assert real.real
    assert real.source == "Fashion-MNIST"
    check_shapes(real)
    pixels = real.train.images.ravel()
    assert pixels.mean() / 255 == pytest.approx(0.2860, abs=5e-5)
    counts = np.bincount(pixels, minlength=256)
    variance = np.average((np.arange(256) - pixels.mean()) ** 2, weights=counts)
    assert variance**0.5 / 255 == pytest.approx(0.3530, abs=5e-5)
    assert real.fingerprint == "923164e4e993"


def test_real_split_has_the_row_sums_of_the_report(real):
    counts = np.bincount(real.split("first 5,000").train.labels)
    assert counts.tolist() == [5543, 5444, 5496, 5499, 5512, 5507, 5507, 5488, 5510, 5494]


def test_full_refuses_the_stand_in_when_it_is_loaded(monkeypatch):
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    why = "full .* refuses the drawn stand-in, which is here because `FMNIST_DATA_DIR` asks for it"
    with pytest.raises(CourseError, match=why):
        data.load(PROFILES["full"])
    assert not data.load(PROFILES["lesson"]).real


def test_a_dataset_says_how_many_images_it_has(numbered):
    assert repr(numbered) == "<numbers: 60,000 training and 10,000 test images>"
    assert ": 60,000 training and 10,000 test images, drawn" in numbered._repr_markdown_()
