"""Under which conditions a figure's numbers hold, in words: people, folds, windows, tracks, weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from haploformer.figures.style import model_label, order_models, split_reach

#: Models that are fitted to the dosages of a cis window.
_CIS_MODELS = frozenset({"top_snp", "prs", "elastic_net", "blup"})

#: What each model that is Enformer's alone takes of its output.
_ENFORMER_TRACKS = {
    "enformer": "the mean of {tissue}",
    "enformer_all_tracks": "the mean of all {stored} tracks",
    "enformer_all_bins": "the mean of all {stored} tracks and of all bins",
}

_STACKS = ("stack", "stack_without_enformer")


@dataclass(frozen=True)
class StudyConditions:
    """What the numbers of a cohort's run rest on.

    Attributes
    ----------
    n_people, n_folds : int
    fold_seeds : tuple of int
    model_window : int
        Bases that Enformer reads round a TSS.
    cis_windows : tuple of int
        Bases round a TSS whose variants the genetic baselines use, the fewest first.
    tissue : str
        The tissue's tracks, as they were asked for.
    n_tissue_tracks, n_stored_tracks, n_centre_bins : int
    weights : str
    stack_features : tuple of str
    """

    n_people: int
    n_folds: int
    fold_seeds: tuple[int, ...]
    model_window: int
    cis_windows: tuple[int, ...]
    tissue: str
    n_tissue_tracks: int
    n_stored_tracks: int
    n_centre_bins: int
    weights: str
    stack_features: tuple[str, ...]

    @classmethod
    def of_run(
        cls,
        attributes: Mapping[str, Any],
        person_folds: pd.DataFrame,
        cis_windows: pd.DataFrame,
        stack_weights: pd.DataFrame,
        *,
        tissue: str | Sequence[str | int],
        tissue_tracks: Sequence[int],
    ) -> StudyConditions:
        """What the stored tables of a run say.

        Parameters
        ----------
        attributes : mapping
            Of the stored predictions.
        person_folds, cis_windows, stack_weights : DataFrame
            The tables of ``schemas`` with these names.
        tissue : str or sequence
            As the parameters name the tissue's tracks.
        tissue_tracks : sequence of int
            These tracks.
        """
        return cls(
            n_people=int(person_folds["individual_id"].nunique()),
            n_folds=int(person_folds["fold"].nunique()),
            fold_seeds=tuple(int(seed) for seed in sorted(person_folds["fold_seed"].unique())),
            model_window=int(attributes["geometry"]["window"]),
            cis_windows=tuple(int(length) for length in sorted(cis_windows["cis_window"].unique())),
            tissue=tissue if isinstance(tissue, str) else ", ".join(map(str, tissue)),
            n_tissue_tracks=len(tissue_tracks),
            n_stored_tracks=len(attributes["tracks"]),
            n_centre_bins=len(attributes["bins"]),
            weights=str(attributes["weights"]),
            stack_features=tuple(order_models(stack_weights["feature"])),
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StudyConditions:
        """What `dataclasses.asdict` has made, after JSON has turned tuples into lists."""
        entries: dict[str, Any] = {
            name: tuple(entry) if isinstance(entry, list) else entry for name, entry in value.items()
        }
        return cls(**entries)

    @property
    def tissue_tracks(self) -> str:
        """How many tracks the tissue has, and as what they were selected."""
        noun = "track" if self.n_tissue_tracks == 1 else "tracks"
        return f"{self.n_tissue_tracks:,} {noun} ({self.tissue})"

    def describe_people(self) -> str:
        """People and folds, as a sentence."""
        seeds = ", ".join(map(str, self.fold_seeds))
        word = "seed" if len(self.fold_seeds) == 1 else "seeds"
        return f"{self.n_people:,} people, {self.n_folds} folds by person, fold {word} {seeds}."

    def describe_models(self, models: Iterable[str]) -> str:
        """Windows, tracks and weights of some models, and of what stacks among them are made of, as sentences."""
        named = order_models(models)
        stacks = {model: self._members(model) for model in named if split_reach(model)[0] in _STACKS}
        there = {split_reach(model) for model in named}
        members = {member for of_stack in stacks.values() for member in of_stack}
        behind = order_models([*named, *(member for member in members if split_reach(member) not in there)])
        parts = [*self._describe_cis(behind), *self._describe_structure(behind), *self._describe_enformer(behind)]
        parts += [
            f"{model_label(model)}: a stack of {self._join_members(of_stack)}" for model, of_stack in stacks.items()
        ]
        resting = any(split_reach(model)[0] in _ENFORMER_TRACKS or _is_component(model) for model in behind)
        parts.append(f"Enformer's weights: {self.weights}" if resting else "No Enformer in it: no tracks, no weights")
        return " ".join(f"{part}." for part in parts)

    def describe(self, models: Iterable[str]) -> str:
        """All of it for a figure that shows these models."""
        return f"{self.describe_people()} {self.describe_models(models)}"

    def _describe_cis(self, models: Sequence[str]) -> list[str]:
        """The cis windows of the genetic baselines, each with those that use it."""
        parts = []
        for length in self.cis_windows:
            of_window = [model for model in models if self._cis_window(model) == length]
            if of_window:
                parts.append(f"{_join(of_window)}: variants in a cis window of {length:,} bases round the TSS")
        return parts

    def _cis_window(self, model: str) -> int | None:
        """Length of the model's cis window; the shortest where its name tells no reach, None if it has none."""
        name, reach = split_reach(model)
        if name not in _CIS_MODELS:
            return None
        return self.cis_windows[0] if reach is None else next(n for n in self.cis_windows if n // 2 == reach)

    def _describe_structure(self, models: Sequence[str]) -> list[str]:
        names = [model for model in models if split_reach(model)[0] == "genotype_pcs"]
        return [f"{_join(names)}: variants of the whole study, no window"] if names else []

    def _describe_enformer(self, models: Sequence[str]) -> list[str]:
        """Window and bins of Enformer, and the tracks of each of its summaries."""
        told = {"tissue": self.tissue_tracks, "stored": f"{self.n_stored_tracks:,}"}
        tracks = [
            f"{model_label(model)}: {_ENFORMER_TRACKS[split_reach(model)[0]].format(**told)}"
            for model in models
            if split_reach(model)[0] in _ENFORMER_TRACKS
        ]
        if any(map(_is_component, models)):
            tracks.append(f"components: of all {self.n_stored_tracks:,} tracks")
        if not tracks:
            return []
        return [
            f"Enformer reads {self.model_window:,} bases round the TSS and is taken at {self.n_centre_bins} centre bins; "
            + "; ".join(tracks)
        ]

    def _members(self, stack: str) -> list[str]:
        """What a stack is made of."""
        if split_reach(stack)[0] == "stack":
            return list(self.stack_features)
        return [name for name in self.stack_features if split_reach(name)[0] in _CIS_MODELS]

    def _join_members(self, members: Sequence[str]) -> str:
        n_components = sum(map(_is_component, members))
        noun = "component" if n_components == 1 else "components"
        more = [f"{n_components} {noun} of Enformer's tracks"] if n_components else []
        return _join([member for member in members if not _is_component(member)], more)


def _is_component(feature: str) -> bool:
    """Whether a feature of a stack is a principal component of Enformer's tracks."""
    return feature.startswith("enformer_pc")


def _join(models: Sequence[str], more: Sequence[str] = ()) -> str:
    """Labels in a list that ends in "and"."""
    labels = [*map(model_label, models), *more]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
