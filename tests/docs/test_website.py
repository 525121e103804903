"""The text of the site before Sphinx reads it: links, flow charts, results, signatures."""

import pandas as pd
import pytest
from generate import ROOT
from website.assemble import anchors, on_disk, repository_pages
from website.autodoc_text import rest, written_signature
from website.flow import chart, with_charts
from website.links import Links
from website.metric_pages import example
from website.plugin_pages import fitting
from website.study import results_of

from negbench.plugins.card import Card


def links():
    return Links(ROOT, repository_pages(), anchors(["methods/dns", "metrics/gini"]))


@pytest.mark.parametrize(
    ("path", "page", "link", "expected"),
    [
        ("docs/tuning.md", "tuning", "statistics.md#seeds", "./statistics.md#seeds"),
        ("docs/tuning.md", "tuning", "methods.md#dns", "./methods/dns.md"),
        ("docs/tuning.md", "tuning", "methods.md#backbones", "./backbones/index.md"),
        ("docs/tuning.md", "tuning", "metrics.md#gini", "./metrics/gini.md"),
        ("docs/tuning.md", "tuning", "methods.md", "./methods/index.md"),
        ("CHANGELOG.md", "changelog", "CONTRIBUTING.md#versions", "./contributing.md#versions"),
        ("results/README.md", "results/index", "../docs/tuning.md", "../tuning.md"),
        ("docs/tuning.md", "tuning", "../LICENSE", "./files/LICENSE"),
        ("docs/tuning.md", "tuning", "https://example.org/x.md", "https://example.org/x.md"),
        ("docs/tuning.md", "tuning", "#here", "#here"),
    ],
)
def test_a_link_names_the_page_of_the_site(path, page, link, expected):
    assert links().rewrite(f"a [word]({link}).", path, page) == f"a [word]({expected})."


def test_code_holds_no_links_and_a_broken_link_is_refused():
    named = links().rewrite("[`x`](methods.md)", "docs/tuning.md", "tuning")
    assert named == "[`x`](./methods/index.md)"
    folded = links().rewrite("[of two\nlines](methods.md)", "docs/tuning.md", "tuning")
    assert folded == "[of two\nlines](./methods/index.md)"
    code = "`[a](nowhere.md)`\n\n```\n[b](nowhere.md)\n```\n"
    assert links().rewrite(code, "docs/tuning.md", "tuning") == code
    with pytest.raises(FileNotFoundError, match="nowhere.md"):
        links().rewrite("[a](nowhere.md)", "docs/tuning.md", "tuning")


def test_every_page_of_docs_is_on_the_site():
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= set(repository_pages())
    assert {"CHANGELOG.md", "CONTRIBUTING.md"} <= set(on_disk())


def test_a_flow_chart_is_boxes_and_arrows_and_keeps_the_lines_below():
    text = 'a\n```mermaid\nflowchart LR\n  x["one <b>"] --> y -- "as" --> x\n```\nb\n'
    drawn = with_charts(text)
    assert drawn.splitlines().index("b") == text.splitlines().index("b")
    assert (
        "<span>one &lt;b&gt;</span> → <span>y</span> <i>as</i> → <span>one &lt;b&gt;</span>"
        in drawn
    )
    with pytest.raises(ValueError, match="chain of nodes"):
        list(chart(["x ==> y"]))


def test_results_are_the_means_of_the_csv():
    csv = pd.read_csv(ROOT / "results" / "reference" / "results.csv")
    of = csv.query("method == 'dns' and dataset == 'kuairec' and metric == 'ndcg' and k == 20")
    values = of[(of["split"] == "test") & (of["band"] == "tail")]["value"]
    text = "\n".join(results_of("dns"))
    assert f"{values.mean():.4f}\u00a0±\u00a0{values.std():.4f}" in text
    assert list(results_of("no_such_method")) == []


def test_examples_of_metrics_follow_the_formulas_by_hand():
    """Relevant items in places 1, 4 and 9 of which the first five are looked at."""
    assert example("recall") == pytest.approx(2 / 3)
    assert example("precision") == pytest.approx(2 / 5)
    assert example("map") == pytest.approx((1 + 2 / 4) / 3)
    assert example("mrr") == 1


def test_a_method_runs_where_its_needs_are_met():
    assert "mf" in fitting(Card(title="a"))
    assert fitting(Card(title="a", needs=("denoiser",))) == ["dreamrec"]
    assert "sasrec" not in fitting(Card(title="a", needs=("users",)))
    assert fitting(Card(title="a", needs=("texts", "catalogue"))) == fitting(Card(title="a"))


def test_docstrings_keep_stars_formulas_and_code():
    lines = list(rest(["A *b* and P_u of `x_` at ndcg@5.", "", "    y = a_b", "", "End."]))
    assert lines[0] == r"A \*b\* and P\_u of ``x_`` at ndcg\@5."
    at = lines.index(".. code-block:: text")
    assert lines[at + 2] == "    y = a_b" and "End." in lines[at + 3 :]


def test_a_signature_is_that_of_the_source():
    from negbench.protocol import Backbone, Csr, Sampler, View

    assert written_signature(View.score_pair) == ("(vectors: Vectors)", "Rows")
    assert written_signature(Csr) is not None and "n_columns: int" in written_signature(Csr)[0]
    assert written_signature(Backbone.train)[0] == "(mode: bool=True, /)"
    assert written_signature(Csr.join) == ("(other: Csr)", "Csr")
    assert written_signature(Sampler) == ("", None)
