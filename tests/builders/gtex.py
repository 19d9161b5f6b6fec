"""A made-up folder with the file names and shapes of the original study: GTEx v8 whole blood, chromosome 22."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from bed_reader import to_bed

from tests.builders.genome import random_sequence, write_fasta

LENGTH, N_PEOPLE = 130_000, 60
TSS = {
    "ENSG00000100001.11": 20_000,
    "ENSG00000100002.4": 48_000,
    "ENSG00000100003.15": 76_000,
    "ENSG00000100004.1": 110_000,
}
NAMES = ["GENEA", "GENEB", "GENEC", "GENED"]
PREFIX = "GTEx_v8_genotype_EUR_HM3_exclude_dups.allchr.reorder"


def write_gtex(folder: Path, *, optional: bool, seed: int = 0) -> list[str]:
    """Write the files, the optional ones if asked for; the ids of the people in the order of the .fam."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    sequence = random_sequence(LENGTH, rng)
    write_fasta(folder / "38.fa", {"22": sequence}, bgzip=False)
    people = [f"GTEX-{i:04d}" for i in range(N_PEOPLE)]
    dosages = _write_plink(folder / f"{PREFIX}.bed", sequence, people, rng)
    expression = rng.normal(size=(len(TSS), N_PEOPLE)) + 0.8 * dosages[:, :: dosages.shape[1] // 4][:, :4].T
    expression = (expression - expression.mean(1, keepdims=True)) / expression.std(1, keepdims=True)
    order = rng.permutation(N_PEOPLE)
    columns = [people[i] for i in order]
    bed = pd.DataFrame(expression[:, order].round(6), columns=columns)
    bed.insert(0, "gene_id", list(TSS))
    bed.insert(0, "end", [tss + 1 for tss in TSS.values()])
    bed.insert(0, "start", list(TSS.values()))
    bed.insert(0, "#chr", "chr22")
    bed.to_csv(folder / "Whole_Blood.v8.normalized_expression.bed", sep="\t", index=False)
    if optional:
        covariates = pd.DataFrame(rng.normal(size=(3, N_PEOPLE)).round(5), columns=columns)
        covariates.insert(0, "ID", ["PC1", "PC2", "sex"])
        covariates.to_csv(folder / "Whole_Blood.v8.covariates.txt", sep="\t", index=False)
        lines = [
            f'chr22\tHAVANA\tgene\t{tss + 1}\t{tss + 900}\t.\t+\t.\tgene_id "{gene.split(".")[0]}.99"; gene_name "{name}";'
            for (gene, tss), name in zip(TSS.items(), NAMES, strict=True)
        ]
        (folder / "gencode.v26.GRCh38.genes.gtf").write_text("\n".join(lines) + "\n")
    return people


def _write_plink(path: Path, sequence: str, people: list[str], rng: np.random.Generator) -> np.ndarray:
    """Unphased calls of 300 SNPs (n_people, n_snps); A2 is the major allele, which need not be the reference's."""
    pos = np.sort(rng.choice(np.arange(500, LENGTH - 500), 300, replace=False))
    counts = rng.binomial(2, rng.uniform(0.1, 0.5, 300), (len(people), 300)).astype(np.float32)
    ref = [sequence[p] for p in pos]
    alt = [str(rng.choice([base for base in "ACGT" if base != r])) for r in ref]
    swapped = rng.random(300) < 0.3
    properties = {
        "fid": ["0"] * len(people),
        "iid": people,
        "father": ["0"] * len(people),
        "mother": ["0"] * len(people),
        "sex": [0] * len(people),
        "pheno": ["-9"] * len(people),
        "chromosome": ["22"] * 300,
        "sid": [f"rs{p}" for p in pos],
        "cm_position": [0] * 300,
        "bp_position": (pos + 1).tolist(),
        "allele_1": [r if s else a for r, a, s in zip(ref, alt, swapped, strict=True)],
        "allele_2": [a if s else r for r, a, s in zip(ref, alt, swapped, strict=True)],
    }
    to_bed(path, counts, properties=properties, count_A1=True, num_threads=1)
    return counts
