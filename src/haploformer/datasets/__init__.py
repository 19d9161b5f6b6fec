"""Kedro datasets, one file each: thin over `haploformer.formats`. Big things load as handles, not as arrays."""
