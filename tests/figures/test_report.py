from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import json
import re

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from haploformer.evaluation.metrics import within_fold_r
from haploformer.evaluation.summary import summarise_models
from haploformer.figures import (
    ReportContent,
    ReportFigure,
    build_report,
    explore_predictions,
    plot_distinct_haplotypes,
    plot_model_against_model,
    plot_predicted_against_measured,
    plot_scores_by_model,
)
from tests.figures.browser import browser_dom, framed_at

EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


class Page(html.parser.HTMLParser):
    """Elements with their attributes, the text of scripts and styles, and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.text: list[str] = []
        self.rows: dict[str, list[list[str]]] = {}
        self._table = ""
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self._inside = tag if tag in ("script", "style") else ""
        if tag == "script":
            self.scripts.append((attributes, ""))
        if tag == "table":
            self._table = attributes["id"]
            self.rows[self._table] = []
        if tag == "tr":
            self.rows[self._table].append([])
        if tag in ("td", "th"):
            self.rows[self._table][-1].append("")

    def handle_endtag(self, tag):
        self._inside = ""
        if tag == "table":
            self._table = ""

    def handle_data(self, data):
        if self._inside == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
        elif self._inside == "style":
            self.styles.append(data)
        else:
            self.text.append(data)
            if self._table and self.rows[self._table] and self.rows[self._table][-1]:
                self.rows[self._table][-1][-1] = " ".join(f"{self.rows[self._table][-1][-1]} {data}".split())

    @property
    def ids(self):
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    @property
    def policy(self):
        return next(a["content"] for _, a in self.elements if a.get("http-equiv") == "Content-Security-Policy")


def full_content(tables) -> ReportContent:
    scores = tables.gene_scores
    explorer = explore_predictions(tables.scored_predictions, scores, model="stack", individuals=tables.individuals)
    figures = [
        plot_scores_by_model(scores, known_answer_check=tables.known_answer_check),
        plot_model_against_model(scores, x="elastic_net", y="stack"),
        explorer.figure,
        plot_distinct_haplotypes(tables.window_audit, genes=tables.genes),
    ]
    return ReportContent(
        title="A made-up cohort",
        facts=[("People", "150"), ("Weights", "untrained")],
        model_summary=summarise_models(scores, known_answer_check=tables.known_answer_check),
        gene_scores=scores,
        notices=["These weights are untrained."],
        headlines=["The stack does best."],
        figures=[
            ReportFigure(
                f"Figure {i}", figure, f"Caption {i}", **({"explorer": explorer, "min_width": 0} if i == 2 else {})
            )
            for i, figure in enumerate(figures)
        ],
        known_answer_check=tables.known_answer_check,
        stack_weights=tables.stack_weights,
        audit=tables.audit,
        individual_audit=tables.individual_audit,
        window_audit=tables.window_audit,
        genes=tables.genes,
    )


def renamed(tables, name):
    """The tables with ``name`` in every place where a name is data."""
    gene, person = tables.genes["gene_id"].iloc[0], tables.individuals["individual_id"].iloc[0]

    def replace(table):
        table = table.copy()
        if "gene_name" in table:
            table.loc[table["gene_id"] == gene, "gene_name"] = name
        if "individual_id" in table:
            table["individual_id"] = table["individual_id"].replace(person, name)
        for column in ("population", "reason", "feature"):
            if column in table:
                table[column] = table[column].replace(table[column].iloc[0], name)
        if "model" in table:
            table["model"] = table["model"].replace("stack", name)
        return table

    return dataclasses.replace(
        tables, **{field.name: replace(getattr(tables, field.name)) for field in dataclasses.fields(tables)}
    )


@pytest.fixture(scope="module")
def report(tables):
    return build_report(full_content(tables))


@pytest.fixture(scope="module")
def page(report):
    return Page(report)


@pytest.fixture(scope="module")
def evil_report(tables):
    evil = renamed(tables, EVIL)
    scores = evil.gene_scores
    explorer = explore_predictions(evil.scored_predictions, scores, model=EVIL, individuals=evil.individuals)
    content = full_content(tables)
    return build_report(
        dataclasses.replace(
            content,
            title=EVIL,
            facts=[(EVIL, EVIL)],
            notices=[EVIL],
            headlines=[EVIL],
            model_summary=summarise_models(scores),
            gene_scores=scores,
            figures=[
                ReportFigure(EVIL, plot_scores_by_model(scores), EVIL),
                ReportFigure(EVIL, plot_model_against_model(scores, x="elastic_net", y=EVIL), EVIL),
                ReportFigure(
                    EVIL,
                    plot_predicted_against_measured(
                        evil.scored_predictions,
                        scores,
                        model=EVIL,
                        genes=[scores["gene_id"].iloc[0]],
                        individuals=evil.individuals,
                    ),
                    EVIL,
                ),
                ReportFigure(EVIL, plot_distinct_haplotypes(evil.window_audit, genes=evil.genes), EVIL),
                ReportFigure(EVIL, explorer.figure, EVIL, explorer=explorer),
            ],
            stack_weights=evil.stack_weights,
            audit=evil.audit,
            individual_audit=evil.individual_audit,
            window_audit=evil.window_audit,
            genes=evil.genes,
        )
    )


def loads_from_elsewhere(page):
    """What the page would fetch: attributes that load, links out, and style sheets that import."""
    outside = [
        (tag, name, value)
        for tag, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data", "action", "poster") and not (value or "").startswith("#")
    ]
    return outside + [style for style in page.styles if "@import" in style or "url(" in style]


def test_build_report__loads_nothing_from_elsewhere(page):
    assert loads_from_elsewhere(page) == []
    assert {tag for tag, _ in page.elements}.isdisjoint({"link", "iframe", "object", "embed", "base"})
    assert page.policy.startswith("default-src 'none'")


def test_loads_from_elsewhere__finds_what_it_looks_for():
    found = loads_from_elsewhere(Page('<script src="https://x.org/a.js"></script><style>@import "b.css";</style>'))
    assert len(found) == 2


def test_build_report__embeds_plotly_once_and_offers_no_upload(report, page):
    code = [script for attributes, script in page.scripts if not attributes]
    assert code[0] == get_plotlyjs()
    assert len(code) == 2
    assert "showSendToCloud: false" in code[1]
    assert len(report) < 6_000_000


def test_build_report__lets_only_its_own_scripts_run(page):
    allowed = re.search("script-src ([^;]*)", page.policy).group(1).split()
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for attributes, script in page.scripts
        if not attributes
    ]
    assert sorted(allowed) == sorted(hashes)


def test_build_report__holds_the_figures_as_they_are(tables, page):
    blocks = [
        json.loads(text) for attributes, text in page.scripts if (attributes.get("id") or "").startswith("figure-")
    ]
    content = full_content(tables)
    assert blocks == [json.loads(figure.figure.to_json()) for figure in content.figures]


def test_build_report__tables_hold_the_rounded_numbers(tables, page):
    scores = tables.gene_scores.set_index(["gene_name", "model"])["pearson_r"]
    heading, *rows = page.rows["gene-table"]
    assert heading == [
        "Gene", "Gene id", "People", "Enformer", "Enformer, all tracks", "Top SNP", "Elastic net", "Stack"
    ]  # fmt: skip
    assert [row[0] for row in rows] == sorted(tables.genes["gene_name"])
    for row in rows:
        assert row[2] == "150"
        assert [float(cell.split()[0]) for cell in row[3:]] == pytest.approx(scores[row[0]].tolist(), abs=5e-4)
    constant = next(row for row in rows if row[0] == tables.genes["gene_name"].iloc[-1])
    assert constant[6].startswith("0.000 * ")

    summary = {row[0]: row[1:] for row in page.rows["model-summary"]}
    means = tables.gene_scores.groupby("model")["pearson_r"].mean()
    assert summary["Top SNP"][1] == f"{means['top_snp']:.3f}"
    assert summary["Top SNP"][-2:] == ["0.180 to 0.300", "yes"]
    assert summary["Enformer"][-2:] == ["0.300 to 0.450", "no"]
    assert summary["Stack"][-2:] == ["–", "–"]  # noqa: RUF001
    assert summary["Elastic net"][4] == "1"


def test_build_report__audit_sums_over_contigs_and_keeps_every_reason(page):
    rows = page.rows["records-kept-and-dropped"][1:]
    assert ["genotypes.vcf.gz", "snp", "dropped", "contig is not chosen", "10,000"] in rows
    assert ["expression.bed.gz", "gene", "kept", "window and expression present", "24"] in rows
    assert sum(int(row[-1].replace(",", "")) for row in rows) == 25_184


def test_build_report__weights_of_the_stack_are_averaged_over_genes(tables, page):
    rows = {row[0]: row[1:] for row in page.rows["stack-weights"]}
    mean = tables.stack_weights.groupby("feature")["weight"].mean()
    assert rows["Elastic net"][:2] == ["24", f"{mean['elastic_net']:.3f}"]


def test_build_report__shows_the_warnings_before_the_first_number(report):
    assert report.index("These weights are untrained.") < report.index("The stack does best.")
    assert report.index("These weights are untrained.") < report.index('<section id="run">')


def test_build_report__is_the_same_for_the_same_content(tables, report):
    assert build_report(full_content(tables)) == report


def test_build_report__leaves_out_what_is_absent(tables):
    page = Page(
        build_report(
            ReportContent(
                title="Scores only",
                facts=[],
                model_summary=summarise_models(tables.gene_scores),
                gene_scores=tables.gene_scores.assign(pearson_r_seed_sd=float("nan")),
            )
        )
    )
    assert set(page.rows) == {"model-summary", "gene-table"}
    assert {"run", "figures", "stack", "audit"}.isdisjoint(page.ids)
    assert page.rows["model-summary"][0][-1] == "Genes with a constant prediction"
    text = " ".join(page.text)
    for word in ("Expected", "Inside", "Weights of the stack", "Warning", "±", "sd over fold seeds,"):
        assert word not in text
    assert len(page.scripts) == 1
    links = {attributes["href"][1:] for tag, attributes in page.elements if tag == "a"}
    assert links == {"models", "genes", "reading"}


@pytest.mark.parametrize("absent", ["audit", "individual_audit", "window_audit"])
def test_build_report__has_no_empty_audit_table(tables, absent):
    keys = {
        "audit": {"records-kept-and-dropped"},
        "individual_audit": {"calls-per-person", "people"},
        "window_audit": {"windows"},
    }
    everything = set().union(*keys.values())
    content = dataclasses.replace(full_content(tables), figures=(), **{absent: None})
    assert set(Page(build_report(content)).rows) & everything == everything - keys[absent]


def test_build_report__every_link_has_its_section(page):
    links = {attributes["href"][1:] for tag, attributes in page.elements if tag == "a"}
    assert links <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_build_report__names_are_text_and_never_markup(evil_report):
    page = Page(evil_report)
    assert len(page.scripts) == 8  # five figures, one's values, plotly.js, the page's own
    assert all(set(attributes) in (set(), {"type", "id"}) for attributes, _ in page.scripts)
    assert "img" not in {tag for tag, _ in page.elements}
    handlers = [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert handlers == []
    assert EVIL in "".join(page.text)
    assert [row[0] for row in page.rows["gene-table"]].count(EVIL) == 1
    assert EVIL in [row[0] for row in page.rows["people"]]


def test_build_report__figures_hold_names_as_text_for_plotly(evil_report):
    blocks = [text for attributes, text in Page(evil_report).scripts if attributes.get("type")]
    assert len(blocks) == 6
    for block in blocks:
        assert not set(block) & set("<>&")
        texts = json.dumps(json.loads(block), ensure_ascii=False)
        assert "&lt;/script&gt;" in texts
        assert "<script" not in texts
        assert "<img" not in texts


def test_build_report__a_figure_made_elsewhere_cannot_end_its_block(tables):
    figure = go.Figure(go.Scatter(x=[0], y=[0], text=[EVIL]), layout={"title": {"text": f"<!--{EVIL}"}})
    content = dataclasses.replace(full_content(tables), figures=[ReportFigure("Raw", figure, "")])
    page = Page(build_report(content))
    assert len(page.scripts) == 3
    assert json.loads(page.scripts[0][1])["data"][0]["text"] == [EVIL]


def test_build_report__opens_in_a_browser_and_runs_nothing_else(evil_report, tmp_path):
    dom = browser_dom(evil_report, tmp_path)
    assert dom.count('class="main-svg"') >= 5
    chosen = dom.split('data-figure="figure-5"')[1]
    assert len(PLACES.findall(chosen)) == 150  # by script, in the figure that holds none
    assert "<title>owned" not in dom
    assert "<img src=" not in dom.replace("&lt;", "")


def test_build_report__scripts_beside_its_own_are_refused_by_the_browser(tables, tmp_path):
    content = dataclasses.replace(full_content(tables), figures=())
    injected = build_report(content).replace("</main>", "<script>document.title='owned'</script></main>")
    assert "<title>A made-up cohort" in browser_dom(injected, tmp_path)


def test_build_report__genes_are_sorted_and_filtered_in_a_browser(tables, tmp_path):
    text = build_report(dataclasses.replace(full_content(tables), figures=()))
    steps = """<script>
      const table = document.getElementById("gene-table");
      table.tHead.rows[0].cells[7].firstElementChild.click();
      const input = document.getElementById("gene-table-filter");
      input.value = "dgcr";
      input.dispatchEvent(new Event("input"));
      const shown = [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
      document.title = [...shown, document.querySelector("[data-counts=gene-table]").textContent].join(" ");
    </script></body>"""
    dom = browser_dom(
        re.sub(r"script-src [^;\"]*", "script-src 'unsafe-inline'", text).replace("</body>", steps), tmp_path
    )
    stack = tables.gene_scores[tables.gene_scores["model"] == "stack"].sort_values("pearson_r", ascending=False)
    expected = [name for name in stack["gene_name"] if name.startswith("DGCR")]
    assert len(expected) == 2
    assert f"<title>{' '.join(expected)} 2 of 24</title>" in dom


def trust_all_scripts(text):
    """The page with a policy that lets a test's own script run."""
    return re.sub(r"script-src [^;\"]*", "script-src 'unsafe-inline'", text)


@pytest.mark.parametrize("width", [1280, 390])
def test_build_report__nothing_is_wider_than_the_window(report, tmp_path, width):
    # Every element is within the window, or in a box that scrolls by itself.
    steps = """<script>addEventListener("load", () => {
      const root = document.documentElement;
      const out = [...document.body.querySelectorAll("main *")].filter((element) =>
        !element.closest(".wide *, .scroll *") && element.getBoundingClientRect().right > innerWidth + 1);
      const figure = document.querySelector("[data-explores]").parentElement.querySelector("[data-figure]");
      const drawn = figure.querySelector("svg").clientWidth;
      parent.postMessage([innerWidth, root.scrollWidth, out.length, drawn].join(" "), "*");
    });</script></body>"""
    dom = browser_dom(framed_at(width, trust_all_scripts(report).replace("</body>", steps), tmp_path), tmp_path)
    inner, wide, n_out, drawn = map(int, re.search("<title>([^<]*)", dom)[1].split())
    assert inner == width
    assert wide <= inner
    assert n_out == 0
    assert 300 < drawn <= min(width, 680)


def shown_r(tables, gene, model):
    """The r of a gene in the first fold seed."""
    points = tables.scored_predictions.query("gene_id == @gene and model == @model and fold_seed == 0")
    sides = [points[name].to_numpy()[None] for name in ("predicted", "measured")]
    return float(within_fold_r(*sides, points["fold"].to_numpy()).pearson[0])


def assert_told(text, what, r):
    """The title over the figure: steps of a thousandth SD may move r by less than 0.0002 before it is rounded."""
    told, number = re.match(r"(.*): r = (-?\d\.\d{3})", text).groups()
    assert told == what
    assert float(number) == pytest.approx(r, abs=7e-4)


CHOICE = re.compile(r'<output aria-live="polite">([^<]*)</output>')
PLACES = re.compile(r'class="point[^"]*" transform="translate\(([^)]*)\)"')


def test_build_report__a_link_chooses_gene_and_model(tables, report, tmp_path):
    chosen = [
        (tables.genes["gene_id"].iloc[i], model) for i, model in ((3, "enformer"), (3, "top_snp"), (9, "top_snp"))
    ]
    drawn = []
    for gene, model in chosen:
        dom = browser_dom(report, tmp_path, address=f"#gene={gene}&model={model}")
        name = tables.genes.set_index("gene_id")["gene_name"][gene]
        label = {"enformer": "Enformer", "top_snp": "Top SNP"}[model]
        mean = tables.gene_scores.set_index(["gene_id", "model"])["pearson_r"][gene, model]
        assert_told(CHOICE.search(dom)[1], f"{name} by {label}", shown_r(tables, gene, model))
        assert CHOICE.search(dom)[1].endswith(f" as shown (fold seed 0); mean of 2 seeds {mean:.3f}")
        # what else the page draws is the same for every choice
        drawn.append(set(PLACES.findall(dom.split('data-figure="figure-3"')[1].split('data-figure="figure-4"')[0])))
    assert [len(places) for places in drawn] == pytest.approx([150] * 3, abs=10)  # a few may coincide
    assert not drawn[0] & drawn[1]
    assert not drawn[1] & drawn[2]


def test_build_report__lists_and_buttons_redraw_and_change_the_address(tables, report, tmp_path):
    steps = """<script>addEventListener("load", () => {
      const choices = document.querySelector("[data-explores]");
      const [gene, model] = choices.querySelectorAll("select");
      const output = choices.querySelector("output");
      const before = output.textContent;
      choices.querySelector("[data-step='1']").click();
      const next = output.textContent;
      model.value = "elastic_net";
      model.dispatchEvent(new Event("change"));
      const trace = document.querySelector(`[data-figure="figure-${choices.dataset.explores}"]`).data;
      const n = trace.reduce((sum, part) => sum + part.x.length, 0);
      document.title = [before, next, output.textContent, location.hash, n, gene.length, gene.labels.length].join("|");
    });</script></body>"""
    dom = browser_dom(trust_all_scripts(report).replace("</body>", steps), tmp_path)
    before, after, other, address, n, n_genes, n_labels = re.search("<title>([^<]*)", dom)[1].split("|")
    names = sorted(tables.genes["gene_name"])
    first = before.split(" by ")[0]
    following = names[(names.index(first) + 1) % len(names)]
    gene = tables.genes.set_index("gene_name")["gene_id"][following]
    assert_told(after, f"{following} by Stack", shown_r(tables, gene, "stack"))
    assert_told(other, f"{following} by Elastic net", shown_r(tables, gene, "elastic_net"))
    assert address.replace("&amp;", "&") == f"#gene={gene}&model=elastic_net"
    assert (int(n), int(n_genes), int(n_labels)) == (150, 24, 1)


def test_build_report__without_people_there_is_no_one_to_choose(tables):
    content = dataclasses.replace(full_content(tables), individual_audit=None)
    kept = [figure for figure in content.figures if figure.explorer is None]
    text = build_report(dataclasses.replace(content, figures=kept))
    assert "data-choice" not in "".join(tag for tag, _ in Page(text).elements)
    assert not any(person in text for person in tables.individuals["individual_id"])


def test_build_report__order_is_answer_models_figures_then_the_rest(page):
    order = [name for name in page.ids if name in ("models", "figures", "genes", "run", "audit", "reading")]
    assert order == ["models", "figures", "genes", "run", "audit", "reading"]
