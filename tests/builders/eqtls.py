"""Tables as QTLtools writes them, from our own scans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from haploformer.baselines.association import Associations

_HEADER = (
    "phe_id phe_chr phe_from phe_to phe_strd n_var_in_cis dist_phe_var var_id var_chr var_from var_to nom_pval r_squared "
    "slope slope_se best_hit"
)


def qtltools_rows(
    gene_id: str,
    tss: int,
    variants: pd.DataFrame,
    found: Associations,
    rows: np.ndarray,
    *,
    swap: np.ndarray | None = None,
) -> list[str]:
    """Lines of a nominal pass; where ``swap`` is set, alleles stand the other way round and the slope is turned."""
    lines = []
    for k, row in enumerate(rows):
        v = variants.iloc[row]
        turned = swap is not None and bool(swap[k])
        ref, alt, sign = (v["alt"], v["ref"], -1) if turned else (v["ref"], v["alt"], 1)
        name = f"chr{v['contig']}_{v['pos']}_{ref}_{alt}_b37"
        cells = [gene_id, v["contig"], tss + 1, tss + 1, "+", len(variants), v["pos"] - tss - 1, name]
        cells += [v["contig"], v["pos"], v["pos"], f"{found.p_value[row]:.6g}", f"{found.r[row] ** 2:.6g}"]
        cells += [f"{sign * found.slope[row]:.6g}", f"{found.slope_se[row]:.6g}", int(row == found.top)]
        lines.append(" ".join(map(str, cells)))
    return lines


def write_qtltools(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join([_HEADER, *lines]) + "\n")
    return path
