"""Lists as a command line and a file give them; the base of every group."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)


def as_list(value: Any) -> Any:
    """A scalar is a list of one; a command line joins several by ``+`` (``22`` arrives as a number).

    A text with a space or a colon is one entry: descriptions of tracks hold ``+`` (``CAGE:CD14+ Monocytes``).
    """
    if isinstance(value, str):
        return [value] if " " in value or ":" in value else value.split("+")
    return value if value is None or isinstance(value, list | tuple) else [value]


def as_texts(value: Any) -> Any:
    """As `as_list`, every entry as text."""
    entries = as_list(value)
    return entries if entries is None else [str(entry) for entry in entries]


def without_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The entries; ValueError if one stands twice."""
    if len(set(values)) < len(values):
        raise ValueError("an entry stands twice")
    return values


TextList = Annotated[tuple[str, ...], BeforeValidator(as_texts)]

Names = Annotated[TextList, Field(min_length=1), AfterValidator(without_repeats)]

Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    BeforeValidator(as_list),
    Field(min_length=1),
    AfterValidator(without_repeats),
]


class ParameterGroup(BaseModel):
    """A group of parameters: unknown names are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
