"""A search that a process carries out is alive, also between two rounds of trials."""

from negbench.cli.status_lines import look_at_search
from negbench.storage import claims
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
