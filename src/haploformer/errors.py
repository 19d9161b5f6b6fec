"""The one error that tells a user what is wrong with what they gave us."""

from __future__ import annotations


class InputError(ValueError):
    """A file, a record or a parameter that cannot be used.

    Shown as one line, ``where: what is wrong; what to do``.

    Parameters
    ----------
    where : str
        The file or parameter, with the record or field where there is one:
        ``genotypes.vcf.gz:22:17001000``, ``parameters:enformer.preset``.
    problem : str
        What came, and what is expected.
    remedy : str
        What the user can do about it.
    """

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        self.where = where
        self.problem = problem
        self.remedy = remedy
        super().__init__(" ".join(f"{where}: {problem}; {remedy}".split()))

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str]]:
        return type(self), (self.where, self.problem, self.remedy)
