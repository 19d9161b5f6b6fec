"""Steps of ``data_prep`` on odd inputs: each told, none averaged in."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from haploformer import schemas
from haploformer.errors import InputError
from haploformer.formats.expression_bed import ExpressionBed
from haploformer.formats.genotype_store import StoredGenotypes
from haploformer.formats.phasing import PhasedGenotypes
from haploformer.formats.plink1 import PlinkFile
from haploformer.formats.plink2 import Plink2File
from haploformer.formats.vcf import VcfFile
from haploformer.genome.genes import count_genes
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.reference import NoReference
from haploformer.parameters import BaselinesParameters, DataPrepParameters, EnformerParameters, EvaluationParameters
from haploformer.pipelines.data_prep import nodes
from tests.builders.dosages import simulate_dosages
from tests.builders.families import simulate_families

PEOPLE = [f"P{i:02d}" for i in range(24)]
NOBODY = pd.DataFrame({"individual_id_1": [], "individual_id_2": [], "kinship": []})


def bed_of(values: np.ndarray) -> ExpressionBed:
    genes = pd.DataFrame({"gene_id": [f"G{i}" for i in range(len(values))], "contig": "1", "tss": range(len(values))})
    return ExpressionBed("e.bed", genes, PEOPLE, values)


def people_of(population: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"individual_id": PEOPLE, "population": population})


def test_prepare_expression__a_constant_gene_is_left_out_and_counted(caplog) -> None:
    values = np.random.default_rng(1).normal(size=(4, 24))
    values[2] = 0.1 + 0.2
    values[3, :20] = 5.0  # the same in those of the study
    values[3, 20:] = 6.0
    bed, individuals = bed_of(values), people_of([None] * 24).iloc[:20]
    with caplog.at_level(logging.WARNING):
        table = nodes.prepare_expression(bed, bed.genes, individuals)
    assert table["gene_id"].unique().tolist() == ["G0", "G1"]
    assert np.isfinite(table["expression"]).all()
    assert "2 of 4 genes are left out: their expression is the same in everybody (first: G2)" in caplog.text
    counts = count_genes(
        bed.genes, bed.genes, pd.DataFrame({"gene_id": ["G0"]}), source="e.bed", contigs={"1"}, constant=["G2", "G3"]
    )
    assert {key[3:]: n for key, n in counts.items()} == {
        ("kept", "used"): 1,
        ("kept", "used, not in the annotation"): 1,
        ("dropped", "expression is the same in everybody"): 2,
    }


def test_prepare_expression__nothing_but_constant_genes_is_refused() -> None:
    bed = bed_of(np.ones((3, 24)))
    with pytest.raises(InputError, match=r"e\.bed: expression is the same in all 24 individuals, in each of 3 genes"):
        nodes.prepare_expression(bed, bed.genes, people_of([None] * 24))


def stored(dosages: np.ndarray) -> StoredGenotypes:
    """Called alleles with these counts of ALT, (n_variants, n_individuals)."""
    alleles = np.stack([dosages > 0, dosages > 1], axis=-1).astype(np.int8)
    n = len(dosages)
    records = pd.DataFrame({"contig": "1", "pos": range(1, n + 1), "variant_id": "v", "ref": "A", "alt": "C"})
    return StoredGenotypes(Genotypes(records, PEOPLE, alleles), pd.DataFrame(), np.zeros(24, np.int64))


def test_group_people__a_duplicate_and_a_child_are_never_on_both_sides() -> None:
    dosages = simulate_dosages(np.random.default_rng(2), 24, 5_000, linkage=0.5)
    dosages[5] = dosages[17]
    relatives = pd.DataFrame({"individual_id_1": ["P02"], "individual_id_2": ["P09"], "kinship": [0.25]})
    options = EvaluationParameters(n_folds=4, fold_seeds=tuple(range(30)))
    people = people_of(["A"] * 12 + ["B"] * 12)
    groups = nodes.group_people(people, stored(dosages.T), relatives, options)
    wide = nodes.assign_person_folds(people, groups, options).pivot(
        index="fold_seed", columns="individual_id", values="fold"
    )
    assert (wide["P05"] == wide["P17"]).all()
    assert (wide["P02"] == wide["P09"]).all()
    assert (wide["P05"] != wide["P09"]).any()
    assert (wide["P00"] != wide["P01"]).any()


def test_group_people__families_by_their_genotypes_are_never_on_both_sides() -> None:
    families = simulate_families(n_founders=20)
    ids = list(families.genotypes.individual_ids)
    people = pd.DataFrame({"individual_id": ids, "population": families.populations})
    calls = StoredGenotypes(families.genotypes, pd.DataFrame(), np.zeros(len(ids), np.int64))
    options = EvaluationParameters(n_folds=4, fold_seeds=(0, 1, 2))
    groups = schemas.person_groups.validate(nodes.group_people(people, calls, NOBODY, options))
    assert groups["tested"].iloc[0].startswith("duplicates, kinship (1")
    assert groups["tested"].iloc[0].endswith(" SNPs on 3 chromosomes)")
    of_person = groups.set_index("individual_id")
    related = {ids[place] for pair in families.kinship for place in pair}
    assert set(of_person.index[of_person["reason"].str.contains("kinship")]) == related
    assert of_person.loc[ids[-1], "reason"] == "duplicates, kinship"
    child, mother = ids[20], ids[0]
    assert re.search(rf"{child} 0\.2[0-9]{{3}}", of_person.loc[mother, "relatives"])
    assert of_person.loc[ids[5], "relatives"] is None or pd.isna(of_person.loc[ids[5], "relatives"])
    folds = nodes.assign_person_folds(people, groups, options).pivot(
        index="fold_seed", columns="individual_id", values="fold"
    )
    for one, other in families.kinship:
        assert (folds[ids[one]] == folds[ids[other]]).all()
    untested = nodes.group_people(people, calls, NOBODY, options.model_copy(update={"min_estimated_kinship": None}))
    assert set(untested["tested"]) == {"duplicates"}
    assert untested["relatives"].isna().all()


def test_group_people__too_few_variants_are_told(caplog) -> None:
    dosages = simulate_dosages(np.random.default_rng(2), 24, 90)
    with caplog.at_level(logging.WARNING):
        groups = nodes.group_people(people_of([None] * 24), stored(dosages.T), NOBODY, EvaluationParameters())
    assert set(groups["tested"]) == {"nothing"}
    assert "duplicates were not looked for: 85 common variants, 500 are needed" in caplog.text


def test_assign_person_folds__fewer_people_than_folds() -> None:
    people = people_of([None] * 24)
    groups = nodes.group_people(people, stored(np.zeros((3, 24))), NOBODY, EvaluationParameters())
    with pytest.raises(InputError, match="24 individuals for 30 folds; the r of a fold needs 4 people"):
        nodes.assign_person_folds(people, groups, EvaluationParameters(n_folds=30))


@pytest.mark.parametrize("phased", [False, True])
@pytest.mark.parametrize(("kind", "named"), [(VcfFile, True), (Plink2File, True), (PlinkFile, False)])
def test_read_genotypes__a_file_that_names_no_ref_is_told(kind, named, phased, monkeypatch) -> None:
    monkeypatch.setattr(kind, "sha256", "0" * 64)
    monkeypatch.setattr(kind, "read", lambda *args, **options: iter(()))
    file = kind(Path("g"))
    genes = pd.DataFrame({"gene_id": ["G"], "contig": ["1"], "tss": [500_000]})
    stream = nodes.read_genotypes(
        PhasedGenotypes(file, {}, {"seed": 1}) if phased else file,
        NoReference(),
        genes,
        pd.DataFrame({"individual_id": PEOPLE, "sample_id": PEOPLE}),
        DataPrepParameters(),
        EnformerParameters(),
        BaselinesParameters(),
    )
    assert stream.provenance.get("ref_named", True) == named
