"""Kedro's settings of the project."""

from haploformer.hooks import InputHooks, SummaryHooks
from haploformer.run_folder import models_folder, part_folder, run_folder

HOOKS = (InputHooks(), SummaryHooks())

# An environment that sets one parameter of a group keeps the others of conf/base.
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},
    "custom_resolvers": {
        "run_folder": run_folder,
        "models_folder": models_folder,
        "part_folder": part_folder,
    },
}
