"""Genetic baselines on allele dosages, cross-fitted by person."""
