from __future__ import annotations

import re
import shutil
import struct
import xml.etree.ElementTree as ElementTree

import plotly.graph_objects as go
import pytest
from kaleido import PageGenerator

from haploformer.errors import InputError
from haploformer.figures import plot_predicted_against_measured, plot_scores_by_model
from haploformer.figures.images import SCALE, WIDTH, render_images

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="chromium is not installed (Debian package chromium)"
)


def png_size(content):
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", content[16:24])


def svg_text(content):
    root = ElementTree.fromstring(content)  # noqa: S314 (made here)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [" ".join("".join(element.itertext()).split()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    return (float(root.get("width")), float(root.get("height"))), texts


@needs_chromium
def test_render_images__a_png_of_the_figures_size_and_an_svg_with_text(tables, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", shutil.which("chromium"))
    figures = {
        "scores": plot_scores_by_model(tables.gene_scores),
        "panels": plot_predicted_against_measured(tables.scored_predictions, tables.gene_scores, model="stack"),
        "many": go.Figure(go.Scatter(x=[1], y=[1])).set_subplots(1, 8).update_layout(height=300),
    }
    images = render_images(figures)
    assert sorted(images) == sorted(f"{name}.{kind}" for name in figures for kind in ("png", "svg"))
    widths = {"scores": WIDTH, "panels": WIDTH, "many": 8 * 190}
    for name, figure in figures.items():
        size = (widths[name], figure.layout.height)
        assert png_size(images[f"{name}.png"]) == (SCALE * size[0], SCALE * size[1])
        assert svg_text(images[f"{name}.svg"])[0] == size
    _, texts = svg_text(images["scores.svg"])
    mean = tables.gene_scores.groupby("model")["pearson_r"].mean()["stack"]
    assert any(re.fullmatch(rf"Stack ?mean {mean:.3f}", text) for text in texts)
    assert len(set(images.values())) == len(images)


def test_render_images__without_a_browser_one_line_names_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nothing"))
    with pytest.raises(
        InputError, match=r"no Chromium or Chrome is found .*; install Chromium .*BROWSER_PATH"
    ) as error:
        render_images({"scores": go.Figure()})
    assert "\n" not in str(error.value)


def test_render_images__what_does_not_start_is_no_browser(monkeypatch, tmp_path):
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(fake))
    with pytest.raises(InputError, match=r"the browser does not start .*; install Chromium"):
        render_images({"scores": go.Figure()})


def test_page_of_the_browser__loads_nothing_from_a_network():
    assert "http" not in PageGenerator(mathjax=False).generate_index()
