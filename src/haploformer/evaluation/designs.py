"""What training has seen, and what r is left: seen and unseen people, populations and genes."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

_IN_SAMPLE = "r of the people who were fitted to says nothing about others"
_NO_GENE = "fitted to the variants of its own genes"
_NO_SEEN = "fitted to nobody here: every gene and person is unseen"
_OTHER_GENES = {
    "seen": "weights from the same people's other genes",
    "unseen": "weights from other people's other genes",
    "unseen population": "weights from other populations' other genes",
}
_OWN_MEMBERS = "; members on dosages fitted to other people of the same gene"
_ZERO_SHOT = "fitted to nobody here; the network itself was trained on the reference genome"


def tabulate_designs(
    scores: pd.DataFrame, held_out: pd.DataFrame, *, zero_shot: Collection[str], shared: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Mean r of each model over genes in each cell that it can fill.

    Parameters
    ----------
    scores : DataFrame, schema ``gene_scores``
        People unseen, their populations seen.
    held_out : DataFrame, schema ``population_scores``
        Populations unseen; the mean is taken over genes, then over populations.
    zero_shot : collection of str
        Models that were fitted to nobody: their genes are unseen, too.
    shared : DataFrame, schema ``shared_stack_scores``, optional
        Stacks whose weights come from other genes.

    Returns
    -------
    DataFrame, schema ``design_cells``
        Six cells per model; of a stack with shared weights those that it fills. Of ``shared_stack``, whose members on
        dosages know the gene, genes are ``unseen by the weights``; of ``shared_stack_enformer`` they are ``unseen``.
    """
    means = {
        "unseen": scores.groupby("model")["pearson_r"].agg(["mean", "size"]),
        "unseen population": held_out.groupby(["model", "population"])["pearson_r"].agg(["mean", "size"]),
    }
    rows = []
    for model in dict.fromkeys(scores["model"]):
        for genes in ("seen", "unseen"):
            for people in ("seen", "unseen", "unseen population"):
                remark = _why_empty(genes, people, zero_shot=model in zero_shot)
                n, r = 0, None
                if remark is None:
                    of_model = means[people].loc[[model]]
                    n, r = int(of_model["size"].max()), float(of_model["mean"].mean())
                    remark = _ZERO_SHOT if model in zero_shot else "fitted to other people, same genes"
                rows.append((model, genes, people, n, r, remark))
    if shared is not None:
        rows += _shared_cells(shared)
    table = pd.DataFrame(rows, columns=["model", "genes", "people", "n_genes", "mean_pearson_r", "remark"])
    return table.astype({"mean_pearson_r": float})


def _why_empty(genes: str, people: str, *, zero_shot: bool) -> str | None:
    """Why a model cannot fill a cell; None if it can."""
    if zero_shot:
        return _NO_SEEN if genes == "seen" or people == "seen" else None
    if genes == "unseen":
        return _NO_GENE
    return _IN_SAMPLE if people == "seen" else None


def _shared_cells(shared: pd.DataFrame) -> list[tuple[str, str, str, int, float | None, str]]:
    """One cell for each model and kind of people; the mean is taken over genes, then over populations."""
    rows: list[tuple[str, str, str, int, float | None, str]] = []
    for (model, people), cell in shared.sort_values("model", kind="stable").groupby(["model", "people"], sort=False):
        means = cell.groupby("population", dropna=False)["pearson_r"].mean()
        own = model == "shared_stack"
        genes = "unseen by the weights" if own else "unseen"
        remark = _OTHER_GENES[str(people)] + (_OWN_MEMBERS if own else "")
        rows.append((str(model), genes, str(people), cell["gene_id"].nunique(), float(means.mean()), remark))
    return rows
