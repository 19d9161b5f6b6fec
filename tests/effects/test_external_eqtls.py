"""External eQTLs from file to figure, on the real people: no network is involved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.baselines.association import associate
from haploformer.effects.concordance import concordance_by_distance, sign_concordance
from haploformer.effects.top_associations import compare_sizes
from haploformer.formats.eqtl_tables import read_eqtls, read_top_associations
from haploformer.formats.fasta import FastaReference
from haploformer.genome.cis import CisDosages, locate_cis_windows
from haploformer.genome.genotypes import alt_dosages
from haploformer.genome.harmonise import harmonise
from haploformer.genome.windows import tss_distance
from tests.builders.eqtls import qtltools_rows, write_qtltools
from tests.builders.geuvadis import FASTA, read_expression, read_geuvadis

pytestmark = pytest.mark.real_data


@dataclass
class Study:
    cis: CisDosages
    genes: pd.DataFrame
    expression: dict[str, np.ndarray]
    reference: FastaReference


@pytest.fixture(scope="module")
def study(shared_data) -> Study:
    """The 58 genes with a window in the region and a variant in it."""
    genotypes = read_geuvadis(shared_data)
    genes, values = read_expression(shared_data, genotypes.individual_ids)
    windows = locate_cis_windows(genes[genes["tss"] < 21_900_000], genotypes, length=196_608)
    windows = windows[windows["n_variants"] > 0].reset_index(drop=True)
    expression = {gene_id: values[i] for i, gene_id in enumerate(genes["gene_id"])}
    reference = FastaReference(shared_data / FASTA)
    return Study(CisDosages(genotypes, windows), genes.set_index("gene_id"), expression, reference)


def test_top_associations__published_and_ours_by_size_alone(study, shared_data):
    rows = []
    for gene_id in study.cis.windows["gene_id"]:
        _, dosages = study.cis.of_gene(gene_id)
        found = associate(dosages, study.expression[gene_id])
        rows.append((gene_id, found.r[found.top]))
    ours = pd.DataFrame(rows, columns=["gene_id", "r"])
    assert len(ours) == 58
    theirs = read_top_associations(shared_data / "published_enformer/eqtl_features.csv")
    compared = compare_sizes(ours, theirs)
    assert len(compared.table) == 11
    assert compared.pearson_r == pytest.approx(0.76, abs=0.01)
    sides = compared.table.assign(gene=compared.table["gene_id"].str.partition(".")[0]).set_index("gene")
    expected = {"ENSG00000185065": (0.542, 0.543), "ENSG00000070371": (0.484, 0.480), "ENSG00000093010": (0.275, 0.274)}
    for gene, pair in expected.items():
        assert sides.loc[gene, ["ours", "theirs"]].tolist() == pytest.approx(pair, abs=6e-4)


def halves(study: Study, seed: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(study.cis.individual_ids))
    return order[: len(order) // 2], order[len(order) // 2 :]


def test_half_of_the_people__tell_the_signs_of_the_other_half(study, tmp_path):
    first, second = halves(study, 1)
    rng = np.random.default_rng(2)
    lines, plain = [], []
    for gene_id in study.cis.windows["gene_id"]:
        variants, dosages = study.cis.of_gene(gene_id)
        found = associate(dosages[first], study.expression[gene_id][first])
        top, tss = np.array([found.top]), int(study.genes.loc[gene_id, "tss"])
        lines += qtltools_rows(gene_id, tss, variants, found, top, swap=rng.random(1) < 0.5)
        plain += qtltools_rows(gene_id, tss, variants, found, top)
    variants, dosages = alt_dosages(study.cis.genotypes)
    scored = {}
    for name, written in (("swapped", lines), ("plain", plain)):
        eqtls = read_eqtls(write_qtltools(tmp_path / f"{name}.txt", written))
        assert eqtls.form == "QTLtools"
        matched = harmonise(
            eqtls.table, variants, source=name, reference=study.reference, within=["gene_id"], min_matched_share=0.9
        )
        assert matched.counts.matched_share == 1
        table = matched.table.assign(
            slope=matched.table["slope"] * matched.table["sign"],
            effect=[
                associate(dosages[second][:, [v]], study.expression[g][second]).slope[0]
                for g, v in zip(matched.table["gene_id"], matched.table["variant"], strict=True)
            ],
        )
        scored[name] = (matched.counts, table)
    counts, table = scored["swapped"]
    assert 15 < counts.n_swapped < 43
    assert scored["plain"][0].n_swapped == 0
    # What stands the other way round in the file is put right.
    assert table["slope"].tolist() == scored["plain"][1]["slope"].tolist()
    found = sign_concordance(table["effect"].to_numpy(), table["slope"].to_numpy(), rng=rng)
    assert found.n == 58
    assert found.value == pytest.approx(45 / 58)
    assert found.p_value < 0.01
    strong = table[table["pvalue"] < 1e-4]
    assert len(strong) == 7
    assert (np.sign(strong["effect"]) == np.sign(strong["slope"])).all()
    turned = sign_concordance(table["effect"].to_numpy(), (table["slope"] * table["sign"]).to_numpy(), rng=rng)
    # Unharmonised, the same file says next to nothing.
    assert abs(turned.value - 0.5) < 0.17

    distance = [
        int(tss_distance(np.array([pos]), int(study.genes.loc[g, "tss"]), "+")[0])
        for g, pos in zip(table["gene_id"], table["pos"], strict=True)
    ]
    by_distance = concordance_by_distance(
        table.assign(tss_distance=distance), edges=[0, 10_000, 100_000], rng=rng, n_draws=200
    )
    schemas.effect_concordance(by_distance)
    assert by_distance["n"].tolist()[:2] == [58, 58]
    assert by_distance["n"].tolist()[2] + by_distance["n"].tolist()[4] == 58
