"""Hash of the code and the kind of machine that a checkpoint belongs to."""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch

from negbench.experiment.cell.spec import CellSpec
from negbench.ops import row_kernels
from negbench.plugins import registry
from negbench.plugins.term_syntax import parse, split


def code_mark(spec: CellSpec, device: torch.device, threads: int) -> str:
    """Eight hex digits: a cell goes on from a checkpoint of the same code, torch, device and row
    kernels alone.

    Under other code its first epochs would be of one method and its last ones of another.
    """
    names = [("methods", parse(term).name) for term in split(spec.method, "+")]
    names.append(("backbones", spec.backbone_term.name))
    own = [registry.code(*name) for name in names if not registry.is_packaged(*name)]
    code = [_hash_of_package(), *own]
    text = repr([torch.__version__, device.type, threads, row_kernels.name(device.type), code])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@cache
def _hash_of_package() -> str:
    roots = [find_spec(name) for name in ("negbench", "negbench.methods")]
    places = [place for each in roots if each for place in each.submodule_search_locations or ()]
    files = sorted(path for place in places for path in Path(place).rglob("*.py"))
    content = hashlib.sha256()
    for path in files:
        content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()
