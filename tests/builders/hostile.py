"""A study of a few kilobytes in every format, and what can be done to its files.

A case is a list of edits: tuples of an operation, a file and plain values, so that it can be printed, kept and tried again.
Numbers of lines, cells and bytes are taken modulo what is there.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from bed_reader import to_bed

from tests.builders.damage import END_BLOCK
from tests.builders.genome import Cohort, Record, random_cohort, vcf_text, write_fasta, write_plink2

Edit = tuple[Any, ...]

PEOPLE = [f"P{i:02}" for i in range(24)]
LENGTH = 17_000
GENES = {"G1.1": ("21", 8_500), "G2.1": ("21", 8_700), "G3.1": ("22", 8_400), "G4.1": ("22", 8_600)}

#: Files of each kind of input that are edited, as text or as bytes.
FILES = {
    "vcf": ("genotypes.vcf",),
    "vcf_gzip": ("plain.vcf.gz",),
    "vcf_bgzip": ("genotypes.vcf.gz", "genotypes.vcf.gz.tbi", "genotypes.vcf.gz.csi"),
    "bcf": ("genotypes.bcf", "genotypes.bcf.csi"),
    "plink1": ("set.fam", "set.bim", "set.bed"),
    "plink2": ("set.psam", "set.pvar", "set.pgen"),
    "plink2_zst": ("packed.pvar.zst",),
    "sequences": ("regions.bed",),
    "sequences_gz": ("regions.bed.gz",),
    "expression": ("expression.bed",),
    "expression_gz": ("expression.bed.gz",),
    "covariates": ("covariates.txt",),
    "panel": ("samples.panel",),
    "tracks": ("targets.txt",),
    "annotation": ("genes.gtf",),
    "annotation_gz": ("genes.gtf.gz",),
    "id_map": ("ids.tsv",),
    "known_answer": ("known_answer.json", "truth.tsv"),
    "fasta": ("reference.fa", "reference.fa.fai"),
    "fasta_gz": ("reference.fa.gz", "reference.fa.gz.fai", "reference.fa.gz.gzi"),
    "checksum": ("genotypes.vcf.sha256",),
    "parameters": ("conf/base/parameters.yml",),
    "globals": ("conf/base/globals.yml",),
    "catalog": ("conf/base/catalog/01_raw.yml",),
}

#: Kinds that are Kedro's to read: Kedro's own errors count as told.
CONFIGURATION = ("parameters", "globals", "catalog")

_ENTRIES = {
    "genotype_file": ("vcf.VcfDataset", "genotypes.vcf"),
    "expression_bed": ("expression_bed.ExpressionBedDataset", "expression.bed"),
    "covariate_table": ("covariate_table.CovariateTableDataset", "covariates.txt"),
    "reference_genome": ("fasta.FastaDataset", "reference.fa"),
    "sample_panel": ("sample_panel.SamplePanelDataset", "samples.panel"),
    "relatedness_table": ("relatedness_table.RelatednessTableDataset", None),
    "gene_annotation": ("gene_annotation.GeneAnnotationDataset", "genes.gtf"),
    "track_table": ("track_table.TrackTableDataset", "targets.txt"),
    "known_answer": ("known_answer.KnownAnswerDataset", None),
}
_CHANGED = {
    "vcf_gzip": ("genotype_file", "vcf.VcfDataset", "plain.vcf.gz"),
    "vcf_bgzip": ("genotype_file", "vcf.VcfDataset", "genotypes.vcf.gz"),
    "bcf": ("genotype_file", "vcf.VcfDataset", "genotypes.bcf"),
    "plink1": ("genotype_file", "plink1.PlinkDataset", "set"),
    "plink2": ("genotype_file", "plink2.Plink2Dataset", "set.pgen"),
    "plink2_zst": ("genotype_file", "plink2.Plink2Dataset", "packed.pgen"),
    "sequences": ("sequences", "sequences.SequencesDataset", "regions.bed"),
    "sequences_gz": ("sequences", "sequences.SequencesDataset", "regions.bed.gz"),
    "expression_gz": ("expression_bed", "expression_bed.ExpressionBedDataset", "expression.bed.gz"),
    "annotation_gz": ("gene_annotation", "gene_annotation.GeneAnnotationDataset", "genes.gtf.gz"),
    "known_answer": ("known_answer", "known_answer.KnownAnswerDataset", "known_answer.json"),
    "fasta_gz": ("reference_genome", "fasta.FastaDataset", "reference.fa.gz"),
}

#: Parameters beside those of the environment ``test``, which fit the study's size.
PARAMETERS = {
    "select": {},
    "data_prep": {"phase": "as_written"},
    "expression": {},
    "sequence_build": {},
    "enformer": {"preset": "tiny", "tracks": "track 1*"},
    "baselines": {"cis_window": 4000},
    "stacking": {},
    "evaluation": {"n_folds": 4, "fold_seeds": [0]},
}


def catalog_entries(kind: str, raw: Path) -> dict[str, dict[str, Any]]:
    """The catalog's raw layer for a kind of input."""
    entries = dict(_ENTRIES)
    if kind in _CHANGED:
        name, *entry = _CHANGED[kind]
        entries[name] = tuple(entry)
    made = {
        name: {"type": f"haploformer.datasets.{what}", "filepath": None if file is None else str(raw / file)}
        for name, (what, file) in entries.items()
    }
    if kind == "id_map":
        for name in ("genotype_file", "expression_bed", "covariate_table", "sample_panel"):
            made[name]["id_map"] = str(raw / "ids.tsv")
    return made


