"""Effects of variants, and what they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

from haploformer.errors import InputError


def check_comparisons(
    names: Set[str], made: Set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]
) -> None:
    """What effects and scans are compared with is given, can be read, and has rows."""
    if "effect_pairs" in made:
        _check_eqtls(names, load, parameters)
    if "eqtl_sizes" in made and load("top_associations").empty:
        raise InputError(
            "top_associations",
            "no table of strongest associations is given, or it is not there",
            "name one: --params top_associations=FILE",
        )
    if "eqtl_scan" in made and "variants" in names:
        from haploformer.effects.scan import split_people

        options = parameters["eqtl_scan"]
        ids = list(load("variants").genotypes.individual_ids)
        split_people(ids, chosen=options.individuals, share=options.share, seed=options.seed)
    if "linear_weights" in made:
        require_strand_of_people(parameters["variant_effects"])
        if parameters["linear_export"].build is None:
            raise InputError(
                "parameters:linear_export.build",
                "none is given, and weights without the build of their positions are of no use",
                "set it to GRCh37 or GRCh38",
            )


def check_named_variants(names: Set[str], load: Callable[[str], Any], effects: Any) -> None:
    """Variants that are named are known, and at least one lies in a stored window."""
    if effects.file is not None or effects.variants == ("cohort",) or not {"variants", "tss_windows"} <= names:
        return
    from haploformer.genome.variant_selection import choose_variants, describe_outside, lie_in_windows
    from haploformer.genome.variants import named_alleles

    where, genotypes = "parameters:variant_effects.variants", load("variants").genotypes
    source = str(genotypes.provenance.get("source", "genotypes"))
    chosen = choose_variants(effects.variants, named_alleles(genotypes.records), where=where, source=source)
    describe_outside(chosen, lie_in_windows(chosen, load("tss_windows")), where=where)


def _check_eqtls(names: Set[str], load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    eqtls = load("external_eqtls")
    if eqtls.form == "none":
        raise InputError(
            "external_eqtls",
            "no table of eQTLs is given",
            "name one: --params eqtls=FILE (kedro run --pipelines eqtl_scan makes one from half of the people)",
        )
    if "tss_windows" in names:
        from haploformer.effects.external import choose_rows

        gene_ids = load("tss_windows")["gene_id"].tolist()
        choose_rows(eqtls.table, gene_ids, source=eqtls.name, tissue=parameters["external_eqtls"].tissue)


def require_strand_of_people(effects: Any) -> None:
    """Effects stand beside people's predictions, which are of one strand."""
    if effects.strands != "forward":
        raise InputError(
            "parameters:variant_effects.strands",
            "effects of both strands cannot be compared with predictions of people, whose windows are read from one",
            "set it to forward, and run variant_effects with it first",
        )


def require_two_known_copies(effects: Any, data_prep: Any) -> None:
    """Haplotypes are taken apart into the cohort's variants; a mean of both copies is none."""
    require_strand_of_people(effects)
    if effects.variants != ("cohort",):
        raise InputError(
            "parameters:variant_effects.variants",
            "haplotypes are taken apart into the cohort's variants, and others are chosen",
            "leave it at cohort for haplotype_effects",
        )
    if data_prep.phase == "mean":
        raise InputError(
            "parameters:data_prep.phase",
            "a mean of both copies cannot be taken apart into the variants of a haplotype",
            "set it to phase, or use variant_effects, which needs no phase",
        )


def require_disease_variants(load: Callable[[str], Any]) -> None:
    """A file of at least one kind; both can be read."""
    if load("gwas_catalog").n_rows + load("clinvar").n_rows == 0:
        raise InputError(
            "gwas_catalog, clinvar",
            "neither associations of the GWAS catalog nor variants of ClinVar are given, or they are not there",
            "name one: --params gwas=FILE, or clinvar=FILE,clinvar_build=GRCh38",
        )


def check_populations(load: Callable[[str], Any], parameters: Mapping[str, Any]) -> None:
    """Two groups of people, and effects that add up to what is predicted of them."""
    from haploformer.genome.populations import choose_groups

    options, effects = parameters["population_effects"], parameters["variant_effects"]
    require_strand_of_people(effects)
    choose_groups(load("individuals"), options.first, options.second)
    if effects.variants != ("cohort",):
        raise InputError(
            "parameters:variant_effects.variants",
            "differences between populations are made of the cohort's variants, and others are chosen",
            "leave it at cohort for population_effects",
        )
    if parameters["data_prep"].phase == "mean":
        raise InputError(
            "parameters:data_prep.phase",
            "a mean of both copies is no haplotype, whose variants' effects could be added up",
            "set it to phase for population_effects",
        )
