"""PyTorch Lightning: a registered method as the loss of a LightningModule.

python examples/bridges/lightning_module.py
"""

import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

import negbench
from negbench.data.load import load

LR = 1e-2


class MatrixFactorisation(lightning.LightningModule):
    """User and item vectors, trained on the negatives of `method`."""

    def __init__(self, method, data, dim=32):
        """Of a data set; the method sees its pairs, so that it never draws one of them."""
        super().__init__()
        self.user = torch.nn.Embedding(data.n_users, dim)
        self.item = torch.nn.Embedding(data.n_items, dim)
        for table in (self.user, self.item):
            torch.nn.init.normal_(table.weight, std=0.1)
        # A submodule: its state is in every checkpoint, so a resumed training draws on.
        shape = {"n_users": data.n_users, "n_items": data.n_items, "dim": dim}
        self.loss = negbench.attach(method, data.users, data.items, **shape)
        self.losses = []

    def on_train_epoch_start(self):
        """Methods refresh their pools and tables before an epoch."""
        self.loss.epoch(self.item.weight, self.user.weight)

    def training_step(self, batch, _):
        """The loss of a batch of pairs."""
        users, items = batch
        loss = self.loss(self.user(users), self.item.weight, users, items)
        self.losses.append(loss.item())
        return loss

    def configure_optimizers(self):
        """The vectors, and the method's own parameters where it has any."""
        own = [*self.user.parameters(), *self.item.parameters()]
        return torch.optim.Adam([{"params": own}, *self.loss.parameter_groups(LR)], lr=LR)


def train(steps=150):
    """The loss of every step."""
    lightning.seed_everything(0, verbose=False)
    data = load("goodbooks")
    pairs = TensorDataset(torch.from_numpy(data.users), torch.from_numpy(data.items))
    model = MatrixFactorisation("dns(candidates=16)", data)
    trainer = lightning.Trainer(
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, DataLoader(pairs, batch_size=1024, shuffle=True))
    return model.losses


if __name__ == "__main__":
    losses = train()
    print(f"loss {losses[0]:.4f} in the first step, {losses[-1]:.4f} in the last")
