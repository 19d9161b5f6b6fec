"""Published figures to set beside one's own, with their conditions."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pandas as pd


@dataclass(frozen=True)
class PublishedFigure:
    """A number and what it is of.

    Attributes
    ----------
    source : str
    cohort : str
    model : str
        As the source calls it.
    quantity : str
        Mean r per gene across people unless it says otherwise.
    condition : str
        What is seen in training and what is not.
    value : str
    """

    source: str
    cohort: str
    model: str
    quantity: str
    condition: str
    value: str


_R = "mean r per gene across people"
_SASSE, _HUANG = "Sasse et al. 2023", "Huang et al. 2023"
_RASTOGI, _VARIFORMER = "Rastogi et al. 2024", "Variformer"
_BRAINS, _LCL, _BLOOD = "839 brains", "GEUVADIS LCL", "GTEx v8 whole blood, 196 kb"
_HUANG_PEOPLE, _HUANG_TRACK = "421 people, GEUVADIS", "zero-shot, 10 bins, track 5110"
_UNSEEN = "held-out people / held-out population / unseen genes"

PUBLISHED = (
    PublishedFigure(_SASSE, _BRAINS, "Enformer", _R, "zero-shot", "0.011"),
    PublishedFigure(_SASSE, _BRAINS, "Enformer", "r across genes", "zero-shot", "0.577"),
    PublishedFigure(_SASSE, _BRAINS, "Enformer", "wrong sign among 383 genes with |r| > 0.2", "zero-shot", "38 %"),
    PublishedFigure(_SASSE, _BRAINS, "PrediXcan", _R, "held-out people, 1,568 genes", "0.261"),
    PublishedFigure(_HUANG, _HUANG_PEOPLE, "Enformer", "Spearman across genes", _HUANG_TRACK, "0.57"),
    PublishedFigure(
        _HUANG, _HUANG_PEOPLE, "Enformer", "Pearson across genes, raw coverage", _HUANG_TRACK, "0.19 to 0.32"
    ),
    PublishedFigure(_RASTOGI, _LCL, "Enformer", _R, _UNSEEN, "0.055 / 0.036 / 0.056"),
    PublishedFigure(_RASTOGI, _LCL, "Top SNP", _R, _UNSEEN, "0.259 / 0.148 / 0"),
    PublishedFigure(_RASTOGI, _LCL, "Elastic net", _R, _UNSEEN, "0.283 / 0.160 / 0"),
    PublishedFigure(_RASTOGI, _LCL, "BSLMM", _R, "held-out people", "0.288"),
    PublishedFigure(_RASTOGI, _LCL, "Enformer, fine-tuned on pairs", _R, _UNSEEN, "0.282 / 0.170 / 0.050"),
    PublishedFigure(_RASTOGI, _LCL, "Enformer, head only", _R, "held-out people", "0.271"),
    PublishedFigure(_RASTOGI, _LCL, "Enformer, from random weights", _R, "held-out people", "0.219"),
    PublishedFigure(
        _RASTOGI, _LCL, "Enformer, fine-tuned on z-scores of single samples", _R, "held-out people", "0.002"
    ),
    PublishedFigure(_VARIFORMER, _BLOOD, "Variformer", _R, "seen genes", "0.195 to 0.210"),
    PublishedFigure(_VARIFORMER, _BLOOD, "Variformer", _R, "unseen genes", "0.038 to 0.055"),
    PublishedFigure("PrediXcan 2015", _LCL, "Elastic net", "mean R2", "other people than in training", "0.0197"),
    PublishedFigure(
        "PrediXcan 2015", "GTEx whole blood", "Elastic net", "mean R2", "other people than in training", "0.0458"
    ),
)


def published_table() -> pd.DataFrame:
    """The figures as a table: ``source, cohort, model, quantity, condition, value``."""
    names = [field.name for field in fields(PublishedFigure)]
    return pd.DataFrame([[getattr(figure, name) for name in names] for figure in PUBLISHED], columns=names)
