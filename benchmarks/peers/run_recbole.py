"""RecBole: BPR, popularity, DNS of 32, LightGCN, full ranking. python run_recbole.py PAIRS.npz"""

import os
import sys
import tempfile
from itertools import islice
from pathlib import Path

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from recbole.config import Config  # noqa: E402
from recbole.data import create_dataset, data_preparation  # noqa: E402
from recbole.utils import get_model, get_trainer, init_seed  # noqa: E402
from stopwatch import say, timed  # noqa: E402

SAMPLERS = {
    "uniform": {"distribution": "uniform", "sample_num": 1},
    "popularity": {"distribution": "popularity", "sample_num": 1},
    "DNS of 32": {
        "distribution": "uniform",
        "sample_num": 1,
        "dynamic": True,
        "candidate_num": 32,
    },
}
STEPS = 100
REPEATS = 5


def prepared(model, sampler, folder):
    settings = {
        "data_path": folder, "USER_ID_FIELD": "user_id", "ITEM_ID_FIELD": "item_id",
        "load_col": {"inter": ["user_id", "item_id"]}, "embedding_size": 64, "n_layers": 3,
        "train_batch_size": 2048, "eval_batch_size": 10_000_000, "learning_rate": 0.001,
        "train_neg_sample_args": sampler, "use_gpu": False, "show_progress": False,
        "eval_args": {"split": {"RS": [0.9, 0.05, 0.05]}, "order": "RO", "group_by": "user",
                      "mode": "full"},
        "metrics": ["Recall", "NDCG"], "topk": [20], "state": "ERROR",
    }  # fmt: skip
    config = Config(model=model, dataset="pairs", config_dict=settings)
    init_seed(0, True)
    torch.set_num_threads(1)
    dataset = create_dataset(config)
    train, valid, test = data_preparation(config, dataset)
    return config, train, get_model(model)(config, train.dataset), test


def steps_of(config, train, model, n):
    """n training steps, as the trainer does them, over and over."""
    optimiser = torch.optim.Adam(model.parameters(), lr=config["learning_rate"])
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    train.get_model(model)

    def work():
        model.train()
        for batch in islice(train, n):
            optimiser.zero_grad()
            loss = model.calculate_loss(batch)
            loss = sum(loss) if isinstance(loss, tuple) else loss
            loss.backward()
            optimiser.step()

    return work, trainer


def drawn(train, users):
    """Negatives alone: batches of 2048 of the train users, one draw each."""
    batches = np.array_split(np.random.default_rng(0).permutation(users) + 1, len(users) // 2048)

    def work():
        for batch in batches[:STEPS]:
            train._sampler.sample_by_user_ids(batch, None, 1)

    work()
    units = sum(len(batch) for batch in batches[:STEPS])
    say("RecBole", "uniform negatives, batch by batch", "negatives", timed(None, work, units, 5))


def main():
    pairs = np.load(sys.argv[1], allow_pickle=False)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pairs").mkdir()
        with open(Path(folder) / "pairs" / "pairs.inter", "w") as out:
            out.write("user_id:token\titem_id:token\n")
            for user, item in zip(pairs["users"].tolist(), pairs["items"].tolist(), strict=True):
                out.write(f"{user}\t{item}\n")
        os.chdir(folder)
        for name, sampler in SAMPLERS.items():
            config, train, model, test = prepared("BPR", sampler, folder)
            n = STEPS if name != "DNS of 32" else 20
            work, trainer = steps_of(config, train, model, n)
            work()
            result = timed(None, work, n * 2048, REPEATS)
            say("RecBole", f"BPR epoch, {name}", "positives", result)
            if name == "uniform":
                drawn(train, pairs["users"])
        users = len(test.uid_list)
        rank = lambda: trainer.evaluate(test, load_best_model=False)  # noqa: E731
        say("RecBole", "ranking top 20, Recall and NDCG", "users", timed(None, rank, users, 3))
        config, train, model, test = prepared("LightGCN", SAMPLERS["uniform"], folder)
        work, _ = steps_of(config, train, model, 4)
        work()
        say("RecBole", "LightGCN epoch", "positives", timed(None, work, 4 * 2048, 3))


main()
