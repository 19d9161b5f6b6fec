"""A process that tries one case after the other on a study of its own: it may crash or hang, and is then replaced."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.builders.hostile import CONFIGURATION, PARAMETERS, Edit, apply_edits, catalog_entries, write_study

#: No case may need more address space.
MAX_BYTES = 8 * 2**30

#: A server is replaced after so many cases, whatever it has kept in memory.
CASES_OF_A_SERVER = 4000

#: What reading a FASTA may make beside it.
_INDICES = (".fai", ".gzi")

#: A message of more characters is not read by anybody.
LONGEST_LINE = 2000


@dataclass(frozen=True)
class Verdict:
    """What became of a case.

    Attributes
    ----------
    outcome : str
        ``passed`` or ``refused``, as it should be; or ``failed``.
    text : str
        The line of a refusal; what is wrong otherwise.
    signature : str
        The same for two cases with one cause, as far as can be told.
    """

    outcome: str
    text: str = ""
    signature: str = ""


class Server:
    """Tries cases in a child process.

    Parameters
    ----------
    time_limit : float
        Seconds after which a case is said to hang.
    """

    def __init__(self, *, time_limit: float = 30.0) -> None:
        self.time_limit = time_limit
        self._process: Any = None
        self._pipe: Any = None
        self._folders: list[Path] = []
        self._n_tried = 0

    def try_case(self, kind: str, edits: Sequence[Edit]) -> Verdict:
        """What becomes of the study with these edits."""
        if self._process is None or self._n_tried >= CASES_OF_A_SERVER:
            self._start()
        self._n_tried += 1
        try:
            self._pipe.send((kind, list(edits)))
            if self._pipe.poll(self.time_limit):
                return self._pipe.recv()
            verdict = Verdict("failed", f"no answer within {self.time_limit:.0f} s", f"{kind}: hangs")
        except (EOFError, OSError):
            self._process.join(5)
            code = self._process.exitcode
            verdict = Verdict("failed", f"the process ended with exit code {code}", f"{kind}: dies ({code})")
        self.close()
        return verdict

    def close(self) -> None:
        """End the child process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            shutil.rmtree(self._folders[-1], ignore_errors=True)
        self._process = None

    def folders(self) -> list[Path]:
        """What the child processes have left: nothing, after `close`."""
        return [folder for folder in self._folders if folder.exists()]

    def _start(self) -> None:
        self.close()
        # In memory where that can be: a case writes and removes some hundred files.
        memory = Path("/dev/shm")  # noqa: S108
        self._folders.append(
            Path(tempfile.mkdtemp(prefix="hostile-", dir=memory if os.access(memory, os.W_OK) else None))
        )
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_serve, args=(theirs, self._folders[-1]), daemon=True)
        self._process.start()
        theirs.close()
        if not (self._pipe.poll(180) and self._pipe.recv() == "ready"):
            raise RuntimeError("the server does not start")
        self._n_tried = 0

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve(pipe: Connection, folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What htslib says is no part of the answer.
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    bench = Bench(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            kind, edits = pipe.recv()
            try:
                verdict = bench.try_case(kind, edits)
            except Exception as error:
                verdict = _failure(kind, "the test itself", error)
            pipe.send(verdict)
    # Whoever asked is gone without a word, and cannot clean up.
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)


class Bench:
    """A copy of the project with the small study, in a folder, in this process.

    Whether every case ends well is told by `try_case`; it changes the working directory.
    """

    def __init__(self, folder: Path) -> None:
        from kedro.framework.startup import bootstrap_project

        from tests.conftest import copy_project

        self.project = copy_project(folder / "project").root
        shutil.rmtree(self.project / "data" / "01_raw" / "demo")
        self.raw = self.project / "data" / "01_raw" / "study"
        write_study(self.raw)
        (self.project / "conf/base/globals.yml").write_text("cohort: study\nraw_dir: data/01_raw/study\npreset: tiny\n")
        self._write_configuration()
        self.files = {path: path.read_bytes() for path in sorted(self.raw.iterdir())}
        self.configuration = {path: path.read_bytes() for path in sorted((self.project / "conf").rglob("*.yml"))}
        self.catalogs: dict[str, dict[str, Any]] = {}
        os.chdir(self.project)
        bootstrap_project(self.project)
        logging.disable(logging.CRITICAL)

    def try_case(self, kind: str, edits: Sequence[Edit]) -> Verdict:
        """What becomes of the study with these edits; afterwards it is as it was."""
        configuration = kind in CONFIGURATION
        try:
            if kind == "checksum":
                _record(self.raw / "genotypes.vcf")
            apply_edits(self.project if configuration else self.raw, edits)
            before = self._contents()
            verdict = self._run(kind) if configuration else self._check(kind)
            if verdict.outcome != "failed" and (changed := self._changes(before, verdict)):
                return Verdict("failed", f"{verdict.text}: written all the same: {changed}", f"{kind}: writes")
            return verdict
        finally:
            self._restore(configuration)

    def _check(self, kind: str) -> Verdict:
        """The checks of `validate` on files; what passes is read and made into windows."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                found = self._validate(kind)
            except Exception as error:
                told = _input_error(error)
                return judge_line(kind, str(told)) if told else _failure(kind, "validate", error)
            try:
                self._prepare(found)
            except Exception as error:
                return _failure(kind, "what validate passes is refused later", error)
        return Verdict("passed")

    def _validate(self, kind: str) -> Any:
        from kedro.framework.project import pipelines

        from haploformer.hooks import InputHooks, check_parameters
        from haploformer.summary_text import describe_validation

        catalog = self._catalog(kind)
        if kind.startswith("sequences"):
            InputHooks().before_pipeline_run({}, pipelines["sequence_prediction"], catalog)
        InputHooks().before_pipeline_run({}, pipelines["validate"], catalog)
        for name, group in check_parameters(PARAMETERS).items():
            catalog[f"params:{name}"] = group
        [node] = pipelines["validate"].nodes
        table = node.run({name: catalog.load(name) for name in node.inputs})["input_validation"]
        catalog.save("input_validation", table)
        describe_validation(catalog.load("input_validation"))
        return catalog

    def _prepare(self, catalog: Any) -> None:
        import pandas as pd
        from kedro.framework.project import pipelines

        made: dict[str, Any] = {}
        for name in ("data_prep", "sequence_build"):
            for node in pipelines[name].nodes:
                for output, value in node.run(
                    {i: made[i] if i in made else catalog.load(i) for i in node.inputs}
                ).items():
                    catalog.save(output, value)
                    if isinstance(value, pd.DataFrame):
                        made[output] = value

    def _catalog(self, kind: str) -> Any:
        from kedro.framework.session import KedroSession
        from kedro.io import DataCatalog

        if kind not in self.catalogs:
            with KedroSession.create(self.project) as session:
                loader = session.load_context().config_loader
            entries = {
                name: entry
                for name, entry in loader["catalog"].items()
                if str(entry.get("filepath")).startswith(("data/02", "data/03", "data/04", "data/08"))
            }
            self.catalogs[kind] = entries | catalog_entries(kind, self.raw)
        inputs = catalog_entries(kind, self.raw)
        entries = self.catalogs[kind] | {"checked_inputs": {"type": "MemoryDataset", "copy_mode": "assign"}}
        catalog = DataCatalog.from_config({name: entry for name, entry in entries.items() if "{" not in name})
        catalog["parameters"] = PARAMETERS
        # Every node loads its inputs again, which says nothing new.
        load, loaded = catalog.load, {}

        def load_once(name: str, version: Any = None) -> Any:
            if name not in inputs:
                return load(name)
            if name not in loaded:
                loaded[name] = load(name)
            return loaded[name]

        catalog.load = load_once
        return catalog

    def _run(self, kind: str) -> Verdict:
        """`kedro run --pipelines validate` in this process, by way of the command line's own function."""
        from click.testing import CliRunner

        from haploformer import cli

        result = CliRunner().invoke(cli.run, ["--pipelines", "validate"])
        last = (result.stderr.splitlines() or [""])[-1]
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return _failure(kind, "kedro run", result.exception)
        if result.exit_code == 0:
            return Verdict("passed")
        if result.exit_code != 1 or not last.startswith("Error: ") or "Traceback" in result.output:
            return Verdict("failed", f"exit code {result.exit_code}, last line {last!r}", f"{kind}: last line")
        return judge_line(kind, last.removeprefix("Error: "))

    def _write_configuration(self) -> None:
        import yaml

        base = self.project / "conf" / "base"
        (base / "parameters.yml").write_text(yaml.safe_dump(PARAMETERS | {"select": {"genes": None}}, sort_keys=False))
        raw = catalog_entries("", Path("${globals:raw_dir}"))
        raw["checked_inputs"] = {"type": "MemoryDataset", "copy_mode": "assign"}
        (base / "catalog" / "01_raw.yml").write_text(yaml.safe_dump(raw, sort_keys=False))

    def _contents(self) -> dict[Path, bytes | None]:
        folders = (self.raw, self.project / "conf")
        there = [path for folder in folders for path in folder.rglob("*")]
        return {path: path.read_bytes() if path.is_file() and not path.is_symlink() else None for path in there}

    def _changes(self, before: dict[Path, bytes | None], verdict: Verdict) -> list[str]:
        """Names of the files that a case has changed, which it must not."""
        after = self._contents()
        changed = [path for path in before.keys() | after.keys() if before.get(path, b"") != after.get(path, b"")]
        bad = [path for path in changed if path in before or path.suffix not in _INDICES]
        if verdict.outcome == "refused":
            bad += [path for path in self._outputs() if path.is_file()]
        return sorted(path.name for path in bad)

    def _outputs(self) -> list[Path]:
        """What lies in the layers behind the raw one."""
        return [
            path for path in (self.project / "data").rglob("*") if self.raw not in path.parents and path != self.raw
        ]

    def _restore(self, configuration: bool) -> None:
        shutil.rmtree(self.raw)
        self.raw.mkdir()
        for folder in (self.project / "data").iterdir():
            if folder.name != "01_raw":
                shutil.rmtree(folder)
        for path, content in (self.files | self.configuration if configuration else self.files).items():
            path.write_bytes(content)


def _record(path: Path) -> None:
    from tests.builders.damage import record_checksum

    record_checksum(path)


def _input_error(error: BaseException | None) -> BaseException | None:
    """What the user is told of an error: the first `InputError` of its chain, as in `haploformer.cli.describe_error`."""
    from haploformer.errors import InputError

    while error is not None and not isinstance(error, InputError):
        error = error.__cause__ or error.__context__
    return error


def judge_line(kind: str, line: str) -> Verdict:
    """Whether a line of a refusal can be shown and read."""
    if not line.strip() or not line.isprintable() or len(line) > LONGEST_LINE:
        told = line if len(line) < 300 else f"{line[:200]} ... ({len(line):,} characters)"
        return Verdict("failed", f"not one readable line: {told!r}", f"{kind}: line")
    return Verdict("refused", line)


def _failure(kind: str, when: str, error: BaseException) -> Verdict:
    """An error that no user could act on: where in the project it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    chain: BaseException = error
    while chain.__cause__ or (chain.__context__ and not chain.__suppress_context__):
        chain = chain.__cause__ or chain.__context__  # type: ignore[assignment]
        frames += traceback.extract_tb(chain.__traceback__)
    ours = [frame for frame in frames if "/haploformer/" in frame.filename] or frames
    last = ours[-1]
    place = f"{Path(last.filename).name}:{last.name}"
    text = "".join(traceback.format_exception(error))[-3000:]
    return Verdict("failed", f"{when}\n{text}", f"{kind}: {when}: {type(chain).__name__} in {place}")
