"""One input of a finished run is changed at a time: predicted again is exactly what depends on it.

    python -m tests.changed_inputs

In a copy of the project the demo is run, then each of nine inputs is changed, and changed back: genotypes, reference, gene
list, windows, weights, precision, code version, filters, phase policy. Which windows must be predicted is worked out apart
from the project: every person's sequences are spliced together from the text of the files, and what was not there before
is new. Compared are the sequences that the network is given, the numbers in the status file, and the stored rows that
stay. What ends the process: 0 if all is as it should be, 1 otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pysam
import torch

from tests.builders.damage import edit_text
from tests.builders.genome import Cohort, Record, read_cohort, write_fasta, write_vcf
from tests.conftest import copy_project

#: Half of the window of preset ``tiny``, and how far beyond it a window's bases may come from.
HALF, MARGIN = 8_192, 400

#: Records further from every TSS are left out: neither windows nor baselines look there.
NEAR = 40_000

PAIR_OF = {"AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K"}
OTHER_STRAND = str.maketrans("ACGTNMRWSYK", "TGCANKYWSRM")


@dataclass(frozen=True)
class Gene:
    """A line of the expression table: a gene and its TSS (0-based)."""

    gene_id: str
    contig: str
    tss: int
    strand: str


@dataclass(frozen=True)
class Study:
    """All that a run depends on.

    Attributes
    ----------
    cohort : Cohort
    sequences : dict
        Bases of each contig, as in the FASTA.
    genes : tuple of Gene
    filters, phase, strand
        Parameters of these names.
    model : dict
        Parameters of group ``enformer``.
    network : str
        What predictions depend on beside their windows: weights, precision, code version, in words.
    version : str, optional
        The project's, if another one than it has.
    """

    cohort: Cohort
    sequences: dict[str, str]
    genes: tuple[Gene, ...]
    filters: tuple[str, ...] = ()
    phase: str | None = None
    strand: str = "forward"
    model: dict[str, Any] = field(default_factory=dict)
    network: str = "seed 0"
    version: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What the command line would say."""
        prep = {"filters": list(self.filters)} | ({"phase": self.phase} if self.phase else {})
        return {"data_prep": prep, "sequence_build": {"strand": self.strand}, "enformer": self.model}


# What a study's windows are, told from the text of its files ---------------------------------------------------------


def expected_windows(study: Study, people: Sequence[str]) -> set[str]:
    """Every distinct sequence that the network may be asked for: each gene's reference, and each copy of each person."""
    columns = [study.cohort.samples.index(person) for person in people]
    return {text for gene in study.genes for text in windows_of(study, gene, columns)}


def windows_of(study: Study, gene: Gene, columns: Sequence[int]) -> set[str]:
    """The distinct windows of one gene."""
    low, high = gene.tss - HALF - MARGIN, gene.tss + HALF + MARGIN
    near = [
        r
        for r in study.cohort.records
        if r.contig == gene.contig and low <= r.pos - 1 < high and r.filter in {"PASS", *study.filters}
    ]
    carried = {()} | (means(near, columns) if study.phase == "mean" else copies(near, columns))
    bases = "".join(base if base in "ACGT" else "N" for base in study.sequences[gene.contig][low:high].upper())
    texts = {splice_window(bases, low, gene.tss, alleles) for alleles in carried}
    turned = study.strand == "gene" and gene.strand == "-"
    return {text[::-1].translate(OTHER_STRAND) for text in texts} if turned else texts


def copies(records: Sequence[Record], columns: Sequence[int]) -> set[tuple[tuple[int, str, str], ...]]:
    """(pos, ref, alt) of what each chromosome copy carries; of 0/1 the first is the first copy's."""
    calls = [[r.calls[i].replace("/", "|").split("|") for i in columns] for r in records]
    return {
        tuple((r.pos, r.ref, r.alt) for r, call in zip(records, calls, strict=True) if call[i][copy] == "1")
        for i in range(len(columns))
        for copy in (0, 1)
    }


