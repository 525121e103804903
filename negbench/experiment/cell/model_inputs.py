"""What the model of a cell reads beside pairs, by its hash: part of the cell's identity."""

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from negbench.scenario.scenario import Scenario
from negbench.texts import encoders

if TYPE_CHECKING:
    from negbench.experiment.cell.spec import CellSpec

EXPOSURES = "exposures"
"""What a method needs that draws known negatives, and the entry of its cells."""


def model_inputs(spec: "CellSpec", scenario: Scenario) -> dict[str, Any]:
    """The entries `texts`, `read`, `features` and `exposures` of a resolved spec, as far as read.

    The encoder and the texts, where the method reads vectors of them or the backbone does
    (`two_tower(texts=true)`); the texts alone, where a language model may read them itself; the
    columns of users or items that backbone or method need; the known negatives that a method draws.
    """
    if spec.is_reference:
        return {}
    data, inputs = scenario.interactions, dict[str, Any]()
    backbone = asdict(spec.backbone_config())
    offered = scenario.has_item_texts(spec.encoder) and bool(backbone.get("texts"))
    if offered or "texts" in spec.recipe.needs:
        inputs["texts"] = encoders.vectors_identity(spec.encoder, data.item_texts)
    learning = [backbone, *spec.recipe.configs().values()]
    if data.item_texts is not None and any(each.get("model") for each in learning):
        inputs["read"] = {"texts": encoders.cache_key("", data.item_texts)[:12]}
    needs = {*spec.backbone_needs, *spec.recipe.needs}
    if read := {name: each.digest for name, each in data.features.items() if name in needs}:
        inputs["features"] = read
    if EXPOSURES in needs and EXPOSURES in scenario.provides:
        inputs[EXPOSURES] = hash_of_exposures(scenario)
    return inputs


def hash_of_exposures(scenario: Scenario) -> str:
    """Hash of the known negatives that training may look at, twelve hex digits.

    They are no pairs of the data, so neither its checksum nor the split's hash is of them.
    """
    return hashlib.sha256(scenario.known_in_training().keys.tobytes()).hexdigest()[:12]
