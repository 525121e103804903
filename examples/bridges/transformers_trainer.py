"""Hugging Face Trainer: a registered method as the loss, in `compute_loss`.

python examples/bridges/transformers_trainer.py
"""

import tempfile

import torch
from torch.utils.data import Dataset
from transformers import PretrainedConfig, PreTrainedModel, Trainer, TrainingArguments, set_seed

import negbench
from negbench.data.load import load


class TowersConfig(PretrainedConfig):
    """Sizes of the two tables of vectors."""

    n_users, n_items, dim = 0, 0, 32


class Towers(PreTrainedModel):
    """User and item vectors."""

    config_class = TowersConfig

    def __init__(self, config):
        """Tables of these sizes."""
        super().__init__(config)
        self.user = torch.nn.Embedding(config.n_users, config.dim)
        self.item = torch.nn.Embedding(config.n_items, config.dim)
        self.post_init()

    def _init_weights(self, module):
        torch.nn.init.normal_(module.weight, std=0.1)

    def forward(self, users):
        """The vectors of some users [B], and of all items."""
        return self.user(users), self.item.weight


class Pairs(Dataset):
    """The pairs of a data set, a row each."""

    def __init__(self, data):
        """Keep the data set."""
        self.data = data

    def __len__(self):
        """The number of pairs."""
        return len(self.data)

    def __getitem__(self, row):
        """A user and an item that this user met."""
        return {"users": self.data.users[row], "positives": self.data.items[row]}


class NegativeSamplingTrainer(Trainer):
    """A trainer whose loss is a method's; give it as `loss`."""

    def __init__(self, *, loss, **settings):
        """As of the Trainer, with the loss."""
        super().__init__(**settings)
        self.loss, self.losses = loss, []

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """The loss of a batch; a mean over rows, whatever the number of items."""
        self.loss.train(model.training)
        query, items = model(inputs["users"])
        value = self.loss(query, items, inputs["users"], inputs["positives"])
        self.losses.append(value.item())
        return (value, (query, items)) if return_outputs else value


def train(steps=150):
    """The loss of every step."""
    set_seed(0)
    data = load("goodbooks")
    shape = {"n_users": data.n_users, "n_items": data.n_items}
    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        max_steps=steps,
        per_device_train_batch_size=1024,
        learning_rate=1e-2,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        remove_unused_columns=False,
    )
    loss = negbench.attach("dns(candidates=16)", data.users, data.items, **shape)
    trainer = NegativeSamplingTrainer(
        loss=loss, model=Towers(TowersConfig(**shape)), args=arguments, train_dataset=Pairs(data)
    )
    trainer.train()
    return trainer.losses


if __name__ == "__main__":
    losses = train()
    print(f"loss {losses[0]:.4f} in the first step, {losses[-1]:.4f} in the last")
