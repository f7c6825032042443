"""Where the time of a training step goes: the share of each kind of operation.

TensorFlow's profiler watches one epoch of the course's training, after a first one that compiles.
Kinds, by the operations' names: products (of matrices, and convolutions) forwards and backwards,
pooling, everything else that layers do, the optimizer, weight penalties with loss and metrics, and
picking the images of a batch.

    python benchmarks/operations.py [IMAGES] [ID…]
"""

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from common import report
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from fmnist_utils import data
from fmnist_utils.models.backend import forget_graphs, make_repeatable, tf
from fmnist_utils.recipes import MODELS, PUBLISHED
from fmnist_utils.training import loop

# The first that fits an operation's path or type. OPTIMIZER stands for its name; what
# belongs to a layer is named after the model, `sequential`.
KINDS = {
    "products forwards": r"^(?!.*gradient_tape).*:.*(MatMul|Conv|Einsum)",
    "products backwards": r":.*(MatMul|Conv|Einsum)",
    "pooling": r":.*Pool",
    "optimizer": r"/OPTIMIZER(_\d+)?/",
    "other layers": r"/sequential",
    "picking images": r":(GatherV2|StridedSlice)$",
    "penalties, loss, metrics": r"",
}


def profile(id: str, images: int) -> dict[str, float]:
    forget_graphs()
    make_repeatable(0)
    recipe, train = MODELS[id], data.load().train
    model = recipe.build(images // recipe.batch_size)
    model.optimizer.build(model.trainable_variables)
    epoch = loop.compiled_epoch(recipe, model, model.train_step, recipe.batch_size)
    given = train.images[:images], loop.targets(recipe, train.labels[:images])
    epoch(*given, np.arange(images))
    with tempfile.TemporaryDirectory() as place:
        with tf.profiler.experimental.Profile(place):
            epoch(*given, np.arange(images))
        (file,) = Path(place).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    kinds = {kind: p.replace("OPTIMIZER", model.optimizer.name) for kind, p in KINDS.items()}
    spent: Counter[str] = Counter()
    for plane in space.planes:
        names = {number: found.name for number, found in plane.event_metadata.items()}
        for event in (event for line in plane.lines for event in line.events):
            name = names[event.metadata_id]
            if name.startswith("while/body/"):  # else not an operation of a step
                kind = next(kind for kind, pattern in kinds.items() if re.search(pattern, name))
                spent[kind] += event.duration_ps
    return {kind: spent[kind] / spent.total() for kind in KINDS}


def main(images: int = 4000, *ids: str) -> None:
    rows = {}
    for id in ids or [id for id in MODELS if id in PUBLISHED or id.startswith("speedrun-")]:
        rows[id] = profile(id, images)
        print(id, max(rows[id], key=rows[id].get), flush=True)
    report("operations", pd.DataFrame(rows).T.rename_axis("model"), images=images)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
