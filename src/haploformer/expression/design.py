"""Covariates as the columns of a regression, what depends on data fitted to the training people."""

from __future__ import annotations

import ast
import difflib
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from haploformer.errors import InputError
from haploformer.expression.matrix import IndividualMatrix

#: What stands for all covariates of the table, and for none.
ALL, NONE = "all", "none"

#: From a training set, bool (n_individuals,), to the columns of everybody, float64 (n_individuals, n_columns).
ColumnsOf = Callable[[NDArray[np.bool_]], NDArray[np.float64]]

_WHERE = "parameters:expression.covariates"

#: What a formula may call: formulaic's transforms and contrasts, and functions of one number.
_FUNCTIONS = (
    *("C", "center", "scale", "poly", "bs", "cr", "cs", "cc", "log", "log10", "log2", "exp", "I"),
    *("contr.treatment", "contr.sum", "contr.helmert", "contr.poly"),
)

#: Share of the largest singular value below which columns are taken for collinear.
_RANK_TOLERANCE = 1e-10


def columns_for(covariates: pd.DataFrame, individual_ids: Sequence[str], formula: str = ALL) -> ColumnsOf:
    """The columns that a choice of covariates gives.

    Parameters
    ----------
    covariates : DataFrame, schema ``covariates``
        Perhaps without rows.
    individual_ids : sequence of str (n_individuals,)
    formula : str
        ``all``: every covariate as it is. ``none``. Or the right-hand side of a formula: ``~ sex + C(platform) + PC1``.

    Returns
    -------
    callable
        Its result has the same number of columns for every training set.

    Raises
    ------
    InputError
        If a covariate has no number or level for somebody, or the formula cannot be used (`Design`).
    """
    if formula == NONE or (formula == ALL and covariates.empty):
        return _always(np.zeros((len(individual_ids), 0)))
    if formula == ALL:
        _refuse_text(covariates)
        matrix = IndividualMatrix.from_long(covariates, row="covariate", value="value")
        return _always(matrix.select_individuals(individual_ids).values.T)
    return Design(formula, wide_covariates(covariates, individual_ids, _names(formula, covariates))).columns


def used_covariates(covariates: pd.DataFrame, formula: str) -> list[str]:
    """Names of the covariates that a choice takes from the table; parameters as of `columns_for`."""
    if formula.startswith("~"):
        return _names(formula, covariates)
    return [] if formula == NONE else covariates["covariate"].unique().tolist()


