"""The figures of a row: gain, trials to pass random, oracles, the winner's curse."""

from math import isnan

import numpy as np
import pytest
from helpers.search_files import pending, search, three_rows, trial

from negbench.analysis.tuning.lines import NEVER, line, winner_text, with_bar
from negbench.analysis.tuning.oracles import epoch_oracle, final_cells, over
from negbench.analysis.tuning.searches import Searched
from negbench.storage import cell_store


def lines(*given):
    return with_bar([line(Searched(each)) for each in given])


def test_gain_is_over_the_published_default():
    random, dns, ease = lines(*three_rows())
    assert (dns.default, dns.tuned, dns.best) == (0.25, 0.4, 0.5)
    assert dns.gain == pytest.approx(0.15) and dns.gain_share == pytest.approx(0.6)
    assert dns.setting_inflation == pytest.approx(0.25)
    assert (dns.trials, random.trials) == ("4 (1)", "4")
    assert dns.cpu_seconds == 240 and ease.reference


def test_ties_on_validation_share_their_test_score():
    ease = lines(*three_rows())[2]
    assert ease.tuned == pytest.approx(0.2) and ease.best == pytest.approx(0.3)


def test_trials_to_pass_tuned_random():
    random, dns, ease = lines(*three_rows())
    assert (random.to_pass, dns.to_pass, ease.to_pass) == (None, 1, NEVER)


def test_the_same_row_under_another_name_never_passes_random():
    values = [(0.1, 0.11), (0.31, 0.37), (0.2, 0.23), (0.29, 0.3)]
    random, alias = lines(search("random", values), search("dns(candidates=1)", values))
    assert random.tuned == alias.tuned and alias.to_pass == NEVER


def test_nothing_is_said_to_be_passed_while_trials_are_pending():
    values = [(0.1, 0.1), (0.3, 0.3)]
    whole, part = search("random", values), search("random", [*values, pending(2)])
    better = search("dns", [(0.5, 0.5), (0.6, 0.6)])
    assert lines(whole, better)[1].to_pass == 1
    assert lines(part, better)[1].to_pass is None
    assert lines(whole, {**part, "row": "dns"})[1].to_pass is None
    assert lines(better)[0].to_pass is None


def test_a_default_that_failed_has_no_gain():
    (dns,) = lines(search("dns", [(None, None), (0.3, 0.3)]))
    assert isnan(dns.default) and isnan(dns.gain) and dns.tuned == 0.3


def test_halving_leaves_the_winner_and_its_gain():
    cut = trial(1, 0.9, 0.1, status="cut")
    (dns,) = lines(search("dns", [(0.1, 0.2), cut, trial(2, 0.3, 0.3)]))
    assert dns.curve is None and dns.to_pass is None
    assert dns.tuned == 0.3 and dns.gain == pytest.approx(0.1) and dns.best == 0.3


def test_the_curse_is_of_the_winner_on_seeds_after_the_one_that_picked_it():
    dns = lines(*three_rows())[1]
    assert (dns.picked, dns.fresh) == (0.6, 0.5) and dns.curse == pytest.approx(0.2)
    assert isnan(lines(*three_rows())[0].curse)  # no finalist has a value


def test_shares_of_nothing_and_of_rounding():
    assert isnan(over(0.1, 0.0))
    assert over(-0.4, -0.5) == pytest.approx(0.2)  # a metric of a plug-in may be below 0
    assert repr(over(0.3 - 1e-17, 0.1 + 0.2)) == "0.0"


def test_the_winner_in_words():
    random, dns, _ = lines(*three_rows())
    assert winner_text(dns) == "lr=0.09!, l2=0.0001"
    assert winner_text(lines(search("a", [trial(0, 0.1, 0.1, {})], space=(), winner=0))[0]) == (
        "nothing to tune"
    )
    assert winner_text(lines(search("a", [(0.1, 0.1)]))[0]) == ""


def final_cell(run, searched, seed, scores, best_epoch, **spec):
    """A final cell whose test scores by epoch were logged."""
    tuned = {"row": searched.row, "protocol": searched.hash, "trials": 4}
    asked = {"dataset": "books", "backbone": "mf", "method": "dns", "variant": "candidates=8"}
    record = {
        "status": "done",
        "reason": "",
        "spec": {**asked, "seed": seed, "tuned": tuned, **spec},
        "metrics": [],
        "fit": {"best_epoch": best_epoch},
    }
    epochs = [{"epoch": at, "test_ndcg@20": score} for at, score in enumerate(scores, 1)]
    users = {"users": np.arange(2)}
    cell_store.write_cell(run, record, epochs=epochs, users=users)


def test_the_oracle_of_the_epoch_is_over_the_final_cells(tmp_path):
    searched = Searched(three_rows()[1])
    final_cell(tmp_path, searched, 100, [0.1, 0.4, 0.5], 2)
    final_cell(tmp_path, searched, 101, [0.2, 0.2, 0.1], 1)
    final_cell(tmp_path, searched, 102, [0.9, 0.1, 0.1], 2, backbone="lightgcn")
    cells, problems = final_cells([tmp_path, tmp_path])
    assert not problems and len(cells) == 2
    mine = cells["books", "mf", "dns", searched.hash]
    oracle = epoch_oracle(mine, "ndcg@20")
    assert (oracle.kept, oracle.best, oracle.seeds) == (pytest.approx(0.3), 0.35, 2)
    assert line(searched, mine).epoch_inflation == pytest.approx(0.05 / 0.3)
    assert epoch_oracle(mine, "recall@10") is None
    assert isnan(line(searched).epoch_inflation)


def test_epochs_without_an_evaluation_are_passed_over(tmp_path):
    searched = Searched(three_rows()[1])
    final_cell(tmp_path, searched, 100, ["", 0.4, ""], 2)
    final_cell(tmp_path, searched, 101, [0.9, "", 0.8], 2)  # the epoch kept was not tested
    cells, _ = final_cells([tmp_path])
    oracle = epoch_oracle(cells["books", "mf", "dns", searched.hash], "ndcg@20")
    assert (oracle.kept, oracle.best, oracle.seeds) == (0.4, 0.4, 1)
