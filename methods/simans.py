"""SimANS: ambiguous negatives, drawn from the top candidates by how near the positive they score.

    P(j) ~ e^{-a (s_j - s_i - b)^2},   j in {the K best scored of C},   C = M uniform draws

Zhou et al., "SimANS: Simple Ambiguous Negatives Sampling for Dense Text Retrieval", EMNLP 2022:
negatives far below the positive teach little, those far above are likely false. There the K best
are retrieved documents; here they are the best of M uniform candidates. a = 0 is uniform over the
K best, `dns_mn(keep=one)`; a to infinity takes the candidate nearest to s_i + b. One candidate is
`random`. The paper's own values of a and b are not known here, and they depend on the scale of the
scores: the defaults are ours. Cost per step: M + 1 dot products a row.
"""

from dataclasses import dataclass

import torch

from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Ids, Method, Negatives, Rows, Scores, Step, check_ranges

CARD = Card(
    title="SimANS: ambiguous negatives",
    family="dynamic",
    authors="Kun Zhou, Yeyun Gong, Xiao Liu, Wayne Xin Zhao, Yelong Shen, Anlei Dong, Jingwen Lu,"
    " Rangan Majumder, Ji-Rong Wen and Nan Duan",
    year=2022,
    venue="EMNLP",
    link="https://aclanthology.org/2022.emnlp-industry.56",
    paper="SimANS: Simple Ambiguous Negatives Sampling for Dense Text Retrieval",
    moves=("stages",),
    provenance="specification",
    differs="The top list is of uniform candidates, not of a retrieval; the defaults are ours.",
    search={
        "sharpness": ("log", 0.03, 30.0),
        "offset": ("of", -1.0, 0.0, 1.0),
        "top": ("of", 4, 8, 16, 32),
    },
    controls={"simans(sharpness=0)": "one of the top candidates, whatever its score"},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 32
    """M, 1 or more."""
    top: int = 16
    """K, from 1 to `candidates`."""
    sharpness: float = 1.0
    """a, 0 or more."""
    offset: float = 0.0
    """b: where the most likely negative lies above the positive."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"sharpness": 0})
        if not 1 <= self.top <= self.candidates:
            raise ValueError(
                f"`top` must be from 1 to `candidates`; got {self.top} of {self.candidates}"
            )


@dataclass(frozen=True)
class Region:
    """Stage: draw one of the top candidates by the distance of its score from the target."""

    config: Config

    @torch.no_grad()
    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """[B, M] or shared [K] -> [B, 1]."""
        if not negatives.n:
            return negatives
        scores = step.scores_no_grad(negatives)
        s_pos = step.view.score_pair(step.view.positive)
        return negatives.take(self.draw(s_pos, scores, step.generator))

    def draw(self, s_pos: Rows, scores: Scores, generator: torch.Generator) -> Ids:
        """Column of the draw of each row, [B, 1]; the first where every candidate is masked."""
        best, at = scores.topk(min(self.config.top, scores.shape[1]), 1)
        distance = (best.double() - s_pos.double().unsqueeze(1) - self.config.offset).square()
        # Beyond the nearest one's, so that no sharpness makes all of them 0.
        beyond = distance - distance.amin(1, keepdim=True)
        logits = torch.where(best.isneginf(), -torch.inf, -self.config.sharpness * beyond)
        cumulative = logits.softmax(1).nan_to_num(1.0).cumsum(1)
        share = torch.rand(len(scores), device=scores.device, generator=generator).unsqueeze(1)
        pick = (cumulative <= share).sum(1, keepdim=True)
        usable = (~best.isneginf()).sum(1, keepdim=True).clamp(min=1)
        return at.gather(1, torch.minimum(pick, usable - 1))


def build(config: Config) -> Method:
    """One draw from the top of M uniform candidates, with BPR."""
    return Method(sampler=Uniform(config.candidates), stages=(Region(config),), objective=BPR())