def wide_covariates(covariates: pd.DataFrame, individual_ids: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Some covariates, one column each and one row per person: numbers, or text where the table has levels.

    Raises
    ------
    InputError
        If somebody has no value of one of them.
    """
    columns: dict[str, Any] = {}
    for name in names:
        rows = covariates[covariates["covariate"] == name].set_index("individual_id")
        with_levels = "level" in rows and rows["level"].notna().any()
        found = rows["level" if with_levels else "value"].reindex(list(individual_ids))
        if found.isna().any():
            raise InputError(
                f"covariate {name}, individual_id {found.index[found.isna()][0]}",
                f"has no value ({int(found.isna().sum())} such of {len(found)} people)",
                "give everybody a value, or leave the covariate out of expression.covariates",
            )
        columns[name] = found.astype(object if with_levels else np.float64).to_numpy()
    return pd.DataFrame(columns, index=range(len(individual_ids)))


@dataclass(frozen=True, eq=False)
class Design:
    """A formula and the covariates that it names.

    Attributes
    ----------
    formula : str
        Right-hand side. Levels, centres, scales and knots are those of the training people; the intercept is the
        regression's, and cannot be left out.
    table : DataFrame (n_individuals, n_covariates)
        No value missing.
    """

    formula: str
    table: pd.DataFrame

    @cached_property
    def names(self) -> list[str]:
        """Of the columns, fitted to everybody."""
        return [str(name) for name in self._fit(np.ones(len(self.table), dtype=bool)).columns]

    def columns(self, train: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Everybody's columns (n_individuals, n_columns), fitted to the training people.

        Raises
        ------
        InputError
            If a level occurs in other people only, or a transform cannot be applied to them.
        """
        self._require_known_levels(train)
        fitted = self._fit(train)
        return np.ascontiguousarray(fitted.to_numpy(dtype=np.float64))

    def require_independent(self) -> None:
        """Raise InputError if a column is constant in everybody, or follows from those before it."""
        columns = self.columns(np.ones(len(self.table), dtype=bool))
        sd = columns.std(axis=0)
        for name, constant in zip(self.names, sd <= _RANK_TOLERANCE * np.abs(columns).max(axis=0), strict=True):
            if constant:
                raise _unusable(f"column {name} is the same in everybody", "leave it out")
        standardised = (columns - columns.mean(axis=0)) / sd
        rank = 0
        for last, name in enumerate(self.names, start=1):
            s = np.linalg.svd(standardised[:, :last], compute_uv=False)
            found = int((s > _RANK_TOLERANCE * s[0]).sum())
            if found == rank:
                raise _unusable(f"column {name} follows from those before it", "leave it, or one of them, out")
            rank = found

    @cached_property
    def _categorical(self) -> list[str]:
        """Covariates whose levels are columns: text, and what stands in C()."""
        named = set()
        for expression in _expressions(_terms(self.formula)):
            parsed, quoted = _parse(expression)
            calls = [part for part in ast.walk(parsed) if isinstance(part, ast.Call) and ast.unparse(part.func) == "C"]
            arguments = [call.args[0] for call in calls if call.args]
            named |= {quoted.get(name.id, name.id) for name in arguments if isinstance(name, ast.Name)}
        return [str(name) for name in self.table if name in named or not is_numeric_dtype(self.table[name])]

    def _fit(self, train: NDArray[np.bool_]) -> pd.DataFrame:
        """Columns of everybody without the intercept."""
        from formulaic import Formula
        from formulaic.errors import DataMismatchWarning

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", DataMismatchWarning)
                fitted = Formula(self.formula).get_model_matrix(self.table[train], context={}, na_action="raise")
                # Of training people alone; applied to all of them at once.
                whole = pd.DataFrame(fitted.model_spec.get_model_matrix(self.table, context={}, na_action="raise"))
        except Exception as error:  # formulaic and what it calls raise errors of many kinds.
            raise _unusable(f"{self.formula!r} cannot be computed: {error}", "correct the formula") from error
        return whole.drop(columns="Intercept")

    def _require_known_levels(self, train: NDArray[np.bool_]) -> None:
        for name in self._categorical:
            levels = self.table[name]
            unseen = sorted(set(levels[~train]) - set(levels[train]), key=str)
            if unseen:
                n = int((levels == unseen[0]).sum())
                raise _unusable(
                    f"level {unseen[0]} of {name} ({n} of {len(levels)} people) is in nobody of a training set of "
                    f"{int(train.sum())}",
                    "join it with another level, or leave the covariate or these people out",
                )


def require_usable(
    covariates: pd.DataFrame, individual_ids: Sequence[str], formula: str, training_sets: Iterable[NDArray[np.bool_]]
) -> int:
    """Raise InputError where `columns_for` cannot be fitted; the number of columns.

    A formula's columns are to vary, and not to follow from each other; those of a table, taken as they are, may.

    Parameters
    ----------
    covariates, individual_ids, formula
        As of `columns_for`.
    training_sets : iterable of bool (n_individuals,)
    """
    if formula.startswith("~"):
        design = Design(formula, wide_covariates(covariates, individual_ids, _names(formula, covariates)))
        design.require_independent()
        for train in training_sets:
            design.columns(train)
        return len(design.names)
    everybody = np.ones(len(individual_ids), dtype=bool)
    return int(columns_for(covariates, individual_ids, formula)(everybody).shape[1])


def _always(columns: NDArray[np.float64]) -> ColumnsOf:
    def columns_of(train: NDArray[np.bool_]) -> NDArray[np.float64]:
        return columns

    return columns_of


def _names(formula: str, covariates: pd.DataFrame) -> list[str]:
    """The covariates that a formula names, after a look at its form: what is evaluated is a known function of them."""
    known = covariates["covariate"].unique().tolist()
    terms = _terms(formula)
    looked_up = {str(factor.expr) for factor in _factors(terms, "lookup")}
    for expression in _expressions(terms):
        looked_up |= _require_plain(expression)
    names = sorted(looked_up)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            there = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known[:8]) or 'none'}"
            raise _unusable(f"there is no covariate {name} ({there})", "correct the name")
    if not names:
        raise _unusable(f"{formula!r} names no covariate", "write none to adjust for nothing")
    return names