def write_study(raw: Path) -> None:
    """Write the study in every format; the same bytes each time."""
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    sequences = {name: "".join(rng.choice(list("ACGT"), LENGTH)) for name in ("21", "22")}
    write_fasta(raw / "reference.fa", sequences, bgzip=False)
    write_fasta(raw / "reference.fa.gz", sequences)
    cohort = Cohort(PEOPLE)
    for name, sequence in sequences.items():
        part = random_cohort(sequence, rng, n_samples=len(PEOPLE), spacing=900, contig=name)
        cohort.records += part.records
    _write_vcfs(raw, cohort)
    _write_plink1(raw, cohort)
    write_plink2(raw / "set", _with_a_third_allele(cohort))
    write_plink2(raw / "packed", cohort, compress=True)
    _write_tables(raw, rng)


def _write_vcfs(raw: Path, cohort: Cohort) -> None:
    text = vcf_text(cohort, {"21": LENGTH, "22": LENGTH})
    lines = text.splitlines()
    lines[2:2] = [
        '##INFO=<ID=END,Number=1,Type=Integer,Description="End">',
        '##INFO=<ID=SVLEN,Number=A,Type=Integer,Description="Length">',
        '##INFO=<ID=IMPRECISE,Number=0,Type=Flag,Description="Imprecise">',
        '##ALT=<ID=DEL,Description="Deletion">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    ]
    deletion = lines[-1].split("\t")
    pos = int(deletion[1]) + 20
    base = (raw / "reference.fa").read_text().split(">22\n")[1].replace("\n", "")[pos - 1]
    deletion[1:8] = [str(pos), "del", base, "<DEL>", ".", "PASS", f"END={pos + 30};SVLEN=-30"]
    text = "\n".join([*lines, "\t".join(deletion)]) + "\n"
    (raw / "genotypes.vcf").write_text(text)
    (raw / "plain.vcf.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    (raw / "genotypes.vcf.gz").write_bytes(bgzip(text.encode()))
    pysam.tabix_index(str(raw / "genotypes.vcf.gz"), preset="vcf", force=True)
    with (
        pysam.VariantFile(str(raw / "genotypes.vcf")) as source,
        pysam.VariantFile(str(raw / "genotypes.bcf"), "wb", header=source.header) as target,
    ):
        for record in source:
            target.write(record)
    pysam.tabix_index(str(raw / "genotypes.bcf"), preset="bcf", force=True)


def _write_plink1(raw: Path, cohort: Cohort) -> None:
    counts = np.array([[sum(map(int, call.split("|"))) for call in r.calls] for r in cohort.records], float)
    to_bed(
        raw / "set.bed",
        counts.T,
        properties={
            "fid": PEOPLE,
            "iid": PEOPLE,
            "chromosome": [r.contig for r in cohort.records],
            "bp_position": [r.pos for r in cohort.records],
            "sid": [f"v{i}" for i in range(len(cohort.records))],
            "allele_1": [r.alt for r in cohort.records],
            "allele_2": [r.ref for r in cohort.records],
        },
    )


def _with_a_third_allele(cohort: Cohort) -> Cohort:
    first, *others = cohort.records
    extra = next(base for base in "ACGT" if base not in {first.ref[0], first.alt[0]})
    calls = ["1|2", *first.calls[1:]]
    return Cohort(cohort.samples, [Record(first.pos, first.ref, f"{first.alt},{extra}", calls, first.contig), *others])


def _write_tables(raw: Path, rng: np.random.Generator) -> None:
    def table(name: str, rows: list[list[Any]]) -> bytes:
        text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
        (raw / name).write_text(text)
        return text.encode()

    values = rng.normal(size=(len(GENES), len(PEOPLE))).round(3).tolist()
    genes = [[f"chr{c}", tss, tss + 1, gene, *v] for (gene, (c, tss)), v in zip(GENES.items(), values, strict=True)]
    content = table("expression.bed", [["#chr", "start", "end", "gene_id", *PEOPLE], *genes])
    (raw / "expression.bed.gz").write_bytes(gzip.compress(content, mtime=0))
    table("covariates.txt", [["id", *PEOPLE], ["PC1", *rng.normal(size=len(PEOPLE)).round(3).tolist()]])
    table("samples.panel", [["sample", "pop", "super_pop", "gender"], *([p, "A", "B", "male"] for p in PEOPLE)])
    table("targets.txt", [["index", "identifier", "description"], *([i, f"T{i}", f"track {i}"] for i in range(12))])
    table("ids.tsv", [["id", "individual_id"], ["P00", "someone"], ["P01", "P01"], ["elsewhere", "P05"]])
    attributes = (f'gene_id "{gene}"; gene_name "N{gene}"; gene_type "x";' for gene in GENES)
    lines = [
        [c, "s", "gene", tss, tss + 90, ".", "+", ".", a]
        for (c, tss), a in zip(GENES.values(), attributes, strict=True)
    ]
    content = table("genes.gtf", lines)
    (raw / "genes.gtf.gz").write_bytes(bgzip(content))
    content = table("regions.bed", [["21", 100 * i, 100 * i + 16_384, f"region {i}"] for i in range(4)])
    (raw / "regions.bed.gz").write_bytes(gzip.compress(content, mtime=0))
    truth = [[gene, person, 0.5] for gene in GENES for person in PEOPLE]
    table("truth.tsv", [["gene_id", "individual_id", "enformer"], *truth])
    expected = {"truth": "truth.tsv", "mean_pearson_r": {"enformer": [-1, 1]}, "enformer_tolerance": 0.1}
    (raw / "known_answer.json").write_text(json.dumps(expected, indent=1) + "\n")


def bgzip(content: bytes) -> bytes:
    """The content as BGZF, whole."""
    blocks = []
    for start in range(0, len(content), 4096):
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream:
            stream.write(content[start : start + 4096])
        body = buffer.getvalue()[10:]
        size = 18 + len(body) - 1
        blocks.append(b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + size.to_bytes(2, "little") + body)
    return b"".join(blocks) + END_BLOCK


def apply_edits(folder: Path, edits: Sequence[Edit]) -> None:
    """Change files of a study, one edit after the other."""
    for operation, name, *values in edits:
        path = folder / name
        if operation in _TEXT:
            _edit_text(path, lambda text, o=operation, v=values: _TEXT[o](text, *v))
        elif operation in _BYTES:
            inner, *values = values
            _edit_bytes(path, lambda content, o=operation, v=values: _BYTES[o](content, *v), inner=inner)
        else:
            _FILE[operation](path, *values)


def _edit_text(path: Path, change: Callable[[str], str]) -> None:
    def edit(content: bytes) -> bytes:
        return change(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    _edit_bytes(path, edit, inner=True)


def _edit_bytes(path: Path, change: Callable[[bytes], bytes], *, inner: bool) -> None:
    """Change a file's bytes, or with ``inner`` what is compressed in it; one that is no file any more stays."""
    if not path.is_file() or path.is_symlink():
        return
    content = path.read_bytes()
    if inner and content[:3] == b"\x1f\x8b\x08":
        pack = bgzip if content[3:4] == b"\x04" else lambda data: gzip.compress(data, mtime=0)
        try:
            content = pack(change(gzip.decompress(content)))
        except (OSError, EOFError, ValueError, zlib.error):
            return
    else:
        content = change(content)
    path.write_bytes(content)


def _lines(change: Callable[..., None]) -> Callable[..., str]:
    """An edit of the list of lines."""

    def edit(text: str, *values: Any) -> str:
        end = "\n" if text.endswith("\n") else ""
        lines = text.removesuffix("\n").split("\n")
        change(lines, *values)
        return "\n".join(lines) + end

    return edit


def _cells(change: Callable[..., None]) -> Callable[..., str]:
    """An edit of the cells of one line, which lie between tabs, or between spaces where there is no tab."""

    def edit(lines: list[str], line: int, *values: Any) -> None:
        separator = "\t" if "\t" in lines[line % len(lines)] else " "
        cells = lines[line % len(lines)].split(separator)
        change(cells, *values)
        lines[line % len(lines)] = separator.join(cells)

    return _lines(edit)


def _set(cells: list[str], column: int, value: str) -> None:
    cells[column % len(cells)] = value


def _swap(items: list[str], first: int, second: int) -> None:
    i, j = first % len(items), second % len(items)
    items[i], items[j] = items[j], items[i]


def _double(items: list[str], at: int) -> None:
    items.insert(at % len(items), items[at % len(items)])


def _cut(items: list[str], at: int) -> None:
    if len(items) > 1:
        items.pop(at % len(items))


def _insert(items: list[str], at: int, value: str) -> None:
    items.insert(at % (len(items) + 1), value)


def _set_column(lines: list[str], column: int, value: str) -> None:
    for i, line in enumerate(lines):
        cells = line.split("\t")
        if len(cells) > 3:
            _set(cells, column, value)
            lines[i] = "\t".join(cells)


def _cut_column(lines: list[str], column: int) -> None:
    for i, line in enumerate(lines):
        cells = line.split("\t")
        _cut(cells, column)
        lines[i] = "\t".join(cells)


def _set_value(lines: list[str], at: int, value: str) -> None:
    """Of the lines of a YAML with a key, the value of one."""
    keyed = [i for i, line in enumerate(lines) if ":" in line and not line.lstrip().startswith("#")]
    if keyed:
        i = keyed[at % len(keyed)]
        lines[i] = f"{lines[i].split(':')[0]}: {value}"


def _indent(lines: list[str], at: int, n: int) -> None:
    lines[at % len(lines)] = " " * n + lines[at % len(lines)].lstrip()


_TEXT: dict[str, Callable[..., str]] = {
    "cell": _cells(_set),
    "swap cells": _cells(_swap),
    "double cell": _cells(_double),
    "cut cell": _cells(_cut),
    "insert cell": _cells(_insert),
    "swap lines": _lines(_swap),
    "double line": _lines(_double),
    "cut line": _lines(_cut),
    "insert line": _lines(_insert),
    "column": _lines(_set_column),
    "cut column": _lines(_cut_column),
    "value": _lines(_set_value),
    "indent": _lines(_indent),
    "replace": lambda text, old, new: text.replace(old, new),
    "long cell": lambda text, line, column, value, n: _TEXT["cell"](text, line, column, value * n),
    "cut text": lambda text, permille: text[: len(text) * permille // 1000],
    "line ends": lambda text, end: text.replace("\n", end),
    "encode": lambda text, codec: text.encode(codec, "replace").decode("utf-8", "surrogateescape"),
    "append": lambda text, more: text + more,
    "put before": lambda text, more: more + text,
}


def _at(content: bytes, place: int) -> int:
    """A byte near the start where the number is small, and anywhere where it is large."""
    return place % max(len(content), 1)


def _flip(content: bytes, place: int, bit: int) -> bytes:
    i = _at(content, place)
    return content[:i] + bytes(b ^ (1 << bit) for b in content[i : i + 1]) + content[i + 1 :]


_BYTES: dict[str, Callable[..., bytes]] = {
    "flip": _flip,
    "overwrite": lambda content, place, new: (
        content[: _at(content, place)] + new + content[_at(content, place) + len(new) :]
    ),
    "put in": lambda content, place, new: content[: _at(content, place)] + new + content[_at(content, place) :],
    "take out": lambda content, place, n: content[: _at(content, place)] + content[_at(content, place) + n :],
    "cut bytes": lambda content, place: content[: _at(content, place)],
    "keep end": lambda content, place: content[_at(content, place) :],
    "add": lambda content, new: content + new,
    "twice": lambda content: content + content,
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "bgzip": bgzip,
}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _directory(path: Path) -> None:
    _remove(path)
    path.mkdir()


def _loop(path: Path) -> None:
    _remove(path)
    path.symlink_to(path.name)


def _pipe(path: Path) -> None:
    _remove(path)
    os.mkfifo(path)


def _link(path: Path, target: str) -> None:
    _remove(path)
    path.symlink_to(target)


def _write(path: Path, content: bytes) -> None:
    if not path.is_dir():
        _remove(path)
        path.write_bytes(content)


def _index(path: Path, csi: bool) -> None:
    """Index the file anew, where it can be."""
    for suffix in (".tbi", ".csi"):
        _remove(Path(f"{path}{suffix}"))
    if path.is_file():
        try:
            pysam.tabix_index(str(path), preset="bcf" if path.suffix == ".bcf" else "vcf", force=True, csi=csi)
        except (OSError, ValueError):
            return


def _copy(path: Path, source: str) -> None:
    other = path.parent / source
    if other.is_file() and not other.is_symlink():
        _write(path, other.read_bytes())


_FILE: dict[str, Callable[..., None]] = {
    "remove": _remove,
    "directory": _directory,
    "loop": _loop,
    "pipe": _pipe,
    "link": _link,
    "write": _write,
    "index": _index,
    "copy": _copy,
    # For tests of what watches over a case.
    "die": lambda path: os._exit(3),
    "sleep": lambda path, seconds: time.sleep(seconds),
    "unreadable": lambda path: path.chmod(0) if path.is_file() else None,
}
