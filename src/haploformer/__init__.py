"""Personal gene expression from personal genomes with Enformer, beside genetic baselines."""

__version__ = "0.1.0"
