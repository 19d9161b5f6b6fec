"""Every SNP of the real region in every gene's window: which pairs there are."""

from __future__ import annotations

import numpy as np
import pytest

from haploformer.formats.expression_bed import read_expression_bed
from haploformer.formats.fasta import FastaReference
from haploformer.formats.vcf import VcfFile
from haploformer.genome.encoding import encode
from haploformer.genome.intervals import whole_contig
from haploformer.genome.variant_selection import require_reference
from haploformer.genome.variant_windows import build_variant_windows
from haploformer.genome.variants import named_alleles
from haploformer.genome.windows import build_windows, known_windows

pytestmark = pytest.mark.real_data


def test_build_variant_windows__all_pairs_of_the_region(shared_data):
    reference = FastaReference(shared_data / "reference/chr22_1-22000000.hg19.fa.gz")
    vcf = VcfFile(shared_data / "genotypes/geuvadis343.hm3.chr22_16-22Mb.beagle_phased.vcf.gz")
    records, counts = vcf.read_sites([whole_contig("22")], reference)
    assert sum(counts.values()) == len(records) == 2_184
    variants = named_alleles(records)
    require_reference(variants, reference, source=vcf.name)
    bed = shared_data / "expression/GEUVADIS_LCL.chr22.fastqtl.normalized_expression.bed.gz"
    windows = build_windows(read_expression_bed(bed).genes.assign(strand="."), reference, length=196_608)
    windows = known_windows(windows, max_n_share=0.0005)
    made = build_variant_windows(
        windows, variants, reference, reverse=[False] * len(windows), both_strands=False, provenance={}
    )
    pairs = made.table
    assert (len(pairs), pairs["variant_id"].nunique(), pairs["gene_id"].nunique()) == (5_951, 1_864, 58)
    starts = windows.set_index("gene_id")["start"]
    for row in pairs.sample(20, random_state=1).itertuples():
        alone, plain = made.codes([row.window, int(made.reference_rows([row.window])[0])])
        assert np.flatnonzero(alone != plain).tolist() == [row.pos - 1 - starts[row.gene_id]]
        assert alone[row.pos - 1 - starts[row.gene_id]] == encode(row.alt)[0]
