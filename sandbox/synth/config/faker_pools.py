"""`fixtures/names.yaml` made anew from the Faker that is installed: `make names`.

A population is made from the file, never from Faker itself, whose lists change with its releases. Run this
to take a newer list on purpose, and rewrite the golden digest with it.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

HEAD = """\
# Names and places of synthetic people. `make names` makes this file from the Faker that is installed.
#   female, male, family: how common each name is · postal_codes: first and last of each state
source: Faker {version}, providers person.en_US and address.en_US (https://github.com/joke2k/faker)
licence: MIT, copyright (c) 2012 Daniele Faraglia
#   Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
#   associated documentation files (the "Software"), to deal in the Software without restriction, including
#   without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
#   copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
#   following conditions: The above copyright notice and this permission notice shall be included in all
#   copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY
#   KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A
#   PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
#   ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
#   OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
NAMES = {"female": "first_names_female", "male": "first_names_male", "family": "last_names"}
WORDS = ("street_suffixes", "city_prefixes", "city_suffixes")


def render() -> str:
    """The file as text."""
    from faker.providers.address.en_US import Provider as Addresses
    from faker.providers.person.en_US import Provider as People

    parts = [HEAD.format(version=version("faker"))]
    for name, source in NAMES.items():
        rows = (f"  {word}: {share:.9f}\n" for word, share in _shares(getattr(People, source)).items())
        parts.append(f"\n{name}:\n{''.join(rows)}")
    for name in WORDS:
        rows = (f"  - {word}\n" for word in getattr(Addresses, name))
        parts.append(f"\n{name}:\n{''.join(rows)}")
    codes = Addresses.states_postcode.items()
    rows = (f"  {state}: [{first}, {last}]\n" for state, (first, last) in codes)
    return "".join([*parts, f"\npostal_codes:\n{''.join(rows)}"])


def _shares(names: Any) -> dict[str, float]:
    """Names with their shares; a release of Faker that has none gets equal ones."""
    return dict(names) if isinstance(names, dict) else dict.fromkeys(names, 1 / len(names))


if __name__ == "__main__":
    sys.stdout.write(render())
