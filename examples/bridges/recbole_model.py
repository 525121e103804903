"""RecBole: its models and trainer, with the negatives of a registered method.

python examples/bridges/recbole_model.py
"""

import tempfile
from pathlib import Path

from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.model.general_recommender import BPR
from recbole.trainer import Trainer
from recbole.utils import init_seed

import negbench
from negbench.data.load import load


class NegativesOfNegbench:
    """Put before any pairwise model of RecBole: its negatives are those of `draw`.

    RecBole counts ids from 1, for 0 is its padding, which must not be drawn; negbench from 0.
    """

    draw = None

    def calculate_loss(self, interaction):
        """The model's own loss, after a negative was drawn for each row."""
        users, items = interaction[self.USER_ID] - 1, interaction[self.ITEM_ID] - 1
        negatives = self.draw(users, positives=items, score=self.score).ids
        interaction.update(Interaction({self.NEG_ITEM_ID: negatives[:, 0] + 1}))
        return super().calculate_loss(interaction)

    def score(self, users, ids):
        """What the model predicts for users [B] and ids [B, M]."""
        each = users.unsqueeze(1).expand_as(ids) + 1
        asked = {self.USER_ID: each.reshape(-1), self.ITEM_ID: ids.reshape(-1) + 1}
        return self.predict(Interaction(asked)).view_as(ids)


class HardBPR(NegativesOfNegbench, BPR):
    """RecBole's BPR."""


def train(epochs=4):
    """The loss of every epoch."""
    folder = Path(tempfile.mkdtemp())
    data = load("goodbooks")
    rows = zip(data.users.tolist(), data.items.tolist(), strict=True)
    lines = ["user_id:token\titem_id:token", *(f"{user}\t{item}" for user, item in rows)]
    (folder / "goodbooks").mkdir()
    (folder / "goodbooks" / "goodbooks.inter").write_text("\n".join(lines))
    settings = {
        "data_path": str(folder),
        "checkpoint_dir": str(folder),
        "load_col": {"inter": ["user_id", "item_id"]},
        "embedding_size": 32,
        "learning_rate": 0.01,
        "epochs": epochs,
        "train_batch_size": 1024,
        "use_gpu": False,
        "state": "ERROR",
        "show_progress": False,
    }
    config = Config(model=HardBPR, dataset="goodbooks", config_dict=settings)
    init_seed(config["seed"], reproducibility=True)
    dataset = create_dataset(config)
    train_data, _, _ = data_preparation(config, dataset)
    model = HardBPR(config, train_data.dataset)
    pairs = train_data.dataset.inter_feat
    users, items = (pairs[name].numpy() - 1 for name in ("user_id", "item_id"))
    shape = {"n_users": dataset.user_num - 1, "n_items": dataset.item_num - 1}
    model.draw = negbench.sampler("dns(candidates=16)", users, items, **shape)
    trainer = Trainer(config, model)
    trainer.fit(train_data, saved=False, verbose=False)
    return list(trainer.train_loss_dict.values())


if __name__ == "__main__":
    losses = train()
    print(f"loss {losses[0]:.4f} in the first epoch, {losses[-1]:.4f} in the last")
