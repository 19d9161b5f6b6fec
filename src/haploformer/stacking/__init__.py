"""Folds by person, and the stack of out-of-fold predictions within a gene."""
