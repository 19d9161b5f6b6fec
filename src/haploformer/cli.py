"""The project's ``kedro run``: Kedro's own, with errors that a user can act on in one line."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.io import DatasetError
from kedro.validation import DataValidationError, ParameterValidationError

from haploformer.errors import InputError, one_line
from haploformer.formats.files import full_disk

#: Set to anything to see the traceback of a known error.
TRACEBACK_VARIABLE = "HAPLOFORMER_TRACEBACK"

#: Of what others than the project say, no more characters are shown.
_LONGEST_LINE = 1500


def describe_error(error: BaseException) -> str | None:
    """One line for an error that the user can mend, None for any other.

    The first `InputError` in the chain of causes tells most; then what the system says of a full disk, and Kedro and
    pandera of data and parameters. A YAML that has no end is told as such: what its readers say of it is as long as they
    got.
    """
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for link in chain:
        if isinstance(link, InputError):
            return str(link)
        if isinstance(link, RecursionError) and {"yaml", "omegaconf"} & set(_packages(link)):
            return str(_endless_value(link))
    if (full := full_disk(error)) is not None and full.filename:
        return str(InputError(str(full.filename), f"cannot be written ({full.strerror})", "make room and run again"))
    for link in chain:
        if isinstance(link, DataValidationError | ParameterValidationError | DatasetError | click.ClickException):
            return one_line(str(link), longest=_LONGEST_LINE)
    if _raised_by_kedro(error):
        return one_line(str(error), longest=_LONGEST_LINE)
    return None


def _endless_value(error: RecursionError) -> InputError:
    """What is wrong with a file of the configuration that cannot be followed to its end."""
    where = "the configuration"
    for frame, _ in traceback.walk_tb(error.__traceback__):
        # Kedro's own name for the file that it reads, which no error tells.
        where = str(frame.f_locals.get("config_filepath", where))
    return InputError(
        where,
        "a value of the YAML holds itself (*x within &x), or values lie in each other too deep",
        "write the value out, or leave it out",
    )


def _raised_by_kedro(error: BaseException) -> bool:
    """Whether Kedro refused what it was asked for: a name of a pipeline, node, runner or environment, a broken YAML."""
    packages = _packages(error)
    foreign = set(packages) - {"kedro", "haploformer", "click"}
    known = {"yaml", "omegaconf", "antlr4", "importlib", "pluggy"}
    return bool(packages) and packages[-1] in {"kedro", *known} and foreign <= known


def _packages(error: BaseException) -> list[str]:
    """Whose code an error has come through, the outermost first."""
    frames = traceback.walk_tb(error.__traceback__)
    return [str(frame.f_globals.get("__name__", "")).split(".")[0] for frame, _ in frames]


def one_line_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn known errors of ``function`` into a last line ``Error: ...`` and exit code 1."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            line = describe_error(error)
            if line is None or os.environ.get(TRACEBACK_VARIABLE):
                raise
            _exit_with(line)

    return guarded


def _exit_with(line: str) -> NoReturn:
    sys.stdout.flush()
    click.echo(f"Error: {line}", err=True)
    sys.exit(1)


#: Set while `kedro run` has started itself again with huge pages.
RESTARTED_VARIABLE = "HAPLOFORMER_RESTARTED"

#: A forward pass allocates and frees gigabytes; huge pages make it 1.5 times as fast. They are read at process start.
HUGE_PAGES = {"THP_MEM_ALLOC_ENABLE": "1", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def huge_page_environment(environment: Mapping[str, str], *, platform: str) -> dict[str, str] | None:
    """The environment to start again with, None where this one is as it should be or the user has set it."""
    if platform != "linux" or RESTARTED_VARIABLE in environment or set(HUGE_PAGES) & set(environment):
        return None
    return {**environment, **HUGE_PAGES, RESTARTED_VARIABLE: "1"}


def _restart_with_huge_pages() -> None:
    """Replace this process by the same command with huge pages, if it is Kedro's command line."""
    environment = huge_page_environment(os.environ, platform=sys.platform)
    started_as = Path(sys.argv[0])
    if environment is not None and (started_as.name == "kedro" or started_as.parts[-2:] == ("kedro", "__main__.py")):
        os.execve(sys.executable, [sys.executable, "-m", "kedro", *sys.argv[1:]], environment)  # noqa: S606


def _run(**options: Any) -> Any:
    _restart_with_huge_pages()
    return kedro_run.callback(**options)


@click.group(name="haploformer")
def cli() -> None:
    """Personal gene expression from personal genomes."""


run = click.Command(
    "run",
    params=kedro_run.params,
    callback=one_line_errors(_run),
    help=f"{kedro_run.help}\n\nErrors in files and parameters are one line; {TRACEBACK_VARIABLE}=1 shows the traceback.",
)
cli.add_command(run)


@click.command("convert-weights")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Default: model.safetensors beside the source.")
@click.option(
    "--gamma",
    type=click.Choice(["tabulated", "computed"]),
    default="tabulated",
    show_default=True,
    help="Position features that the weights were trained with; the published ones need the table.",
)
@click.option("--force", is_flag=True, help="Replace the output if it is there.")
@one_line_errors
def convert_weights(source: Path, output: Path | None, gamma: str, force: bool) -> None:
    """Make a PyTorch checkpoint (SOURCE: a .bin, or its folder) into safetensors, without running code in it."""
    from haploformer.formats.checkpoint import convert_checkpoint

    click.echo(convert_checkpoint(source, output, gamma=gamma, overwrite=force).describe())


cli.add_command(convert_weights)
