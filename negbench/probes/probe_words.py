"""What `--probe` asks for: how much the built-in probes watch, and probes of plug-ins. No torch.

`sample` is a mode, `mine(every=4)` the probe of a plug-in beside it, `off,mine` that probe alone.
"""

from dataclasses import dataclass

from negbench.errors import UserError, did_you_mean
from negbench.plugins import registry
from negbench.plugins.term_syntax import Term, config_of, parse, split

MODES = ("sample", "full", "off")
"""Values of `--probe`."""


@dataclass(frozen=True)
class ProbeWords:
    """A mode, and the probes of plug-ins with their parameters."""

    mode: str
    own: tuple[Term, ...] = ()

    def __str__(self) -> str:
        """The canonical text; a mode alone is its word."""
        return ",".join([self.mode, *map(str, self.own)])


def probe_words(text: str) -> ProbeWords:
    """Parse `sample`, `mine` or `off,mine(every=4)`; without a mode it is `sample`.

    Raises UserError for an unknown word or parameter, and for two modes or one probe twice.
    """
    words = split(text, ",")
    modes = [word for word in words if word in MODES]
    own = [parse(word) for word in words if word not in MODES]
    names, known = [term.name for term in own], registry.added("probes")
    for name in names:
        if name not in known:
            near = did_you_mean(name, [*MODES, *known])
            raise UserError(
                f"--probe must be one of {', '.join(MODES)}, or probes of plug-ins; "
                f"got {name!r}; {near}"
            )
    if not words or len(modes) > 1 or len(set(names)) < len(names):
        raise UserError(
            f"--probe must be one mode ({', '.join(MODES)}) and each probe once; got {text!r}"
        )
    for term in own:
        config_of(registry.load("probes", term.name), dict(term.values), term.name)
    return ProbeWords(modes[0] if modes else "sample", tuple(own))
