"""A plain PyTorch model and its train pairs, for methods in a loop of one's own."""

import numpy as np
import torch

USERS = np.repeat(np.arange(30), 4)
ITEMS = (USERS * 3 + np.tile(np.arange(4), 30) * 7) % 40
WITHOUT_A_COPY = {"napo": "napo(loss=softmax)"}
"""Methods whose own phase needs a frozen copy of the backbone, with settings that do not."""


class Stranger(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.user = torch.nn.Embedding(30, 8)
        self.item = torch.nn.Embedding(40, 8)
