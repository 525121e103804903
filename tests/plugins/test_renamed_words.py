"""A plug-in with an old word of the protocol gets one sentence: the line and the new word."""

import pytest

import negbench.protocol
from negbench.errors import UserError
from negbench.plugins.registry import read_card
from negbench.plugins.renamed_words import RENAMED

PLUGIN = '''"""Ours."""
from negbench.protocol import Card, Method
CARD = Card(title="Ours", moves=("sampler",))
def build(config):
    return Method(sampler=None, objective=None)
'''


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ('moves=("sampler",)', 'moves=("source",)', 3, "`sampler`: write moves="),
        ("Method(sampler=", "Method(source=", 5, "`sampler`: write moves="),
        *(("Card, Method", f"Card, {name}", 2, f"`{new}`") for name, new in RENAMED.items()),
    ],
)
def test_an_old_word_is_refused_with_its_line_and_the_new_one(tmp_path, old, new, line, word):
    path = tmp_path / "ours.py"
    path.write_text(PLUGIN.replace(old, new))
    with pytest.raises(UserError, match=f"ours.py line {line} uses the old word") as error:
        read_card(path)
    assert f"which is now {word}" in str(error.value)


def test_the_new_words_are_taken(tmp_path):
    path = tmp_path / "ours.py"
    path.write_text(PLUGIN.replace("Card, Method", f"Card, Method, {', '.join(RENAMED.values())}"))
    assert read_card(path).moves == ("sampler",)
    assert set(RENAMED.values()) <= set(negbench.protocol.__all__)
    assert not set(RENAMED) & set(negbench.protocol.__all__)
