"""Genotypes with the phase that the run's policy gives them."""

from __future__ import annotations

from kedro.io import DatasetError

from haploformer.datasets.base import PathDataset
from haploformer.formats.genotype_batch import GenotypeFile
from haploformer.formats.phasing import Phasing


class PhasedGenotypesDataset(PathDataset[Phasing, GenotypeFile]):
    """Saving a plan phases what is not phased yet; loading gives the calls as a handle.

    What Beagle made stays in the folder, found again by its content. The handle is made anew in each run.
    """

    #: Kedro's mark of a dataset that lives as long as the run.
    _EPHEMERAL = True

    _opened: GenotypeFile | None = None

    def save(self, data: Phasing) -> None:
        """Phase the calls, where the plan asks for it."""
        self._opened = data.run(self._path)

    def load(self) -> GenotypeFile:
        """The genotype file with its phases, or as it is."""
        if self._opened is None:
            raise DatasetError("phased_genotypes is made in each run: begin the run at phase_genotypes")
        return self._opened

    def _exists(self) -> bool:
        return self._opened is not None
