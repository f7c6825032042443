"""Diagrams: what is drawn, where, and the numbers that stand beside it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Circle, Rectangle

from fmnist_utils.plots import diagrams
from fmnist_utils.recipes import PUBLISHED


def texts():
    return [text.get_text() for text in plt.gcf().axes[0].texts if text.get_text()]


def test_units_are_joined_to_all_of_the_next_column():
    diagrams.units([["a", "b", "c"], ["d", "e"], ["f"]], np.array([[1, 2], [3, 4], [5, 6]]))
    (ax,) = plt.gcf().axes
    circles = [patch.center for patch in ax.patches if isinstance(patch, Circle)]
    assert [x for x, _ in circles] == pytest.approx([0, 0, 0, 2.2, 2.2, 4.4])
    assert circles[0][1] > circles[1][1] > circles[2][1]  # from above, as they are read
    assert len(ax.lines) == 3 * 2 + 2 * 1
    assert texts() == ["1", "2", "3", "4", "5", "6", "a", "b", "c", "d", "e", "f"]
    (to_d,) = [text for text in ax.texts if text.get_text() == "5"]  # from c to d
    assert circles[2][1] < to_d.get_position()[1] < circles[3][1]


def test_what_flows_back_stands_below_from_right_to_left():
    diagrams.flow(["x", "z", "loss"], ["first", "second"])
    places = {t.get_text(): t.get_position() for t in plt.gcf().axes[0].texts if t.get_text()}
    assert places["x"][0] < places["z"][0] < places["loss"][0]
    assert places["z"][0] < places["first"][0] < places["loss"][0]
    assert places["x"][0] < places["second"][0] < places["z"][0]
    assert places["first"][1] < places["x"][1]


def test_a_network_in_blocks():
    diagrams.layers(PUBLISHED["cnn-basic"].build(), "Basic")
    # Conv2D(32, 3): 9 · 32 + 32; Dense: 13 · 13 · 32 · 10 + 10
    below = ["28 × 28 × 1\n", "26 × 26 × 32\n320", "13 × 13 × 32\n", "5408\n", "10\n54,090"]
    assert texts()[::2] == below
    assert texts()[1::2] == ["input", "Conv 2-D", "MaxPooling 2-D", "Flatten", "Dense"]
    assert plt.gcf()._suptitle.get_text() == "Basic (54,410 parameters)"
    blocks = [patch for patch in plt.gcf().axes[0].patches if isinstance(patch, Rectangle)]
    heights = [block.get_height() for block in blocks]
    assert heights[0] > heights[1] > heights[2]
    assert blocks[1].get_width() == blocks[2].get_width() > blocks[0].get_width()


def test_a_kernel_on_an_image():
    image = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    diagrams.window(image, np.array([[1, 0], [0, -2]]), at=(1, 0))
    shown = [[t.get_text() for t in ax.texts] for ax in plt.gcf().axes]
    assert shown[:2] == [list("123456789"), ["1", "0", "0", "-2"]]
    assert shown[2] == ["-9", "-10", "-12", "-13"]  # 1 - 2 · 5, 2 - 2 · 6, 4 - 2 · 8, 5 - 2 · 9
    (on_image,), _, (on_sums,) = [ax.patches for ax in plt.gcf().axes]
    assert (on_image.get_xy(), on_image.get_width()) == ((-0.5, 0.5), 2)
    assert (on_sums.get_xy(), on_sums.get_width()) == ((-0.5, 0.5), 1)


def test_a_drawing_is_signed_by_no_run():
    diagrams.flow(["a", "b"], title="From a to b")
    _, metadata = plt.gcf()._repr_mimebundle_()
    assert metadata["image/png"] == {"alt": "Diagram: From a to b", "made_by": "drawing"}
    assert not [text for text in plt.gcf().texts if "profile" in text.get_text()]


def test_arrows_lead_forwards_and_what_flows_back_backwards():
    diagrams.flow(["x", "z", "loss"], ["first", "second"])
    arrows = [text for text in plt.gcf().axes[0].texts if getattr(text, "arrow_patch", None)]
    back = [arrow.arrow_patch.get_edgecolor() == to_rgba(diagrams.BACK) for arrow in arrows]
    to_the_left = [arrow.xy[0] < arrow.xyann[0] for arrow in arrows]  # from xyann to xy
    assert back == to_the_left == [False, False, True, True]
