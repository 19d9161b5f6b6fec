"""Measurements beside peers; no part of the test run."""
