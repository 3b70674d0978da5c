"""Pieces that are made once and shared, and forms with blanks."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from sandbox.core.files import json_bytes
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.templates import BLANK, Template


def test_equal_numbers_keep_their_own_digits() -> None:
    for digits in ("5", "5.0", "5.00", "5.0"):
        written = b'{"value":' + digits.encode() + b',"unit":"mg"}'
        assert json_bytes(fhir.quantity(Decimal(digits), "mg")) == written


@pytest.mark.parametrize("amount", ["12", "12.0", "12.00"])
def test_money_has_two_digits_whatever_it_came_with(amount: str) -> None:
    assert json_bytes(fhir.money(Decimal(amount))) == b'{"value":12.00,"currency":"USD"}'


def test_things_of_one_day_are_a_minute_and_a_second_apart() -> None:
    moments = [fhir.instant(date(2026, 3, 1), order) for order in range(480)]
    assert moments[:2] == ["2026-03-01T14:00:00Z", "2026-03-01T14:01:01Z"]
    assert moments == sorted(set(moments))
    assert fhir.instant(date(2026, 3, 1), 481) == moments[1]


def test_a_form_is_filled_in_the_order_of_its_blanks() -> None:
    form = Template({"start": BLANK, "note": "100 % {}", "end": f"x-{BLANK}-y"})
    assert json_bytes(form.filled("a", "b")) == b'{"start":"a","note":"100 % {}","end":"x-b-y"}'
    assert json_bytes(form.filled("c", "d")) == b'{"start":"c","note":"100 % {}","end":"x-d-y"}'


@pytest.mark.parametrize("values", [(), ("a",), ("a", "b", "c")])
def test_a_form_with_too_few_or_too_many_values_is_refused(values: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="size"):
        Template([BLANK, BLANK]).filled(*values)
