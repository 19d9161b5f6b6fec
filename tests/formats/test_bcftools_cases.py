"""The consensus cases of bcftools' own test suite: one haplotype of a sample, or every ALT, from VCF and from BCF."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pysam.bcftools
import pytest

from haploformer.errors import InputError
from haploformer.formats.vcf import VcfFile
from haploformer.genome.contigs import canonical_contig
from haploformer.genome.encoding import decode
from haploformer.genome.genotypes import Genotypes
from haploformer.genome.haplotypes import collect_gene_haplotypes
from haploformer.genome.intervals import Interval, whole_contig
from tests.builders.genome import MemoryReference
from tests.conftest import SHARED

FOLDER = SHARED / "corpora" / "bcftools_consensus"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="bcftools' cases are not here: shared/corpora beside the project"),
]


@dataclass(frozen=True)
class Case:
    """A row of the table of cases."""

    number: int
    line: str
    tier: str
    vcf: str
    fasta: str
    arguments: str
    expected: str

    @property
    def as_letters(self) -> bool:
        """Whether no sample is named: bcftools then writes the two alleles of a call as one letter."""
        return self.tier == "B" and "-s" not in self.arguments

    def __str__(self) -> str:
        return f"{self.line}-{self.vcf}-{self.arguments.replace(' ', '')}"


def table_of_cases() -> list[Case]:
    if not FOLDER.is_dir():
        return []
    with (FOLDER / "cases.tsv").open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return [
        Case(i, row["test_pl_line"], row["tier"][0], row["vcf"], row["fasta"], row["args"], row["expected"])
        for i, row in enumerate(rows)
        if row["tier"][0] in "AB"
    ]


CASES = table_of_cases()


def read_fragments(path: Path) -> list[tuple[str, str, int, str]]:
    """Header, contig, 0-based start and bases of each sequence; ``>22:11-19`` begins at 10."""
    fragments = []
    for part in path.read_text().split(">")[1:]:
        header, _, bases = part.partition("\n")
        place = re.fullmatch(r"(.+):(\d+)-(\d+)", header.strip())
        contig, start = (place[1], int(place[2]) - 1) if place else (header.strip(), 0)
        fragments.append((header.strip(), contig, start, re.sub(r"\s", "", bases).upper()))
    return fragments


def write_case(case: Case, folder: Path, fragments: list) -> tuple[Path, list[list[str]]]:
    """The case's VCF, every contig in its header and one sample; and its records.

    A record that is to be applied whatever a sample's call says is called 1|1, one that a sample carries on either copy
    by the allele that it carries.
    """
    lines = (FOLDER / "test" / f"{case.vcf}.vcf").read_text().splitlines()
    header = [line for line in lines if line.startswith("##") and not line.startswith("##contig")]
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    names = next(line for line in lines if line.startswith("#CHROM")).split("\t")[9:] or ["none"]
    wanted = re.search(r"-s (\w+)", case.arguments)
    column = names.index(wanted[1]) if wanted else len(names) - 1
    copy = re.search(r"-H (\d)", case.arguments)
    records = []
    for row in rows:
        call = row[9 + column].split(":")[0] if len(row) > 9 else "."
        if case.tier == "B" and not case.as_letters:
            call = "1|1" if row[4] != "." else "0|0"
        elif not copy and not case.as_letters:
            called = max(re.findall(r"\d+", call) or ["0"], key=int)
            call = f"{called}|{called}"
        records.append([*row[:8], "GT", call])
    # Variants behind a fragment are not its own; whether those that begin before it are is an option.
    before = 0 if "--regions-overlap 0" in case.arguments else 1_000
    places = [(contig, start - before, start + len(bases)) for _, contig, start, bases in fragments]
    records = [r for r in records if any(r[0] == c and start < int(r[1]) <= end for c, start, end in places)]
    contigs = dict.fromkeys([*(contig for _, contig, *_ in fragments), *(r[0] for r in records)])
    if not any("ID=GT," in line for line in header):
        header.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    header += [f"##contig=<ID={name}>" for name in contigs]
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", "ONE"]
    path = folder / "case.vcf.gz"
    with pysam.BGZFile(str(path), "wb") as stream:
        stream.write("".join("\t".join([*r]) + "\n" for r in [*([h] for h in header), columns, *records]).encode())
    return path, records


def references(fragments: list, records: list[list[str]]) -> tuple[MemoryReference, MemoryReference]:
    """The fragments, N elsewhere; and the same with any base elsewhere, REF where there are records, which are compared."""
    found = []
    for of_records in (False, True):
        sequences: dict[str, list[str]] = {}
        for row in records:
            end = int(row[1]) - 1 + len(row[3])
            held = sequences.setdefault(row[0], [])
            held += ("A" if of_records else "N") * (end - len(held))
            if of_records:
                held[int(row[1]) - 1 : end] = row[3].upper()
        for _, contig, start, bases in fragments:
            held = sequences.setdefault(contig, [])
            held += "N" * (start + len(bases) - len(held))
            held[start : start + len(bases)] = bases
        found.append(MemoryReference({canonical_contig(name): "".join(held) for name, held in sequences.items()}))
    return found[0], found[1]


def consensus(case: Case, path: Path, records: list[list[str]], fragments: list) -> dict[str, str]:
    """Each fragment with the haplotype's variants, by its header."""
    bare, full = references(fragments, records)
    carrying = [whole_contig(canonical_contig(contig)) for contig in dict.fromkeys(r[0] for r in records)]
    batches = list(VcfFile(path).read(carrying, ["ONE"], full, filters=("*",)))
    parts = [batch.genotypes for batch in batches if len(batch.genotypes)]
    columns = ["contig", "pos", "variant_id", "ref", "alt"]
    genotypes = Genotypes(
        pd.concat([part.records for part in parts]) if parts else pd.DataFrame(columns=columns).astype({"pos": int}),
        ["ONE"],
        np.concatenate([np.asarray(p.alleles[:]) for p in parts]) if parts else np.zeros((0, 1, 2), np.int8),
    )
    copy = re.search(r"-H (\d)", case.arguments)
    made = {}
    for header, contig, start, bases in fragments:
        # From the fragment's first base on, as far as anything that is put in can reach.
        window = Interval(canonical_contig(contig), start, start + len(bases) + 200)
        found = collect_gene_haplotypes(genotypes, bare, window, start, max_missing=1.0, mean=case.as_letters)
        made[header] = decode(found.codes([found.window[0, int(copy[1]) - 1 if copy else 0]])[0]).strip("N")
    return made


@pytest.mark.parametrize("case", CASES, ids=str)
def test_consensus__equals_what_bcftools_expects(tmp_path, case):
    fragments = read_fragments(FOLDER / "test" / case.fasta)
    vcf, records = write_case(case, tmp_path, fragments)
    bcf = tmp_path / "case.bcf"
    pysam.bcftools.view("-Ob", "-o", str(bcf), str(vcf), catch_stdout=False)
    expected = {header: bases for header, _, _, bases in read_fragments(FOLDER / "test" / case.expected)}
    for path in (vcf, bcf):
        if case.vcf == "consensus7":
            with pytest.raises(InputError, match=r"1:2: the call of sample ONE has 4 alleles"):
                consensus(case, path, records, fragments)
            continue
        assert consensus(case, path, records, fragments) == expected


def test_cases__are_all_there():
    assert [sum(case.tier == tier for case in CASES) for tier in "AB"] == [18, 13]
