"""A registered method as the loss of a plain PyTorch model, in a training loop of your own.

python examples/own_training_loop.py
"""

import torch

import negbench
from negbench.data.load import load

data = load("goodbooks")  # any two arrays of user and item ids, counted from 0, will do
users, items = torch.from_numpy(data.users), torch.from_numpy(data.items)
torch.manual_seed(0)
user = torch.nn.Embedding(data.n_users, 32)
item = torch.nn.Embedding(data.n_items, 32)
for table in (user, item):
    torch.nn.init.normal_(table.weight, std=0.1)

loss = negbench.attach(
    "dns(candidates=16)", data.users, data.items, n_users=data.n_users, n_items=data.n_items
)
model = {"params": [*user.parameters(), *item.parameters()]}
optimiser = torch.optim.Adam([model, *loss.parameter_groups(1e-2)], lr=1e-2)

for epoch in range(1, 4):
    loss.epoch(item.weight, user.weight)  # for methods that refresh tables before an epoch
    total = 0.0
    for rows in torch.randperm(len(users)).split(2048):
        # Vectors that are encoded come as a function of ids: `item` in place of `item.weight`.
        value = loss(user(users[rows]), item.weight, users[rows], items[rows])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        total += value.item() * len(rows)
    print(f"epoch {epoch}  loss {total / len(users):.4f}")

scores = user.weight[0] @ item.weight.T
scores[items[users == 0]] = -torch.inf  # what the first user has already met is not ranked
print("for the first user:", *(data.item_names[i] for i in scores.topk(3).indices), sep="\n  ")
