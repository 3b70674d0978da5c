"""National Provider Identifiers: ten digits, the last a Luhn check over "80840" and the first nine.

Ours start with 2, a prefix that is reserved and never issued: none belongs to anybody.
"""

from __future__ import annotations

ISSUER = "80840"  # the card issuer prefix that the standard puts before an NPI


def check_digit(nine: str) -> str:
    """The Luhn digit that completes nine digits."""
    total = 0
    for place, digit in enumerate(reversed(ISSUER + nine)):
        # from the right, every other digit doubled, starting beside the check digit
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def npi(number: int) -> str:
    """The synthetic NPI with a running number (0 to 99,999,999)."""
    nine = f"2{number:08d}"
    return nine + check_digit(nine)


def is_valid(value: str) -> bool:
    return len(value) == 10 and value.isdigit() and value[0] in "12" and check_digit(value[:9]) == value[9]