def _terms(formula: str) -> Any:
    from formulaic import Formula, SimpleFormula

    try:
        terms = Formula(formula)
    except Exception as error:  # formulaic and ast raise errors of many kinds.
        text = str(error).strip().splitlines()
        raise _unusable(f"{formula!r} is no formula: {text[0] if text else error!r}", "see docs/formats.md") from error
    if not isinstance(terms, SimpleFormula):
        raise _unusable(f"{formula!r} has several sides", "give the right-hand side alone: ~ sex + PC1")
    if "1" not in [str(term) for term in terms]:
        raise _unusable(f"{formula!r} leaves out the intercept", "leave out 0 or -1: expression has a mean")
    return terms


def _factors(terms: Any, how: str) -> list[Any]:
    return [factor for term in terms for factor in term.factors if factor.eval_method.value == how]


def _expressions(terms: Any) -> list[str]:
    """The parts of a formula that are computed, not looked up."""
    return [str(factor.expr) for factor in _factors(terms, "python")]


def _require_plain(expression: str) -> set[str]:
    """The covariates in it. It is evaluated as Python: only numbers, covariates and known functions may stand in it."""
    plain = (ast.Expression, ast.Constant, ast.Load, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.keyword)
    parsed, quoted = _parse(expression)
    functions = {part.func for part in ast.walk(parsed) if isinstance(part, ast.Call)}
    for function in functions:
        if ast.unparse(function) not in _FUNCTIONS:
            raise _unusable(
                f"{ast.unparse(function)} is no function that a formula may use", f"use {', '.join(_FUNCTIONS)}"
            )
    inner = {part for function in functions for part in ast.walk(function)}
    for part in ast.walk(parsed):
        if part not in inner and not isinstance(part, (*plain, ast.Call, ast.Name, ast.List, ast.Tuple)):
            raise _unusable(f"{expression!r} is more than functions of covariates", "simplify it")
    names = {part.id for part in ast.walk(parsed) if isinstance(part, ast.Name) and part not in inner}
    return {quoted.get(name, name) for name in names}


def _parse(expression: str) -> tuple[ast.Expression, dict[str, str]]:
    """The expression as Python, and what its names stand for that were in backquotes."""
    quoted: dict[str, str] = {}

    def plain_name(found: re.Match[str]) -> str:
        quoted[f"_quoted{len(quoted)}"] = found.group(1)
        return f"_quoted{len(quoted) - 1}"

    return ast.parse(re.sub(r"`([^`]*)`", plain_name, expression), mode="eval"), quoted


def _refuse_text(covariates: pd.DataFrame) -> None:
    if "level" in covariates and covariates["level"].notna().any():
        name = covariates.loc[covariates["level"].notna(), "covariate"].iloc[0]
        raise _unusable(
            f"it is all, and covariate {name} is text", f"write a formula with its levels (~ {name} + ...), or none"
        )


def _unusable(problem: str, remedy: str) -> InputError:
    return InputError(_WHERE, problem, remedy)
