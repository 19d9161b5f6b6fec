"""The error that a user sees: one line, whatever the file that it tells of holds."""

from __future__ import annotations

import pickle

from haploformer.errors import LONGEST_PART, InputError, one_line


def test_one_line__what_a_terminal_cannot_show_is_escaped():
    text = "P\x1b[31m\0\u202e\u200b\udcff \ue000\U0001f9ec \u00e9"
    assert one_line(text) == "P\\x1b[31m\\x00\\u202e\\u200b\\udcff \\ue000\U0001f9ec \u00e9"


def test_one_line__blanks_of_all_kinds_are_joined():
    assert one_line(" a\n\tb\x1c\u2028 c\r") == "a b c"


def test_one_line__of_a_long_text_both_ends():
    shown = one_line("a" * 5000 + "b" * 5000)
    assert len(shown) <= LONGEST_PART
    assert shown.startswith("aaaa")
    assert shown.endswith("bbbb")
    assert " ... " in shown
    assert one_line("x" * LONGEST_PART) == "x" * LONGEST_PART


def test_input_error__place_problem_and_remedy_whatever_their_length():
    error = InputError("a.vcf:" + "x" * 9000, "cell '\0' " + "y" * 9000, "correct it")
    assert len(str(error)) < 2 * LONGEST_PART + 20
    assert str(error).startswith("a.vcf:x")
    assert ": cell '\\x00' y" in str(error)
    assert str(error).endswith("y; correct it")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301
