"""A search that a process carries out is alive, also between two rounds of trials."""

import json

from helpers.search_files import three_rows, write

from negbench.cli.status_lines import look_at_search
from negbench.storage import claims, search_store
from negbench.tuning.status import search_status


def test_a_live_search_is_never_told_to_be_resumed(tmp_path):
    attending = claims.attend(tmp_path, "the search")
    (now,) = search_status(tmp_path)
    assert now.go_on == "" and len(now.alive) == 1
    assert look_at_search([now]).alive and not look_at_search([now]).over
    attending.release()
    (now,) = search_status(tmp_path)
    assert now.go_on == f"negbench resume {tmp_path}" and now.alive == ()
    assert not look_at_search([now]).alive


def test_a_search_that_was_left_between_two_rounds_is_not_over(tmp_path):
    """No planned cell is pending, but the winners were never tested."""
    write(tmp_path, three_rows())
    (now,) = search_status(tmp_path)
    look = look_at_search([now])
    assert now.winners == now.rows and now.final is None and not look.over
    assert look.lines[-1].split(maxsplit=2) == ["go", "on", f"negbench resume {tmp_path}"]
    assert look.line.endswith(f"nobody works on it; go on with: negbench resume {tmp_path}")


def test_splits_that_were_not_begun_are_left_to_do(tmp_path):
    asked = {"starts": [{"options": {}, "protocol": {"splits": 3}, "ranges": {}}]}
    (tmp_path / search_store.ASKED).write_text(json.dumps(asked))
    write(tmp_path / "split-1", three_rows())
    states = search_status(tmp_path)
    assert [each.name for each in states] == [str(tmp_path / f"split-{n}") for n in (1, 2, 3)]
    assert [each.rows for each in states] == [3, 0, 0]
    assert not look_at_search(states).over
    (tmp_path / search_store.ASKED).write_text("cut sh")
    assert len(search_status(tmp_path)) == 1
