"""What the model of a cell reads beside pairs, by its hash: part of the cell's identity."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from negbench.scenario.scenario import Scenario
from negbench.texts import encoders

if TYPE_CHECKING:
    from negbench.experiment.cell.spec import CellSpec


def model_inputs(spec: "CellSpec", scenario: Scenario) -> dict[str, Any]:
    """The entries `texts`, `read` and `features` of a resolved spec, as far as they are read.

    The encoder and the texts, where the method reads vectors of them or the backbone does
    (`two_tower(texts=true)`); the texts alone, where a language model may read them itself; the
    columns of users or items that backbone or method need.
    """
    if spec.is_reference:
        return {}
    data, inputs = scenario.interactions, dict[str, Any]()
    backbone = asdict(spec.backbone_config())
    offered = data.item_texts is not None and bool(backbone.get("texts"))
    if offered or "texts" in spec.recipe.needs:
        inputs["texts"] = encoders.vectors_identity(spec.encoder, data.item_texts)
    learning = [backbone, *spec.recipe.configs().values()]
    if data.item_texts is not None and any(each.get("model") for each in learning):
        inputs["read"] = {"texts": encoders.cache_key("", data.item_texts)[:12]}
    needs = {*spec.backbone_needs, *spec.recipe.needs}
    if read := {name: each.digest for name, each in data.features.items() if name in needs}:
        inputs["features"] = read
    return inputs