def means(records: Sequence[Record], columns: Sequence[int]) -> set[tuple[tuple[int, str, str], ...]]:
    """The same of each person's mean: SNPs alone, a heterozygous one as the letter of both bases."""
    snps = [r for r in records if len(r.ref) == len(r.alt) == 1]
    counts = [[r.calls[i].count("1") for i in columns] for r in snps]
    letters = [("", PAIR_OF["".join(sorted(r.ref + r.alt))], r.alt) for r in snps]
    return {
        tuple((r.pos, r.ref, letter[n[i]]) for r, n, letter in zip(snps, counts, letters, strict=True) if n[i])
        for i in range(len(columns))
    }


def splice_window(bases: str, start: int, tss: int, alleles: Sequence[tuple[int, str, str]]) -> str:
    """The window of one copy: both sides of the TSS filled outwards from it. No allele may lie across the TSS."""
    sides = []
    for low, high in ((start, tss), (tss, start + len(bases))):
        parts, cursor = [], low
        for pos, ref, alt in alleles:
            if low <= pos - 1 < high and pos - 1 + len(ref) <= start + len(bases):
                assert pos - 1 + len(ref) <= high, "an allele across the TSS"
                parts += [bases[cursor - start : pos - 1 - start], alt]
                cursor = pos - 1 + len(ref)
        sides.append("".join([*parts, bases[cursor - start : high - start]]))
    return sides[0][-HALF:] + sides[1][:HALF]


# The study and its changes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A study to run next, and how much of it must be new: ``none``, ``some`` or ``all`` of its windows."""

    name: str
    study: Study
    scope: str
    touch: bool = False


