"""Measured expression and covariates as matrices, and adjustment for covariates with training coefficients."""
