"""Scans as QTLtools writes the results of its nominal pass (1.3, ``cis --nominal --std-err``), with alleles in the ids."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

from haploformer.formats.files import write_durably

#: Columns in QTLtools' order.
QTLTOOLS_COLUMNS = [
    *("phe_id", "phe_chr", "phe_from", "phe_to", "phe_strd", "n_var_in_cis", "dist_phe_var"),
    *("var_id", "var_chr", "var_from", "var_to", "nom_pval", "r_squared", "slope", "slope_se", "best_hit"),
]


def write_qtltools(path: Path, scan: pd.DataFrame) -> None:
    """Write a scan, separated by blanks, with its header; gzip if the name ends so; whole or not at all.

    Ids of variants are ``chr22_123_A_G``: the file says which allele its slopes are of, that is the last one. Numbers have
    all their digits.

    Parameters
    ----------
    path : Path
    scan : DataFrame
        Columns `haploformer.effects.scan.SCAN_COLUMNS`.
    """
    place = scan["contig"].astype(str) + "_" + scan["pos"].astype(str)
    last_base = scan["pos"] + scan["ref"].str.len() - 1
    table = pd.DataFrame(
        {
            "phe_id": scan["gene_id"],
            "phe_chr": scan["contig"],
            "phe_from": scan["tss"] + 1,
            "phe_to": scan["tss"] + 1,
            "phe_strd": scan["strand"],
            "n_var_in_cis": scan["n_tested"],
            "dist_phe_var": scan["pos"] - 1 - scan["tss"],
            "var_id": "chr" + place + "_" + scan["ref"] + "_" + scan["alt"],
            "var_chr": scan["contig"],
            "var_from": scan["pos"],
            "var_to": last_base,
            "nom_pval": scan["p_value"],
            "r_squared": scan["r"].astype(np.float64) ** 2,
            "slope": scan["slope"],
            "slope_se": scan["slope_se"],
            "best_hit": scan["is_top"].astype(np.int64),
        }
    )[QTLTOOLS_COLUMNS]
    text = table.to_csv(sep=" ", index=False, lineterminator="\n", float_format="%.17g").encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, gzip.compress(text, compresslevel=6, mtime=0) if path.suffix == ".gz" else text)
