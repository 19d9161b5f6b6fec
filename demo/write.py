"""The files of the demo, each in the format that it has in real studies."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
from bed_reader import to_bed
from numpy.typing import NDArray

from demo.contigs import OFFSETS, locate
from demo.genes import Gene
from demo.settings import CONTIGS
from demo.variants import Variants

LINE = 60
SEX_CODE = {"male": 1, "female": 2}


def ucsc(contig: str) -> str:
    """GTEx and GENCODE name a contig so, whatever the VCF says."""
    return f"chr{contig}"


def write_fasta(path: Path, reference: NDArray[np.uint8]) -> None:
    """The contigs, BGZF-compressed, with ``.fai`` and ``.gzi``."""
    records = []
    for contig, offset in OFFSETS.items():
        text = reference[offset : offset + CONTIGS[contig]].tobytes().decode()
        lines = "\n".join(text[i : i + LINE] for i in range(0, len(text), LINE))
        records.append(f">{contig}\n{lines}\n")
    _bgzip(path, "".join(records))
    pysam.faidx(str(path))


def write_vcf(path: Path, variants: Variants, individuals: Sequence[str]) -> None:
    """Phased genotypes with ``.tbi``. ``variants.haplotypes`` has the people of ``individuals``."""
    header = [
        "##fileformat=VCFv4.2",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        "##source=haploformer demo (simulated people)",
        *(f"##contig=<ID={contig},length={length}>" for contig, length in CONTIGS.items()),
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Phased genotype">',
        "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *individuals]),
    ]
    phased = np.array([["0|0", "0|1"], ["1|0", "1|1"]])
    calls = phased[variants.haplotypes[..., 0], variants.haplotypes[..., 1]]  # (n, n_people)
    records = [
        "\t".join([place.contig, str(place.position + 1), name, ref, alt, ".", "PASS", ".", "GT", *row])
        for place, name, ref, alt, row in zip(
            variants.places, variants.ids, variants.ref, variants.alt, calls, strict=True
        )
    ]
    _bgzip(path, "\n".join(header + records) + "\n")
    pysam.tabix_index(str(path), preset="vcf", force=True)


def write_plink(path: Path, variants: Variants, people: pd.DataFrame) -> None:
    """``.bed``, ``.bim`` and ``.fam`` of the same genotypes: A1 is ALT, A2 is REF, no phase."""
    n, places = len(variants), variants.places
    properties = {
        "fid": people["individual_id"].to_list(),
        "iid": people["individual_id"].to_list(),
        "father": ["0"] * len(people),
        "mother": ["0"] * len(people),
        "sex": people["sex"].map(SEX_CODE).to_list(),
        "pheno": ["-9"] * len(people),
        "chromosome": [place.contig for place in places],
        "sid": variants.ids,
        "cm_position": [0] * n,
        "bp_position": [place.position + 1 for place in places],
        "allele_1": variants.alt,
        "allele_2": variants.ref,
    }
    to_bed(path, variants.dosages.T, properties=properties, count_A1=True, num_threads=1)


def write_expression(path: Path, expression: pd.DataFrame, genes: Sequence[Gene]) -> None:
    """GTEx's normalised expression with ``.tbi``: one row a gene, one column a person in the order given."""
    places = [(locate(gene.tss), gene.gene_id) for gene in genes]
    positions = [(ucsc(place.contig), place.position, place.position + 1, gene_id) for place, gene_id in places]
    table = pd.DataFrame(positions, columns=["#chr", "start", "end", "gene_id"])
    table = table.join(expression, on="gene_id")
    _bgzip(path, _tabbed(table, float_format="%.6f"))
    pysam.tabix_index(str(path), preset="bed", force=True)


def write_covariates(path: Path, covariates: pd.DataFrame) -> None:
    """GTEx's covariates: one row a covariate, one column a person in the order given."""
    text = covariates.map(lambda value: f"{value:.8g}")  # sex and batch without a decimal point
    _gzip(path, _tabbed(text.rename_axis("ID").reset_index()))


def write_panel(path: Path, people: pd.DataFrame) -> None:
    """The panel of the 1000 Genomes Project; population and super-population are the same here."""
    columns = {"individual_id": "sample", "population": "pop", "super_pop": "super_pop", "sex": "gender"}
    panel = people.assign(super_pop=people["population"]).rename(columns=columns)
    path.write_text(_tabbed(panel[list(columns.values())]))


def write_gtf(path: Path, genes: Sequence[Gene]) -> None:
    """GENCODE's gene lines, 1-based and closed."""
    lines = ["##description: simulated genes of the haploformer demo", "##format: gtf"]
    for gene in genes:
        attributes = (
            f'gene_id "{gene.gene_id}"; gene_type "protein_coding"; gene_name "{gene.name}"; level 3; tag "demo";'
        )
        contig, start = locate(gene.start)
        end = start + gene.end - gene.start
        fields = (ucsc(contig), "DEMO", "gene", start + 1, end, ".", gene.strand, ".", attributes)
        lines.append("\t".join(map(str, fields)))
    _gzip(path, "\n".join(lines) + "\n")


def write_tracks(path: Path, tracks: pd.DataFrame) -> None:
    """Enformer's table of targets."""
    path.write_text(_tabbed(tracks))


def write_truth(path: Path, truth: pd.DataFrame) -> None:
    """Coverage with 8 significant digits, components with 6 decimals, as ``round_truth`` left them."""
    _gzip(path, _tabbed(truth))


def write_causal_variants(path: Path, variants: pd.DataFrame) -> None:
    """The variants of the additive component."""
    path.write_text(_tabbed(variants))


def round_truth(truth: pd.DataFrame) -> pd.DataFrame:
    """The numbers as they are written, so that what is computed from them is computed from the file."""
    rounded = {name: [float(f"{x:.8g}") for x in truth[name]] for name in ("enformer", "enformer_reference")}
    decimals = {name: truth[name].round(6) for name in ("additive", "covariate")}
    return truth.assign(**rounded, **decimals)


def _tabbed(table: pd.DataFrame, float_format: str | None = None) -> str:
    return table.to_csv(sep="\t", index=False, lineterminator="\n", float_format=float_format)


def _bgzip(path: Path, text: str) -> None:
    plain = path.with_suffix(".plain")
    plain.write_text(text)
    pysam.tabix_compress(str(plain), str(path), force=True)
    plain.unlink()


def _gzip(path: Path, text: str) -> None:
    # No name and no time in the header: the same content gives the same bytes.
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
