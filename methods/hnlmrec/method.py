"""HNLMRec in small: hard negatives generated from text and collaborative vectors, not sampled.

    g_ui  = G([t_u; t_i; P e_u; P e_i])        self-attention, then an MLP, into the items' space
    e_neg = alpha g_ui + (1 - alpha) e_j       j uniform outside P_u
    L     = BPR(e_u, e_i, e_neg) + lambda softplus((cos(e_u, g_ui) - cos(e_u, e_i)) / 0.2)
    G:  min L_SFT + c (w_sem L_sem + w_beh L_beh + w_hard L_hard + w_false L_false + w_man L_man)

Zhao, Yang, Liu, Zhao, Guo & Wang, "Can LLM-Driven Hard Negative Sampling Empower Collaborative
Filtering?", 2025 (arXiv 2504.04726; its second version: Chu Zhao and others, "Hard Negative
Sampling via Large Language Models for Recommendation"). Theirs are the stages, negatives that are
vectors, the pairwise cosine loss L_SFT (right: a hard negative, wrong: the item met), the mixture,
the weak contrastive term and the adapter of attention and MLP. Ours are the small G on text vectors
(`--encoder`), profiles as means of item texts, the items j* that stand for hard negatives
(`target_mining.py`), the five criteria (`criteria.py`) and G's detachment: BPR lowers
e_u.e_neg, so a G that learns from it learns easy negatives.

`model=FOLDER` (or OWNER/NAME of the hub; extra `text`) is nearer to theirs: t_u and t_i are made by
a language model that L_SFT and the criteria train through LoRA (`profiles.py`); targets and
criteria still read `--encoder`, which is fixed. Profiles are templates, a user's and an
item's are read apart, so that each is read once, and vectors are tokens of G, not of the model:
these are ours. A cell goes by what the folder holds; a model of the hub by its name alone.
`preset=released` has the code's numbers on Yelp2018, where they are known; on Toys alpha is .01.

The first `warmup` epochs are plain and play the pre-training of the backbone; then G learns `first`
rounds over the train pairs and one more every `every` epochs, the backbone's vectors held fixed.
Ablations: `signals=semantic` (words alone: query, target and criteria; the first version's case),
`signals=cf` (no words), `criteria=0` (L_SFT alone), `alpha=0`, `produce=retrieved` (the item that g
stands for, in its place), `generator_grad`. Controls: `texts=permuted`, `texts=random`.
An epoch logs `fhns_sem`, how often the item that g stands for is in line with the user's words, and
the same for the items drawn; the probes count mixtures by the nearest item, as all vectors.
Cost: about 28 H^2 a row; a round: three times that and M (9 D + 2 T) a pair, and once the two-hop
counts of likely positives. With a model of W weights in its blocks also about 6 W a token of the
2 `pairs` profiles of a round, and 2 W a token of all U + I when rounds are over: on goodbooks with
MiniLM and the defaults 31 s of one core a round, and 123 s to read all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import BPR, Hinge, Uniform
from negbench.parts.diffusion.noise_network import REACH, clip_rms
from negbench.parts.requirements import users_of
from negbench.parts.score_space import items_of, pair_of
from negbench.parts.selection.nearest_item import nearest_by_cosine
from negbench.protocol import (
    Card,
    Epoch,
    Method,
    Negatives,
    Phase,
    Step,
    TrainContext,
    Vectors,
    check_ranges,
)

from .contrastive import contrastive_loss
from .generator import Signals
from .generator_training import PAIRS, GeneratorTraining, HardGenerator, Weights
from .mixing import mix_generated
from .nearest_log import log_nearest
from .profiles import FineTuning
from .text_controls import Texts
from .text_space import TextSpace, table_of

CARD = Card(
    title="Hard negatives generated from words and collaborative signals",
    family="language",
    authors="Chu Zhao, Enneng Yang, Yuting Liu, Jianzhe Zhao, Guibing Guo and Xingwei Wang",
    year=2025,
    venue="arXiv",
    link="https://arxiv.org/abs/2504.04726",
    paper="Can LLM-Driven Hard Negative Sampling Empower Collaborative Filtering? Findings "
    "and Potentials",
    moves=("stages",),
    needs=("catalogue", "texts", "users"),
    provenance="specification",
    differs="A small network on text vectors for the fine-tuned language model, or above one with "
    "LoRA (`model`); templates for written profiles; targets, criteria and detachment are ours.",
    presets={
        "released": {
            "alpha": 1e-4,
            "loss": "hinge",
            "criteria": 0.0,
            "lora_lr": 2e-5,
            "lora_rank": 32,
            "lora_alpha": 8.0,
        },
    },
    search={
        "alpha": ("of", 0.01, 0.1, 0.3, 0.5),
        "hardness": ("float", 0.0, 1.0),
        "criteria": ("of", 0.0, 0.3, 1.0),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings; the paper's values are those of its released code."""

    alpha: float = 0.1
    """Share of the generated vector in a negative, 0 to 1; 1e-4 and 1e-2 in the paper."""
    warmup: int = 5
    """Plain epochs before G learns, 0 or more; the paper pre-trains the backbone."""
    ramp: int = 5
    """Epochs in which the share grows to alpha, 1 or more (ours)."""
    first: int = 5
    """Rounds that G learns first, 1 or more; 5 in the paper, before all else."""
    every: int = 5
    """Epochs from one more round to the next, 1 or more (ours)."""
    contrastive: float = 1e-3
    """lambda, 0 or more; 1e-3 in the paper."""
    loss: Literal["bpr", "hinge"] = "bpr"
    """bpr in the paper's figure, hinge with a margin of 0.3 in its code."""
    signals: Signals = "both"
    """Inputs and training signal of G: words and vectors, or one of them."""
    produce: Literal["generated", "retrieved"] = "generated"
    """retrieved takes the item that g stands for, in its place."""
    texts: Texts = "own"
    """permuted and random are controls."""
    generator_grad: Literal["detached", "rank", "adversarial"] = "detached"
    """Whether G's own layers also minimise the ranking loss, or maximise it with a bounded norm."""
    hidden: int = 128
    """H of G, a multiple of 4; the paper's models have 4096."""
    candidates: int = 256
    """M, items among which a hard negative is looked for, 1 or more (ours)."""
    hardness: float = 0.5
    """Weight of the score against likeness in words in that search, 0 to 1 (ours)."""
    lr: float = 1e-3
    """Adam's step for G, above 0."""
    batch: int = 512
    """Pairs in a step of G, 1 or more; 16 a device in the paper."""
    criteria: float = 1.0
    """c, 0 or more (ours); 0 leaves L_SFT alone."""
    sem: float = 1.0
    """Weight of the topic, 0 or more; all five are ours."""
    beh: float = 1.0
    """Of being distinct from what is liked."""
    hard: float = 0.5
    """Of hardness."""
    false: float = 0.5
    """Of keeping off likely positives; 0 saves their counts, which are costly on large data."""
    man: float = 0.1
    """Of staying among the items."""
    model: str = ""
    """A language model to fine-tune: a folder, or OWNER/NAME of the hub; none by default."""
    pairs: int = 512
    """Random train pairs of a round with a model, 1 or more: its cost."""
    tokens: int = 48
    """Where a profile is cut, 4 or more."""
    lora_batch: int = 16
    """Pairs in a step with a model, 1 or more; 16 a device in the paper."""
    lora_lr: float = 2e-4
    """Adam's step for LoRA, above 0; 2e-5 in the paper."""
    lora_rank: int = 8
    """r, 1 or more; 32 in the paper."""
    lora_alpha: float = 16.0
    """LoRA's share is lora_alpha / lora_rank, above 0; 8 in the paper."""
    lora_dropout: float = 0.05
    """0 to 1; as in the paper."""

    def __post_init__(self) -> None:
        """Check the settings."""
        least = {"warmup": 0, "ramp": 1, "first": 1, "every": 1, "candidates": 1, "batch": 1}
        least |= {"pairs": 1, "lora_batch": 1}
        least |= dict.fromkeys(("contrastive", "criteria", "sem", "beh", "hard", "false", "man"), 0)
        shares = {"alpha": (0, 1), "hardness": (0, 1)}
        check_ranges(self, at_least=least, above={"lr": 0}, between=shares)
        if self.hidden < 4 or self.hidden % 4:
            raise ValueError(f"`hidden` must be a multiple of 4, 4 or more; got {self.hidden}")
        if self.model and (self.signals == "cf" or self.texts == "random"):
            raise ValueError("`model` reads texts; signals=cf and texts=random have none to read")
        _ = self.training

    @property
    def training(self) -> GeneratorTraining:
        """Settings of G's training; criteria that read a signal which is switched off weigh 0."""
        words, vectors = self.signals != "cf", self.signals != "semantic"
        hardness = self.hardness if self.signals == "both" else float(vectors)
        weights = Weights(
            sem=self.criteria * self.sem * words,
            beh=self.criteria * self.beh * vectors,
            hard=self.criteria * self.hard * vectors,
            false=self.criteria * self.false * vectors,
            man=self.criteria * self.man,
        )
        low_rank = self.lora_rank, self.lora_alpha, self.lora_dropout, self.lora_lr
        fine_tuning = FineTuning(self.model, self.tokens, *low_rank) if self.model else None
        batch, pairs = (self.lora_batch, self.pairs) if self.model else (self.batch, PAIRS)
        return GeneratorTraining(
            weights, hardness, self.candidates, self.lr, batch, pairs, fine_tuning
        )


