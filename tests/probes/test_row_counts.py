import torch

from negbench.analysis.measures import rare_rates
from negbench.probes.row_counts import SUMS, RowCounts


def test_sums_by_row_add_up_over_steps():
    counts = RowCounts()
    events = torch.tensor([[1, 1, 0], [0, 0, 0], [1, 0, 0]], dtype=torch.bool)
    among = torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]], dtype=torch.bool)
    counts.update(events, among)
    counts.update(events[:1], among[:1])
    # x 2 0 1 2, n 3 1 2 3
    assert counts.named("fn") == {
        "fn_count": 5,
        "fn_total": 9,
        "fn_cc": 9,
        "fn_ct": 14,
        "fn_tt": 23,
    }
    assert counts.share == 5 / 9


def test_the_analysis_knows_the_same_sums():
    assert SUMS == rare_rates.SUMS
