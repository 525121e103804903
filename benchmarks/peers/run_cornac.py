"""cornac's BPR. python run_cornac.py PAIRS.npz, in the peers' environment."""

import os
import sys

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

import numpy as np  # noqa: E402
from cornac.data import Dataset  # noqa: E402
from cornac.models import BPR  # noqa: E402
from stopwatch import say, timed  # noqa: E402

pairs = np.load(sys.argv[1], allow_pickle=False)
users, items = pairs["users"], pairs["items"]
data = Dataset.from_uir(list(zip(users.tolist(), items.tolist(), [1.0] * len(users), strict=True)))


def fit(epochs):
    BPR(k=64, max_iter=epochs, learning_rate=0.05, num_threads=1, seed=0, verbose=False).fit(data)


say("cornac", "BPR epoch", "positives", timed(lambda: fit(1), lambda: fit(6), 5 * len(users), 5))
