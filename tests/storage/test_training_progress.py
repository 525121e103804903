"""The progress of a claimed cell: written beside its claim, read with it, gone with it."""

import json
import os
import time

import pytest

from negbench.storage import claims, training_progress
from negbench.storage.training_progress import ProgressFile, TrainingProgress

CELL = "0a1b2c3d4e5f"
NOW = TrainingProgress(12, 200, 36.0, "ndcg@20", 10, 0.05234)


def written(run, held, progress=NOW):
    ProgressFile(run / "claims", held.cell, held.token).write(progress)


def test_it_is_read_with_its_claim_and_goes_with_it(tmp_path):
    with claims.take(tmp_path, CELL, "d mf a/0") as held:
        assert claims.claims(tmp_path)[0].progress is None
        written(tmp_path, held)
        (claim,) = claims.claims(tmp_path)
        assert str(claim.progress) == (
            "epoch 12 of at most 200, best valid ndcg@20 0.0523 (epoch 10)"
        )
        assert claim.progress.seconds == 36.0 and 0 <= claim.progress.age < 5
    assert os.listdir(tmp_path / "claims") == []


def test_without_a_validation_only_epochs_are_told():
    assert str(TrainingProgress(3, 9, 1.0, "ndcg@20")) == "epoch 3 of at most 9"


def test_a_worker_that_is_gone_leaves_none_to_whoever_takes_over(tmp_path):
    first = claims.take(tmp_path, CELL, "d mf a/0")
    written(tmp_path, first)
    path = tmp_path / "claims" / f"{CELL}.json"
    content = json.loads(path.read_text()) | {"machine": "another"}
    path.write_text(json.dumps(content))
    os.utime(path, (0, 0))  # another machine's, silent for long
    with claims.take(tmp_path, CELL, "d mf a/0") as held:
        assert held.number == 1 and claims.claims(tmp_path)[0].progress is None
    assert os.listdir(tmp_path / "claims") == []


def test_short_epochs_write_once_a_second(tmp_path, monkeypatch):
    held = claims.take(tmp_path, CELL, "")
    clock = iter([100.0, 100.9, 101.1])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    file = ProgressFile(tmp_path / "claims", held.cell, held.token)
    seen = []
    for epoch in (1, 2, 3):
        file.write(TrainingProgress(epoch, 9, 1.0, "ndcg@20"))
        seen.append(claims.claims(tmp_path)[0].progress.epoch)
    assert seen == [1, 1, 3]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"epoch": "x"}', "\x00"])
def test_a_file_of_anything_is_no_progress(tmp_path, content):
    held = claims.take(tmp_path, CELL, "")
    training_progress.path_of(tmp_path / "claims", held.cell, held.token).write_text(content)
    assert claims.claims(tmp_path)[0].progress is None


def test_a_folder_that_cannot_be_written_ends_no_training(tmp_path):
    ProgressFile(tmp_path / "nowhere", CELL, "a0").write(NOW)


def test_what_a_late_worker_left_is_cleared(tmp_path):
    held = claims.take(tmp_path, CELL, "")
    token = held.token
    held.release()
    ProgressFile(tmp_path / "claims", CELL, token).write(NOW)
    claims.clear(tmp_path)
    assert not (tmp_path / "claims").exists()


def test_a_run_is_attended_until_it_is_released(tmp_path, monkeypatch):
    held = claims.attend(tmp_path, "the run r")
    other = claims.attend(tmp_path, "the run r")
    assert [each.process for each in claims.runners(tmp_path)] == [os.getpid()] * 2
    assert claims.claims(tmp_path) == []  # it is no cell's
    held.release()
    other.release()
    claims.clear(tmp_path)
    assert claims.runners(tmp_path) == [] and not (tmp_path / "claims").exists()
