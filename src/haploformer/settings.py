"""Kedro's settings of the project."""

from haploformer.hooks import InputHooks, SummaryHooks

HOOKS = (InputHooks(), SummaryHooks())

CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
