"""Enformer: geometry, weights, tracks, the inference engine and summaries of its output. Pure torch and numpy."""
