"""What is checked of a run before anything is written: every input there, readable, and fitting the others."""

from haploformer.preflight.run import (
    COHORT_OUTPUTS,
    check_inputs,
    require_same_sources,
    require_selection,
    require_stored_inputs,
)

__all__ = ["COHORT_OUTPUTS", "check_inputs", "require_same_sources", "require_selection", "require_stored_inputs"]
