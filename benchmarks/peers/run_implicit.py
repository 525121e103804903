"""implicit's BPR and its ranking. python run_implicit.py PAIRS.npz, in the peers' environment."""

import os
import sys

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np  # noqa: E402
import scipy.sparse as sp  # noqa: E402
from implicit.bpr import BayesianPersonalizedRanking  # noqa: E402
from stopwatch import say, timed  # noqa: E402

REPEATS = 5
pairs = np.load(sys.argv[1], allow_pickle=False)
users, items, n_users, n_items = (pairs[name] for name in ("users", "items", "n_users", "n_items"))
shape = (int(n_users), int(n_items))
train = sp.csr_matrix((np.ones(len(users), np.float32), (users, items)), shape=shape)


def model(epochs: int) -> BayesianPersonalizedRanking:
    return BayesianPersonalizedRanking(
        factors=64, learning_rate=0.05, regularization=0.01, iterations=epochs, num_threads=1
    )


say(
    "implicit",
    "BPR epoch",
    "positives",
    timed(
        lambda: model(1).fit(train, show_progress=False),
        lambda: model(6).fit(train, show_progress=False),
        5 * len(users),
        REPEATS,
    ),
)
fitted = model(3)
fitted.fit(train, show_progress=False)
asked = np.arange(min(4000, shape[0]))
say(
    "implicit",
    "recommend top 20, no metrics",
    "users",
    timed(
        None,
        lambda: fitted.recommend(asked, train[asked], N=20, filter_already_liked_items=True),
        len(asked),
        REPEATS,
    ),
)
