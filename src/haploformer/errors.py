"""The one error that tells a user what is wrong with what they gave us."""

from __future__ import annotations

#: Of a message's place and problem, or of a remedy, no more characters are shown: cells of files may be of any length.
LONGEST_PART = 600


def one_line(text: str, *, longest: int = LONGEST_PART) -> str:
    """The text as one line that a terminal can show: blanks joined, what has no glyph escaped, a long middle left out."""
    words = " ".join(text.split())
    # Reversed text, a control sequence or half a character of a damaged file would change or end what is shown.
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
    half = (longest - 5) // 2
    return shown if len(shown) <= longest else f"{shown[:half]} ... {shown[-half:]}"


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
        super().__init__(f"{one_line(where)}: {one_line(problem)}; {one_line(remedy)}")

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str]]:
        return type(self), (self.where, self.problem, self.remedy)
