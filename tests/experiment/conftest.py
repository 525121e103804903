"""Fixtures of the grid."""

import pytest


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a plug-in file that this process forgets again after the test."""
    from negbench.plugins import registry

    monkeypatch.setattr(registry, "_plugins", {})

    def write(name, text):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        return str(path)

    return write