class Generate:
    """Trains G between epochs, and mixes generated vectors into the negatives."""

    def __init__(self, config: Config) -> None:
        """Set up the generator; its weights are drawn in `begin`."""
        self.config = config
        self.generator = HardGenerator(config.training, config.hidden, config.signals, config.texts)
        self.averages = EpochMeans()

    def begin(self, context: TrainContext) -> None:
        """Callback before training: read the texts and draw the weights."""
        self.words = TextSpace.of(context, table_of(context))
        self.generator.begin(context)

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: measure the backbone's vectors, and train G when due."""
        similarity, now = epoch.similarity, epoch.number - self.config.warmup
        users = users_of(epoch.users, "hnlmrec", "a method that needs none")
        items, users = similarity.prepare(epoch.items), similarity.query(users)
        self.generator.measure(items, users)
        if now >= 1 and (now - 1) % self.config.every == 0:
            self.generator.train(items, users, self.config.first if now == 1 else 1)

    def own_phase(self) -> Phase | None:
        """The epochs with the full share, or from the warm-up's end on where only the loss is."""
        ramp = self.config.ramp if self.config.alpha else 1
        works = self.config.alpha or self.config.contrastive
        return Phase("generated negatives", self.config.warmup + ramp) if works else None

    def share(self, epoch: int) -> float:
        """alpha of this epoch."""
        grown = (epoch - self.config.warmup) / self.config.ramp
        return self.config.alpha * min(1.0, max(0.0, grown))

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """Mixed vectors [B, N, D] and the contrastive loss; unchanged negatives in the warm-up."""
        alpha, weight = self.share(step.epoch), self.config.contrastive
        if step.epoch <= self.config.warmup or not (alpha or weight):
            return negatives
        g = self.generated(step)
        if step.number == 1:
            log_nearest(step, negatives, g.detach(), self.words, self.averages)
        if self.config.produce == "retrieved":
            every = torch.arange(len(g), device=g.device)
            g = items_of(step, nearest_by_cosine(step, g, every)[0])
        if weight:
            contrastive = {"contrastive": weight * contrastive_loss(step, g)}
            negatives = replace(negatives, losses={**negatives.losses, **contrastive})
        return mix_generated(step, negatives, g, alpha) if alpha and negatives.n else negatives

    def generated(self, step: Step) -> Vectors:
        """g of each row, [B, D]; without gradient unless `generator_grad` says otherwise."""
        e_i, e_u = (x.detach() for x in pair_of(step))
        with torch.set_grad_enabled(self.config.generator_grad != "detached"):
            g = self.generator(step.batch.users, step.batch.items, e_u, e_i)
            if self.config.generator_grad == "adversarial":
                g = clip_rms(g, REACH * self.generator.units[0])
        self.averages.add("generated_cosine", F.cosine_similarity(g, e_i))
        above = (e_u * g).sum(1) > (e_u * e_i).sum(1)
        self.averages.add("generated_above_positive", above)
        return g

    def epoch_metrics(self) -> Mapping[str, float]:
        """Means over the negatives generated this epoch, and of G's last round."""
        return {**self.averages.epoch_metrics(), **self.generator.epoch_metrics()}

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """G's weights, where it minimises the ranking loss too."""
        return self.generator.net.parameters() if self.config.generator_grad == "rank" else ()

    def maximised(self) -> Iterable[torch.nn.Parameter]:
        """G's weights, where it maximises the ranking loss."""
        maximises = self.config.generator_grad == "adversarial"
        return self.generator.net.parameters() if maximises else ()

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: G, its units and its random stream."""
        return self.generator.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.generator.load_state_dict(state)


def build(config: Config) -> Method:
    """One uniform negative a row, mixed with the generated one."""
    objective = BPR() if config.loss == "bpr" else Hinge(0.3)
    return Method(sampler=Uniform(1), stages=(Generate(config),), objective=objective)
