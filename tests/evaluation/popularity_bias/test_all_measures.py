import subprocess
import sys
import warnings

import numpy as np
import pytest
from helpers.audit_on_paper import BANDS, RANKS, TEST, TOP, TRAIN, USERS, csr

from negbench.evaluation.popularity_bias import USER_GROUPS, audit
from negbench.scenario.popularity_bands import Bands

AT_2 = {"arp": 2.0, "aplt": 0.1, "coverage": 5 / 6, "gini": 19 / 54}
NAMES = [*AT_2, "relative_arp", "entropy", "upd", "popreo", "poprsp"]


def all_of(top=TOP, users=USERS, ranks=RANKS, train=TRAIN, test=TEST, bands=BANDS, ks=(1, 2)):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return audit(top, users, ranks, train=train, test=test, seen=train, bands=bands, ks=ks)


def test_every_measure_at_every_k():
    values = all_of()
    expected = {(name, k, "all") for name in [*NAMES, "dgap"] for k in (1, 2)}
    expected |= {("dgap", k, group) for group in USER_GROUPS for k in (1, 2)}
    assert set(values) == expected | {("pru", 0, "all"), ("pri", 0, "all")}
    assert all(isinstance(value, float) for value in values.values())
    for name, value in AT_2.items():
        assert values[name, 2, "all"] == pytest.approx(value)
    assert values["arp", 1, "all"] == pytest.approx((1 + 1 + 3 + 3 + 4) / 5)  # items 2 3 1 1 0
    assert values["dgap", 2, "niche"] == pytest.approx(1)
    assert values["dgap", 2, "all"] == pytest.approx(-14 / 44)
    assert values["pru", 0, "all"] == pytest.approx(0.75)


def test_without_ranks_there_is_no_pru():
    assert not {name for name, _, _ in all_of(ranks=None)} & {"pru", "pri"}


def test_nothing_to_audit_is_nan_and_no_warning():
    empty = csr([[]] * 5)
    values = all_of(TOP[:0], USERS[:0], np.zeros(0, np.int32), test=empty)
    assert all(np.isnan(value) for value in values.values())
    unfilled = all_of(np.full((5, 2), -1))
    assert all(np.isnan(v) for (name, k, _), v in unfilled.items() if k)


def test_no_train_pairs_and_two_bands():
    bands = Bands(np.array([0, 0, 0, 0, 1, 1], np.int8), ("head", "tail"), "by hand")
    values = all_of(train=csr([[]] * 5), bands=bands)
    assert np.isnan(values["upd", 2, "all"]) and np.isnan(values["dgap", 2, "all"])
    assert values["arp", 2, "all"] == 0 and values["aplt", 2, "all"] == pytest.approx(0.1)


def test_the_audit_needs_no_torch():
    code = "import sys, negbench.evaluation.popularity_bias; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
