"""The versions that a load has met, of a million resources in some hundred bytes each."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sandbox.population.import_fhir.files import FilePlace


class Version(NamedTuple):
    """A version of a resource: its time (ms), `versionId`, digest of content, number and place.

    The number counts all resources of the files.
    """

    updated: int
    version: str
    digest: bytes
    number: int
    place: FilePlace


class Versions:
    """By type/id: the versions that differ. Columns instead of objects, since there are so many."""

    def __init__(self) -> None:
        self._rows: dict[str, int | list[int]] = {}
        self._updated, self._numbers, self._lines = array("q"), array("q"), array("q")
        self._digests = bytearray()
        self._words = array("l")  # version, file and element of each, by their numbers in `_texts`
        self._texts: list[str | Path] = []
        self._known: dict[str | Path, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def of_resource(self, name: str) -> list[Version]:
        """Those of one resource, in the order they were met."""
        rows = self._rows.get(name, [])
        return [self._version(row) for row in ([rows] if isinstance(rows, int) else rows)]

    def add(self, name: str, version: Version) -> None:
        """One more version of a resource."""
        row = len(self._numbers)
        self._updated.append(version.updated)
        self._numbers.append(version.number)
        self._digests += version.digest
        self._lines.append(-1 if version.place.line is None else version.place.line)
        place = version.place
        self._words.extend(self._word(text) for text in (version.version, place.file, place.element))
        there = self._rows.setdefault(name, row)
        if there != row:
            self._rows[name] = [*(there if isinstance(there, list) else [there]), row]

    def remove(self, name: str) -> None:
        """Forget a resource."""
        del self._rows[name]

    def in_several(self) -> Iterator[tuple[str, list[Version]]]:
        """The resources of which there is more than one version."""
        return ((name, self.of_resource(name)) for name, rows in self._rows.items() if isinstance(rows, list))

    def _word(self, text: str | Path) -> int:
        number = self._known.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return number

    def _version(self, row: int) -> Version:
        version, file, element = (self._texts[number] for number in self._words[3 * row : 3 * row + 3])
        line = self._lines[row]
        return Version(
            self._updated[row],
            str(version),
            bytes(self._digests[SIZE * row : SIZE * row + SIZE]),
            self._numbers[row],
            FilePlace(Path(file), None if line < 0 else line, str(element)),
        )


SIZE = 16
"""Bytes of a digest."""


class Identified:
    """type/id by `Type?identifier=system|value`; None where several have it. Queries are kept as digests."""

    def __init__(self) -> None:
        self._names: dict[int, str | None] = {}

    def get(self, query: str) -> str | None:
        """Whose identifier the query asks for."""
        return self._names.get(_brief(query))

    def claim(self, query: str, name: str) -> str | None:
        """Who had it first: this resource, if nobody did; None where several have it."""
        return self._names.setdefault(_brief(query), name)

    def add(self, query: str, name: str) -> None:
        """Say that a resource has it."""
        brief = _brief(query)
        self._names[brief] = name if self._names.get(brief, name) == name else None


def _brief(query: str) -> int:
    return int.from_bytes(hashlib.blake2b(query.encode(), digest_size=8).digest())
