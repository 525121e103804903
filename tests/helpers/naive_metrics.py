"""The metrics of one user in a plain loop: what the kernels are held against."""

import math
from collections.abc import Sequence


def naive_metrics(hits: Sequence[bool], relevant: int, k: int) -> dict[str, float]:
    if not relevant:
        return dict.fromkeys(("recall", "ndcg", "hit", "mrr", "map", "precision"), math.nan)
    n_hits, gain, precisions, first = 0, 0.0, 0.0, 0.0
    for rank, hit in enumerate(hits[:k], 1):
        if hit:
            n_hits += 1
            gain += 1 / math.log2(rank + 1)
            precisions += n_hits / rank
            first = first or 1 / rank
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(relevant, k) + 1))
    return {
        "recall": n_hits / relevant,
        "ndcg": gain / ideal,
        "hit": float(n_hits > 0),
        "mrr": first,
        "map": precisions / relevant,
        "precision": n_hits / k,
    }
