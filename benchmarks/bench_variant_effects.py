"""The cost of one variant's effect beside a naive one: enformer-pytorch's forward on the reference and on the alternative.

    python -m benchmarks.bench_variant_effects --preset small --variants 128 --rounds 3
    python -m benchmarks.bench_variant_effects --raw FOLDER --gene ENSG00000093010

Without a folder of the GEUVADIS data: variants of a random sequence, one in ten an indel. In one process, in turns; each
side from edits to coverage of all tracks at the centre bins. The library's side forwards both windows of one variant at
a time; the engines' side has all variants of the gene. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from haploformer.enformer.delta_engine import DeltaEngine
from haploformer.enformer.exact import ExactEngine
from haploformer.enformer.geometry import PRESETS
from haploformer.enformer.library import LibraryEngine
from haploformer.enformer.model import untrained_module
from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.vcf import VcfFile
from haploformer.genome.genes import without_version
from haploformer.genome.intervals import Interval
from haploformer.genome.variant_windows import EditedWindows, build_variant_windows
from haploformer.genome.variants import RECORD_COLUMNS, named_alleles
from haploformer.genome.windows import build_windows
from tests.builders.genome import MemoryReference, random_sequence

#: Of the windows that are predicted together, as a run stores them.
SHARD = 64

_FASTA = "reference/chr22_1-22000000.hg19.fa.gz"
_VCF = "genotypes/geuvadis343.hm3.chr22_16-22Mb.beagle_phased.vcf.gz"
_BED = "expression/GEUVADIS_LCL.chr22.fastqtl.normalized_expression.bed.gz"


def simulated_windows(n: int, length: int, seed: int) -> EditedWindows:
    """``n`` variants of one gene in a random sequence."""
    rng = np.random.default_rng(seed)
    reference = MemoryReference({"1": random_sequence(length + 2_000, rng)})
    sequence, records = reference.sequences["1"], []
    for i, pos in enumerate(sorted(rng.choice(np.arange(1_100, length + 900), n, replace=False).tolist())):
        ref = sequence[pos - 1]
        alt = {0: ref + "ACGT", 5: ref}.get(i % 10) or "ACGT"[("ACGT".index(ref) + 1 + i % 3) % 4]
        ref = sequence[pos - 1 : pos + 3] if i % 10 == 5 else ref
        records.append(("1", pos, f"v{i}", ref, alt))
    genes = pd.DataFrame([("g", "1", length // 2 + 1_000, "+")], columns=["gene_id", "contig", "tss", "strand"])
    windows = build_windows(genes, reference, length=length)
    variants = named_alleles(pd.DataFrame(records, columns=RECORD_COLUMNS))
    return build_variant_windows(windows, variants, reference, reverse=[False], both_strands=False, provenance={})


def real_windows(raw: Path, gene: str, length: int) -> EditedWindows:
    """All variants of a gene of the GEUVADIS data."""
    genes = read_expression_bed(raw / _BED).genes
    chosen = genes[without_version(genes["gene_id"]) == gene].assign(strand=".")
    reference = FastaReference(raw / _FASTA)
    windows = build_windows(chosen, reference, length=length)
    row = windows.iloc[0]
    records, _ = VcfFile(raw / _VCF).read_sites([Interval(row["contig"], row["start"], row["end"])], reference)
    return build_variant_windows(
        windows, named_alleles(records), reference, reverse=[False], both_strands=False, provenance={}
    )


def in_shards(engine: Any, windows: EditedWindows, **asked: Any) -> np.ndarray:
    """Coverage of all windows, as a run predicts them."""
    parts = [range(start, min(start + SHARD, len(windows))) for start in range(0, len(windows), SHARD)]
    return np.concatenate([engine.predict(windows, part, **asked) for part in parts])


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that some work takes, and its result."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=list(PRESETS), default="small")
    parser.add_argument("--variants", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--raw", type=Path, help="the GEUVADIS data")
    parser.add_argument("--gene", default="ENSG00000093010")
    options = parser.parse_args(arguments)
    geometry = PRESETS[options.preset]
    if options.raw is None:
        windows = simulated_windows(options.variants, geometry.window, options.seed)
    else:
        windows = real_windows(options.raw, options.gene, geometry.window)
    module = untrained_module(geometry, seed=options.seed)
    engines = {
        "library": LibraryEngine(module, geometry, batch_size=1),
        "exact": ExactEngine(module, geometry, batch_size=1),
        # Whatever its error: it is measured here.
        "delta": DeltaEngine(module, geometry, batch_size=1, limit=float("inf")),
    }
    asked = {"tracks": list(range(geometry.n_tracks)), "bins": list(geometry.centre_bins(10))}
    n = len(windows.table)
    times: dict[str, list[float]] = {name: [] for name in engines}
    errors: dict[str, list[float]] = {"exact": [], "delta": []}
    for i in range(options.rounds):
        # Another variant each time: each is an answer to compare with, too.
        row = int(windows.table["window"].iloc[(i * n) // options.rounds])
        seconds, pair = timed(lambda r=row: engines["library"].predict(windows, [0, r], **asked))
        times["library"].append(seconds)
        for name in ("exact", "delta"):
            seconds, found = timed(lambda e=engines[name]: in_shards(e, windows, **asked))
            times[name].append(seconds / n)
            effect = pair[1] - pair[0]
            errors[name].append(float(np.abs(found[row] - found[0] - effect).max() / np.abs(effect).max()))
        print({name: round(values[-1], 4) for name, values in times.items()}, flush=True)
    t = {name: statistics.median(values) for name, values in times.items()}
    result = {
        "preset": options.preset,
        "variants": n,
        "windows": len(windows),
        "rounds": options.rounds,
        "seconds_naive_variant": t["library"],
        "seconds_exact_variant": t["exact"],
        "seconds_delta_variant": t["delta"],
        "speedup_variant_effects": t["library"] / t["exact"],
        "speedup_variant_effects_delta": t["library"] / t["delta"],
        "rel_error_effect_exact": max(errors["exact"]),
        "rel_error_effect_delta": max(errors["delta"]),
        "spread": {name: [min(values), max(values)] for name, values in times.items()},
        "huge_pages": bool(os.environ.get("THP_MEM_ALLOC_ENABLE")),
        "machine": {"cores": os.cpu_count(), "threads": torch.get_num_threads(), "processor": platform.processor()},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }
    width = max(map(len, result))
    for name, value in result.items():
        print(f"{name:<{width}}  {value if not isinstance(value, float) else f'{value:.6g}'}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
