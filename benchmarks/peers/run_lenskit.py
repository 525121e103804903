"""LensKit's FlexMF with the pairwise loss. python run_lenskit.py PAIRS.npz"""

import os
import sys

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from lenskit.data import from_interactions_df  # noqa: E402
from lenskit.flexmf import FlexMFImplicitConfig, FlexMFImplicitScorer  # noqa: E402
from stopwatch import say, timed  # noqa: E402

torch.set_num_threads(1)
pairs = np.load(sys.argv[1], allow_pickle=False)
frame = pd.DataFrame({"user_id": pairs["users"], "item_id": pairs["items"]})
data = from_interactions_df(frame)


def fit(epochs):
    config = FlexMFImplicitConfig(
        embedding_size=64, epochs=epochs, loss="pairwise", batch_size=2048, user_bias=False
    )
    FlexMFImplicitScorer(config).train(data)


say("LensKit", "BPR epoch", "positives", timed(lambda: fit(1), lambda: fit(3), 2 * len(frame), 3))
