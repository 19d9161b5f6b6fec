"""Run the packaged project: ``haploformer --pipelines data_prep``."""

from pathlib import Path

from kedro.framework.project import configure_project


def main() -> None:
    """The ``run`` command of the project in the current folder."""
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(Path.cwd())
    configure_project("haploformer")
    from haploformer.cli import run

    run(standalone_mode=True)


if __name__ == "__main__":
    main()
