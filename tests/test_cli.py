"""The overridden run command: huge pages, and errors in one line."""

from __future__ import annotations

import pytest

from haploformer.cli import HUGE_PAGES, RESTARTED_VARIABLE, describe_error, huge_page_environment
from haploformer.errors import InputError


def test_huge_page_environment__starts_again_once_and_only_where_it_helps():
    again = huge_page_environment({"PATH": "x"}, platform="linux")
    assert again == {"PATH": "x", **HUGE_PAGES, RESTARTED_VARIABLE: "1"}
    assert huge_page_environment(again, platform="linux") is None
    assert huge_page_environment({"PATH": "x"}, platform="darwin") is None


@pytest.mark.parametrize("variable", sorted(HUGE_PAGES))
def test_huge_page_environment__what_the_user_has_set_stands(variable):
    assert huge_page_environment({variable: "0"}, platform="linux") is None


def raise_within_another() -> None:
    try:
        raise InputError("a.vcf:22:5", "is wrong", "mend it")
    except InputError as inner:
        raise RuntimeError("while loading") from inner


def test_describe_error__the_first_input_error_of_the_chain():
    with pytest.raises(RuntimeError) as caught:
        raise_within_another()
    assert describe_error(caught.value) == "a.vcf:22:5: is wrong; mend it"


def test_describe_error__an_error_of_our_own_keeps_its_traceback():
    assert describe_error(AssertionError("a shard is missing")) is None
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / len([])
    assert describe_error(caught.value) is None
