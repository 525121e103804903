"""Which search a row belongs to: both by data set, backbone and method, in one form of words.

The objective and the encoder of a row are part of its name, whether they were typed in the word or
as options of the whole run: settings that were chosen under one are not those of another.
"""

from typing import NamedTuple

from negbench.composition import recipe
from negbench.experiment.cell.spec import REFERENCE, CellSpec
from negbench.experiment.options.method_words import MethodWord, method_word
from negbench.plugins.term_syntax import Term, parse, settings_text, split
from negbench.scenario.scenario import Scenario
from negbench.storage.search_store import Search
from negbench.texts import encoders


class Key(NamedTuple):
    """A row of a search: data set, backbone, and the method or reference as typed."""

    dataset: str
    backbone: str
    row: str

    @property
    def block(self) -> tuple[str, str]:
        """The data set and the backbone."""
        return self.dataset, self.backbone


def key_of_cell(spec: CellSpec, scenario: Scenario) -> Key:
    """The row that a cell was asked for as, before any settings are taken."""
    word = MethodWord(spec.method, spec.objective, spec.encoder)
    return Key(scenario.interactions.name, *_names(spec.backbone, word, spec.settings, ""))


def key_of_search(search: Search) -> Key:
    """The row that a search is of."""
    row, protocol = search["row"], search["protocol"]
    word = MethodWord(row, None, encoders.DEFAULT)
    if search["backbone"] != REFERENCE:
        word = method_word(row, protocol.get("objective"), encoders.DEFAULT)
    settings, encoder = settings_text(word.settings), str(protocol.get("encoder", ""))
    return Key(search["dataset"], *_names(search["backbone"], word, settings, encoder))


def _names(backbone: str, word: MethodWord, settings: str, usual: str) -> tuple[str, str]:
    """A backbone and a row in one form: `dns(candidates=4)` for `dns( candidates = 4 )`.

    `usual` is the label of the run's encoder, where the word names none.
    """
    *terms, last = map(parse, split(word.method, "+"))
    if backbone == REFERENCE:
        return REFERENCE, str(last)
    shared = {} if word.objective is None else {"objective": word.objective}
    label = encoders.label(word.encoder) if word.encoder != encoders.DEFAULT else usual
    if label and "texts" in recipe(word.method).needs:
        shared["encoder"] = label
    last = Term(last.name, tuple({**dict(last.values), **shared}.items()))
    return str(parse(backbone)), "+".join(map(str, [*terms, last])) + settings
