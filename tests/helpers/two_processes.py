"""A step of a model with its attached loss in one of two processes, imported by both."""

from datetime import timedelta

import torch
from helpers.own_loop import ITEMS, USERS, Stranger
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from negbench.loss_module import attach

U, POSITIVES = torch.from_numpy(USERS), torch.from_numpy(ITEMS)
ADVERSARY = "llpauc"
"""Its own parameters are both minimised and maximised."""


class Both(nn.Module):
    """Model and loss in one module, as DistributedDataParallel takes them."""

    def __init__(self, **settings):
        super().__init__()
        self.model, self.loss = Stranger(), attach(ADVERSARY, USERS, ITEMS, n_items=40, **settings)

    def forward(self, users, items):
        return self.loss(self.model.user(users), self.model.item.weight, users, items)


def results(module, both, rank):
    """Parameters and gradients after one step on every second pair, and what was drawn."""
    begun = {name: p.detach().clone() for name, p in both.named_parameters()}
    module(U[rank::2], POSITIVES[rank::2]).backward()
    gradients = {name: p.grad for name, p in both.named_parameters()}
    ids = both.loss.outcome.drawn.ids
    return {"begun": begun, "gradients": gradients, "ids": ids, "rows": both.loss.epoch_rows}


def process(rank, folder):
    """One of two processes."""
    store, wait = f"file://{folder}/store", timedelta(seconds=120)
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2, timeout=wait)
    try:
        both = Both()
        torch.save(results(DistributedDataParallel(both), both, rank), f"{folder}/{rank}.pt")
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
