"""Where a run's outputs lie: in the cohort's folders, or in folders of its own.

The cohort's results are those of its environment (``conf/<env>``). A run whose command line selects genes, people or
sequences, or another model, has folders of its own below, so that it never replaces them.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from haploformer.errors import InputError

_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

#: Folders in the cohort's folders beside those of runs, and endings of what else lies there.
_TAKEN = (
    *("applied_beds", "disease_windows", "figures", "haplotype_windows", "held_out_populations", "left_out_windows"),
    *("linear_weights", "mutagenesis_windows", "phased", "variant_windows", "variants"),
)
_ENDINGS = (".gz", ".html", ".json", ".parquet", ".zarr")


def run_folder(cohort: str, run_name: Any, gene: Any, individual: Any, sequences: Any, preset: Any, usual: Any) -> str:
    """The run's folder within each layer, for the catalog (``${run_folder:...}``).

    Parameters
    ----------
    cohort : str
        Name of the environment's cohort.
    run_name : str, optional
        Name that the user gives the folder.
    gene, individual, sequences, preset : optional
        What the command line asks for; None where it does not.
    usual : str
        The environment's preset.

    Returns
    -------
    str
        ``cohort``; or ``cohort/name``, the name given or else made of what the run differs in.

    Raises
    ------
    InputError
        If ``run_name`` cannot be the name of a folder.
    """
    if run_name is not None:
        return f"{cohort}/{_checked(str(run_name))}"
    asked = {"gene": gene, "individual": individual, "sequences": sequences}
    asked |= {"preset": preset if preset != usual else None}
    differing = {key: str(value) for key, value in asked.items() if value is not None}
    return f"{cohort}/{_derived(differing)}" if differing else cohort


def models_folder(cohort: str, models: Any) -> str:
    """Where the models lie that `apply` carries to other people, for the catalog (``${models_folder:...}``).

    Parameters
    ----------
    cohort : str
        Name of the environment's cohort.
    models : str, optional
        ``apply.models``: the name of one of the cohort's runs, or a folder, which holds a slash.

    Raises
    ------
    InputError
        If a name cannot be that of a run.
    """
    if models is None or models == cohort:
        return f"data/06_models/{cohort}"
    if "/" in str(models):
        return str(models).rstrip("/")
    if not _SLUG.fullmatch(str(models)) or ".." in str(models):
        raise InputError(
            "parameters:apply.models",
            f"{models!r} names neither a run nor a folder",
            "give the run_name of the run whose models are meant, or its folder: data/06_models/...",
        )
    return f"data/06_models/{cohort}/{models}"


def part_folder(run: str, *asked: Any) -> str:
    """A folder below the run's for what the command line asks for by itself, for the catalog (``${part_folder:...}``).

    Parameters
    ----------
    run : str
        The run's folder.
    asked
        Names and values in turn; a value is None where the command line does not give it.

    Returns
    -------
    str
        ``run`` where nothing is asked for.
    """
    differing = {str(key): str(value) for key, value in zip(asked[::2], asked[1::2], strict=True) if value is not None}
    return f"{run}/{_derived(differing)}" if differing else run


def _checked(name: str) -> str:
    if not _SLUG.fullmatch(name) or ".." in name or name in _TAKEN or name.endswith(_ENDINGS):
        raise InputError(
            "parameters:run_name",
            f"{name!r} cannot name a folder of outputs",
            "give up to 64 of a-z, 0-9, '-', '_' and '.', beginning with a letter or digit, "
            f"none of {', '.join(_TAKEN)}, and no ending {', '.join(_ENDINGS)}",
        )
    return name


def _derived(differing: dict[str, str]) -> str:
    """A readable name that no other difference has: names of genes, people and files never are paths by themselves."""
    words = []
    for key, value in differing.items():
        first, *others = value.replace("\\", "/").split("/")[-1].split("+")
        words.append(f"{key}-{re.sub('[^a-z0-9]+', '-', first.lower()).strip('-')[:24]}")
        words += [f"and-{len(others)}-more"] if others else []
    digest = hashlib.sha256(json.dumps(differing, sort_keys=True).encode()).hexdigest()
    return f"{'-'.join(words)}-{digest[:8]}"
