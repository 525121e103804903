"""Progress without a terminal: a line a cell, and lines between them of what is trained now."""

import logging
import re
import time

from negbench.experiment import progress
from negbench.experiment.progress import Progress, training_now
from negbench.storage import claims
from negbench.storage.training_progress import ProgressFile, TrainingProgress


def claimed(run, cell, label, epoch=0):
    held = claims.take(run, cell, label)
    if epoch:
        now = TrainingProgress(epoch, 50, 9.0, "ndcg@20", 1, 0.25)
        ProgressFile(run / "claims", held.cell, held.token).write(now)
    return held


def test_a_quiet_minute_has_a_line_of_what_is_trained_by_any_process(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(progress, "REFRESH", 0.01)
    monkeypatch.setattr(progress, "QUIET", 0.2)
    caplog.set_level(logging.INFO, "negbench")
    with claimed(tmp_path, "0a", "d mf a/0", epoch=7), claimed(tmp_path, "0b", "d mf b/0"):
        shown = Progress(9, tmp_path, bar=False)
        time.sleep(0.9)
        shown.close()
    lines = [record.getMessage() for record in caplog.records]
    assert 1 <= len(lines) <= 4 and set(lines) == {
        "[0/9]  d mf a/0: epoch 7 of at most 50, best valid ndcg@20 0.2500 (epoch 1); "
        "d mf b/0: no epoch yet"
    }


def test_a_run_of_seconds_has_none(tmp_path, caplog):
    caplog.set_level(logging.INFO, "negbench")
    Progress(9, tmp_path, bar=False).close()
    assert not caplog.records


def test_many_cells_are_counted(tmp_path):
    held = [claimed(tmp_path, f"{at:x}", f"c{at}") for at in range(7)]
    assert re.fullmatch(
        r"(c\d: no epoch yet; ){4}and 3 cells more", training_now(claims.claims(tmp_path))
    )
    for each in held:
        each.release()
    assert training_now([]) == "no cell at work now"