def demo_study(raw: Path, n_genes: int) -> Study:
    """The demo's first genes, with two filtered records."""
    lines = gzip.decompress((raw / "expression.bed.gz").read_bytes()).decode().splitlines()[1 : n_genes + 1]
    annotation = gzip.decompress((raw / "genes.gtf.gz").read_bytes()).decode().splitlines()
    strands = {line.split('"')[1]: line.split("\t")[6] for line in annotation if not line.startswith("#")}
    cells = [line.split("\t")[:4] for line in lines]
    genes = tuple(Gene(c[3], c[0].removeprefix("chr"), int(c[1]), strands[c[3]]) for c in cells)
    with pysam.FastaFile(str(raw / "reference.fa.gz")) as fasta:
        sequences = {name: fasta.fetch(name) for name in fasta.references}
    cohort = read_cohort(raw / "genotypes.vcf.gz")
    near = [r for r in cohort.records if any(g.contig == r.contig and abs(r.pos - g.tss) < NEAR for g in genes)]
    study = Study(Cohort(cohort.samples, near), sequences, genes)
    common = [r for r in snps_of(study, genes[0]) if 20 < sum("1" in call for call in r.calls) < 100]
    filtered = {id(r) for r in (common[0], common[len(common) // 2])}
    records = [replace(r, filter="LowQual") if id(r) in filtered else r for r in near]
    return replace(study, cohort=Cohort(cohort.samples, records))


def snps_of(study: Study, gene: Gene) -> list[Record]:
    """Records of SNPs well within a gene's window that are not left out."""
    return [
        r
        for r in study.cohort.records
        if r.contig == gene.contig
        and abs(r.pos - gene.tss) < HALF - MARGIN
        and len(r.ref) == len(r.alt) == 1
        and r.filter == "PASS"
    ]


def with_call(study: Study, record: Record, column: int, call: str) -> Study:
    """The study with another call of one person at one record."""
    calls = [*record.calls[:column], call, *record.calls[column + 1 :]]
    records = [replace(r, calls=calls) if r is record else r for r in study.cohort.records]
    return replace(study, cohort=Cohort(study.cohort.samples, records))


def with_base(study: Study, contig: str, place: int, base: str) -> Study:
    """The study with another base at a place (0-based) of the reference."""
    bases = study.sequences[contig]
    changed = bases[:place] + base + bases[place + 1 :]
    return replace(study, sequences=study.sequences | {contig: changed})


def change_genotypes(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """A call in a window that nobody else has, and one beyond all windows."""
    gene = base.genes[0]
    columns = [base.cohort.samples.index(person) for person in people]
    changed = next(made for i in columns for made in _own_windows(base, gene, i, sorted({*columns} - {i})))
    far = next(r for r in base.cohort.records if r.contig == gene.contig and r.pos > gene.tss + HALF + 2 * MARGIN)
    beyond = with_call(base, far, columns[0], "1|0" if far.calls[columns[0]] != "1|0" else "0|1")
    return [
        Step("VCF: one call", changed, "some"),
        Step("VCF: as before", base, "some"),
        Step("VCF: one call beyond all windows", beyond, "none"),
    ]


def _own_windows(base: Study, gene: Gene, column: int, others: Sequence[int]) -> Iterator[Study]:
    """Studies with one call changed whose windows, before and after, are one person's alone."""
    theirs, before = windows_of(base, gene, others), windows_of(base, gene, [column])
    for record in snps_of(base, gene) if before - theirs else ():
        first, second = record.calls[column].split("|")
        changed = with_call(base, record, column, f"{1 - int(first)}|{second}")
        after = windows_of(changed, gene, [column])
        if len(after - theirs - before) == len(before - theirs - after) == 1:
            yield changed


def change_reference(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """A base that no record names, in a window and beyond all, and the same base in lower case."""
    gene = base.genes[-1]
    named = {place for r in base.cohort.records for place in range(r.pos - 2, r.pos + len(r.ref) + 1)}
    bases = base.sequences[gene.contig]
    inside = next(p for p in range(gene.tss + 500, gene.tss + HALF) if p not in named and bases[p] in "ACGT")
    outside = next(p for p in range(gene.tss + HALF + 2 * MARGIN, len(bases)) if p not in named and bases[p] in "ACGT")
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    return [
        Step("FASTA: one base", with_base(base, gene.contig, inside, other[bases[inside]]), "some"),
        Step("FASTA: as before", base, "some"),
        Step("FASTA: one base in lower case", with_base(base, gene.contig, inside, bases[inside].lower()), "none"),
        Step(
            "FASTA: one base beyond all windows", with_base(base, gene.contig, outside, other[bases[outside]]), "none"
        ),
    ]


def change_genes(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """A gene less, and a gene more."""
    return [
        Step("gene list: one gene less", replace(base, genes=base.genes[1:]), "none"),
        Step("gene list: as before", base, "some"),
    ]


def change_windows(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """A TSS elsewhere, and windows in the direction of their genes."""
    moved = replace(base.genes[0], tss=base.genes[0].tss + 10)
    return [
        Step("window: a TSS moved by 10 bases", replace(base, genes=(moved, *base.genes[1:])), "some"),
        Step("window: as before", base, "some"),
        Step("window: genes in their direction", replace(base, strand="gene"), "some"),
        Step("window: as before", base, "some"),
    ]


def change_weights(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """Another seed; the same weights from a file; that file with one weight changed."""
    from haploformer.enformer.geometry import PRESETS
    from haploformer.enformer.model import canonical_state, untrained_module
    from haploformer.formats.weights import write_weights

    n_tracks = len((folder / "targets.txt").read_text().splitlines()) - 1
    state = canonical_state(untrained_module(replace(PRESETS["tiny"], n_tracks=n_tracks), seed=0))
    write_weights(state, folder / "same.safetensors", metadata={"gamma": "computed"})
    name = next(name for name, value in state.items() if value.ndim > 1)
    other = state[name].clone()
    other.view(-1)[0] += 0.125
    write_weights(state | {name: other}, folder / "other.safetensors", metadata={"gamma": "computed"})
    files = {kind: {"weights": str(folder / f"{kind}.safetensors")} for kind in ("same", "other")}
    return [
        Step("weights: another seed", replace(base, model={"seed": 1}, network="seed 1"), "all"),
        Step("weights: as before", base, "all"),
        Step("weights: the same from a file", replace(base, model=files["same"]), "none"),
        Step("weights: one weight changed", replace(base, model=files["other"], network="other"), "all"),
        Step("weights: as before", base, "all"),
    ]


def change_precision(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """Each of the other engines."""
    return [
        *(
            Step(f"precision: engine {name}", replace(base, model={"engine": name}, network=name), "all")
            for name in ("delta", "library")
        ),
        Step("precision: as before", base, "all"),
    ]


def change_version(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """Another version of the code."""
    return [
        Step("code version: another", replace(base, version="9.9.9", network="version 9.9.9"), "all"),
        Step("code version: as before", base, "all"),
    ]


def change_filters(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """Records that a filter left out."""
    return [
        Step("filters: LowQual kept", replace(base, filters=("LowQual",)), "some"),
        Step("filters: as before", base, "some"),
    ]


def change_phase(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """Without the phase of one call: as written, and the mean of both copies."""
    column = base.cohort.samples.index(people[0])
    record = next(r for r in snps_of(base, base.genes[0]) if r.calls[column] in {"0|1", "1|0"})
    unphased = with_call(base, record, column, record.calls[column].replace("|", "/"))
    return [
        Step("phase policy: as_written", replace(unphased, phase="as_written"), "none"),
        Step("phase policy: mean", replace(unphased, phase="mean"), "some"),
        Step("phase policy: as_written", replace(unphased, phase="as_written"), "some"),
        Step("phase policy: as before", base, "none"),
    ]


def change_nothing(base: Study, people: Sequence[str], folder: Path) -> list[Step]:
    """Times of change, which are no content."""
    return [Step("every file: a later time of change", base, "none", touch=True)]


CHANGES: dict[str, Callable[[Study, Sequence[str], Path], list[Step]]] = {
    "vcf": change_genotypes,
    "fasta": change_reference,
    "genes": change_genes,
    "window": change_windows,
    "weights": change_weights,
    "precision": change_precision,
    "version": change_version,
    "filters": change_filters,
    "phase": change_phase,
    "mtime": change_nothing,
}


# Runs --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes
    ----------
    step : Step
    n_windows, n_expected, n_computed : int
        Distinct windows, those that are new, and those that the network was given.
    wrong : list of str
        What is not as it should be.
    """

    step: Step
    n_windows: int
    n_expected: int
    n_computed: int
    wrong: list[str]

    def describe(self) -> str:
        """A line of the table."""
        verdict = "; ".join(self.wrong) or "as it should be"
        return f"{self.step.name:36} {self.n_windows:8} {self.n_expected:9} {self.n_computed:9}  {verdict}"


HEADER = f"{'changed':36} {'windows':>8} {'expected':>9} {'computed':>9}"


class Bench:
    """Runs one study after the other in a copy of the project, in this process.

    Parameters
    ----------
    folder : Path
    n_genes : int
        Of the demo.
    """

    def __init__(self, folder: Path, n_genes: int) -> None:
        from kedro.framework.startup import bootstrap_project

        self.project = copy_project(folder / "project")
        self.raw = self.project.raw
        self.lines = gzip.decompress((self.raw / "expression.bed.gz").read_bytes()).decode().splitlines(keepends=True)
        self.base = demo_study(self.raw, n_genes)
        measured = set(self.lines[0].split()[4:])
        self.people = [sample for sample in self.base.cohort.samples if sample in measured]
        self.written: Study | None = None
        self.before: set[str] = set()
        self.rows: dict[str, bytes] = {}
        bootstrap_project(self.project.root)

    def steps(self, name: str) -> list[Step]:
        """The steps of one change."""
        return CHANGES[name](self.base, self.people, self.raw)

    def take(self, step: Step) -> Outcome:
        """Run a study, and compare what was predicted with what had to be."""
        study, last = step.study, self.written
        self._write(study)
        if step.touch:
            for path in self.raw.iterdir():
                os.utime(path, (2e9, 2e9))
        windows = expected_windows(study, self.people)
        same_network = last is not None and last.network == study.network
        new = windows - self.before if same_network else windows
        computed = self._run(study)
        rows = self._stored_rows()
        scope = "none" if not new else "all" if new == windows else "some"
        kept = self.rows.keys() & rows.keys() if same_network else set()
        checks = {
            f"{scope} of the windows are new, not {step.scope}": scope == step.scope,
            "other windows were computed": set(computed) == new,
            "a window was computed twice": len(set(computed)) == len(computed),
            "the status file says otherwise": self._status() == [len(windows), len(windows - new), len(new)],
            "not every window is stored once": len(rows) == len(windows),
            "a row that was stored before has changed": all(rows[key] == self.rows[key] for key in kept),
            "other rows were kept": not same_network or len(rows.keys() - kept) == len(new),
        }
        self.before, self.rows = windows, rows
        return Outcome(step, len(windows), len(new), len(computed), [said for said, fine in checks.items() if not fine])

    def _run(self, study: Study) -> list[str]:
        """Run from the files to the predictions; the sequences that the network was given."""
        from kedro.framework.session import KedroSession

        from haploformer import model_plan

        version = study.version or model_plan.__version__
        session = KedroSession.create(self.project.root, env="test", runtime_params=study.parameters)
        with given_sequences() as computed, replaced(model_plan, "__version__", version), quiet(), session:
            session.run(pipeline_names=["data_prep", "sequence_build", "enformer_inference"])
        return computed

    def _write(self, study: Study) -> None:
        """Write the files that differ from those of the last study."""
        last = self.written
        if last is None or last.sequences != study.sequences:
            write_fasta(self.raw / "reference.fa.gz", study.sequences)
        if last is None or last.cohort != study.cohort:
            lengths = {name: len(bases) for name, bases in study.sequences.items()}
            write_vcf(self.raw / "genotypes.vcf.gz", study.cohort, lengths)
        if last is None or last.genes != study.genes:
            cells = {line.split("\t")[3]: line.split("\t") for line in self.lines}
            lines = [[f"chr{g.contig}", str(g.tss), str(g.tss + 1), *cells[g.gene_id][3:]] for g in study.genes]
            text = self.lines[0] + "".join("\t".join(line) for line in lines)
            path = edit_text(self.raw / "expression.bed.gz", lambda _: text)
            pysam.tabix_index(str(path), preset="bed", force=True)
        self.written = study

    @property
    def _output(self) -> Path:
        return self.project.root / "data" / "07_model_output" / "test"

    def _status(self) -> list[int]:
        windows = json.loads((self._output / "track_predictions.status.json").read_text())["windows"]
        return [windows["total"], windows["stored_before"], windows["computed"]]

    def _stored_rows(self) -> dict[str, bytes]:
        """The stored prediction of each window, by its key."""
        from haploformer.formats.stored_predictions import read_predictions

        store = self._output / "track_predictions.zarr"
        keys = pd.read_parquet(store / "keys.parquet")["key"]
        return dict(zip(keys, (row.tobytes() for row in np.asarray(read_predictions(store).values)), strict=True))


@contextlib.contextmanager
def replaced(place: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute has another value for a while."""
    before = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, before)


@contextlib.contextmanager
def given_sequences() -> Iterator[list[str]]:
    """The sequences that plans ask their engines for in the meantime."""
    from haploformer.enformer.plan import RowPredictor
    from haploformer.genome.encoding import decode

    given: list[str] = []
    predict = RowPredictor.__call__

    def predict_and_tell(self: RowPredictor, rows: Sequence[int]) -> Any:
        windows: Any = self.windows
        given.extend(map(decode, windows.codes(self.representative[np.asarray(rows)].tolist())))
        return predict(self, rows)

    with replaced(RowPredictor, "__call__", predict_and_tell):
        yield given


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing is said of a run that goes well."""
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(None):
            yield
    finally:
        logging.disable(logging.NOTSET)


def run_changes(folder: Path, names: Sequence[str], *, n_genes: int) -> Iterator[Outcome]:
    """The first run, and then one change after the other."""
    torch.set_num_threads(1)
    bench = Bench(folder, n_genes)
    yield bench.take(Step("first run", bench.base, "all"))
    for name in names:
        for step in bench.steps(name):
            yield bench.take(step)


def main(arguments: list[str] | None = None) -> int:
    """Make all changes, and print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genes", type=int, default=24)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CHANGES), help="some of the changes")
    options = parser.parse_args(arguments)
    print(HEADER, flush=True)
    n_wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for outcome in run_changes(Path(folder), options.only, n_genes=options.genes):
            print(outcome.describe(), flush=True)
            n_wrong += bool(outcome.wrong)
    return int(n_wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
