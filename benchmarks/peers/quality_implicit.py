"""implicit's BPR by epochs. python quality_implicit.py PAIRS.npz EPOCHS FOLDER

Says the CPU-seconds of the training so far after every epoch, and leaves the factors in FOLDER.
"""

import os
import sys
import time
from pathlib import Path

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import json  # noqa: E402

import numpy as np  # noqa: E402
from implicit.bpr import BayesianPersonalizedRanking  # noqa: E402
from scipy.sparse import csr_matrix  # noqa: E402


def main(path, epochs, folder):
    held = np.load(path, allow_pickle=False)
    shape = int(held["n_users"]), int(held["n_items"])
    ones = np.ones(len(held["users"]), np.float32)
    pairs = csr_matrix((ones, (held["users"], held["items"])), shape)
    stream = np.random.default_rng(0)  # a number would draw the same samples in every epoch
    model = BayesianPersonalizedRanking(
        factors=64,
        learning_rate=0.05,
        regularization=0.01,
        iterations=1,
        num_threads=1,
        random_state=stream,
    )
    spent = 0.0
    for epoch in range(1, epochs + 1):
        start = time.process_time()
        model.fit(pairs, show_progress=False)  # goes on from the factors that it has
        spent += time.process_time() - start
        factors = {"users": model.user_factors, "items": model.item_factors}
        np.savez(Path(folder) / f"{epoch}.npz", **factors)
        print(json.dumps({"epoch": epoch, "cpu": spent}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
