"""sentence-transformers: hard negatives that a run's model mined, for a text encoder.

python examples/bridges/sentence_transformers_triplets.py
"""

import tempfile
from pathlib import Path

from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.trainers import WordLevelTrainer
from transformers import set_seed

import negbench
from datasets import Dataset

K = 3
"""Hard negatives of each pair."""


def mined():
    """Train pairs of goodbooks with the K books that a trained model scores next, a row each."""
    run = Path(tempfile.mkdtemp()) / "run"
    asked = {"datasets": "goodbooks", "methods": "dns", "backbones": "mf", "seeds": 1}
    negbench.run(**asked, epochs=5, out=run)
    return negbench.mine(run, K, skip_top=10, texts=True).frame()


def triplets(frame, rows):
    """Titles of the user's other books as the anchor, the book's text, and the negatives' texts."""
    titles = frame[frame["rank"] == 1].groupby("user")["positive_name"].agg(list)
    wide = frame.pivot(index=["user", "positive"], columns="rank", values="negative_text")
    texts = frame.drop_duplicates("positive").set_index("positive")
    lines = []
    for (user, positive), negatives in wide.dropna().sample(rows, random_state=0).iterrows():
        others = [title for title in titles[user] if title != texts.positive_name[positive]]
        line = {"anchor": ". ".join(others[-5:]), "positive": texts.positive_text[positive]}
        lines.append(line | {f"negative_{rank}": text for rank, text in negatives.items()})
    return Dataset.from_list(lines)


def train(frame, steps=200):
    """The loss of every step, of an encoder that begins at random: nothing is downloaded."""
    set_seed(0)
    data = triplets(frame, rows=32 * steps)
    tokenizer = Tokenizer(WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    texts = [*data["anchor"], *data["positive"]]
    tokenizer.train_from_iterator(texts, WordLevelTrainer(special_tokens=["[UNK]"]))
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_dim=64)], device="cpu"
    )
    arguments = SentenceTransformerTrainingArguments(
        output_dir=tempfile.mkdtemp(),
        max_steps=steps,
        per_device_train_batch_size=32,
        learning_rate=1e-2,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
    )
    loss = MultipleNegativesRankingLoss(model)
    trainer = SentenceTransformerTrainer(model, arguments, train_dataset=data, loss=loss)
    trainer.train()
    return [float(line["loss"]) for line in trainer.state.log_history if "loss" in line]


if __name__ == "__main__":
    losses = train(mined())
    print(f"loss {losses[0]:.4f} in the first step, {losses[-1]:.4f} in the last")
