"""Intervals, reference, variants, genotypes, haplotypes, encoding, windows. Pure numpy and pandas."""
