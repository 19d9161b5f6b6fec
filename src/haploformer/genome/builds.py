"""Builds of the human genome, told by the lengths of their chromosomes.

Source: Genome Reference Consortium, assemblies GRCh37 (GCA_000001405.1) and GRCh38 (GCA_000001405.15),
https://www.ncbi.nlm.nih.gov/grc/human/data. Patches change no length.
"""

from __future__ import annotations

from collections.abc import Mapping

_AUTOSOMES_37 = (
    249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
    135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520,
    48129895, 51304566,
)  # fmt: skip
_AUTOSOMES_38 = (
    248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422,
    135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167,
    46709983, 50818468,
)  # fmt: skip

#: Length of each chromosome that tells the builds apart, by canonical name. MT has 16,569 bases in GRCh38 and in most
#: files of GRCh37; only UCSC's hg19 has another one.
CHROMOSOME_LENGTHS: dict[str, dict[str, int]] = {
    "GRCh37": {str(i): n for i, n in enumerate(_AUTOSOMES_37, start=1)} | {"X": 155270560, "Y": 59373566, "MT": 16571},
    "GRCh38": {str(i): n for i, n in enumerate(_AUTOSOMES_38, start=1)} | {"X": 156040895, "Y": 57227415},
}


def name_build(lengths: Mapping[str, int]) -> str | None:
    """The build whose chromosomes have these lengths; None if no length is that of a build, or they are of both.

    Parameters
    ----------
    lengths : mapping
        Bases of some contigs, by canonical name; a contig that is cut has no build's length.
    """
    found = {
        build
        for build, chromosomes in CHROMOSOME_LENGTHS.items()
        if any(length == chromosomes.get(name) for name, length in lengths.items())
    }
    return found.pop() if len(found) == 1 else None
