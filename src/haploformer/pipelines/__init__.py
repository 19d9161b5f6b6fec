"""Pipelines: the order of steps and the names of what passes between them. Nothing is computed here.

Nodes import the packages that compute when they run, so that commands which run nothing start fast.
"""
