"""``python -m tests.real_people RAW_DIR``: every model on 343 real people, held against what cross-fitting gave elsewhere.

Runs the whole chain of the environment ``geuvadis`` (58 genes, five fold seeds, the tiny **untrained** Enformer) in a copy
of the project, some four minutes on two cores. Prints the mean r of each model with its sd over fold seeds, the elastic
net's r of each gene that has a known one, and what the stack gains and loses; exit code 1 if anything is out of bounds.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import pandas as pd

from tests.builders.geuvadis_baselines import ELASTIC_NET_R, MEAN_R
from tests.conftest import copy_project


def compare_with_known(scores: pd.DataFrame) -> pd.DataFrame:
    """What was found beside where it must lie.

    Parameters
    ----------
    scores : DataFrame, schema ``gene_scores``
        Of real people, with an untrained Enformer.

    Returns
    -------
    DataFrame
        ``what, found, low, high, inside``.
    """
    r = scores.pivot_table(index="gene_id", columns="model", values="pearson_r")
    mean, by_gene = r.mean(), r.rename(index=lambda gene_id: gene_id.split(".")[0])["elastic_net"]
    rows = [("genes", len(r), 58, 58)]
    rows += [(f"mean r of {model}", mean[model], known - 0.03, known + 0.03) for model, known in MEAN_R.items()]
    rows += [("mean r of elastic_net", mean["elastic_net"], 0.08, 0.13)]
    rows += [
        (f"elastic_net of {gene}", by_gene[gene], known - 0.04, known + 0.04) for gene, known in ELASTIC_NET_R.items()
    ]
    gains = mean["stack"] - mean
    rows += [
        ("stack less elastic_net", gains["elastic_net"], -0.01, 1.0),
        ("stack less the best baseline", gains[list(MEAN_R)].min(), -0.02, 1.0),
        ("what untrained Enformer columns change", gains["stack_without_enformer"], -0.005, 0.005),
    ]
    table = pd.DataFrame(rows, columns=["what", "found", "low", "high"])
    return table.assign(inside=table["found"].between(table["low"], table["high"]))


def main() -> int:
    """Run, compare, and print what came out."""
    parser = argparse.ArgumentParser(prog="python -m tests.real_people", description=__doc__)
    parser.add_argument("raw_dir", type=Path, help="the GEUVADIS data")
    raw = parser.parse_args().raw_dir.resolve()
    with TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "project")
        begun = perf_counter()
        run = project.kedro("run", "--env", "geuvadis", "--params", f"raw_dir={raw},enformer.preset=tiny", warm=False)
        seconds = perf_counter() - begun
        scores = pd.read_parquet(project.root / "data/08_reporting/geuvadis/gene_scores.parquet")
    print(
        next(line for line in run.stdout.splitlines() if line.startswith("Peak memory")), f"{seconds:.0f} s", sep=", "
    )
    by_model = scores.groupby("model")[["pearson_r", "pearson_r_seed_sd"]].mean()
    print(by_model.round(4).to_string())
    table = compare_with_known(scores)
    print(table.round(4).to_string(index=False))
    return 0 if table["inside"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
