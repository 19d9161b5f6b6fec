"""Scores of every model alike: metrics, adjustment, summaries and the known answer."""
