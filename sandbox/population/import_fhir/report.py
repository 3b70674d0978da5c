"""What a load made of the files: for people in lines, for programs as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from sandbox.core.text import quantity
from sandbox.store.library import read
from sandbox.store.library.schema import LOADED

LISTED = 1000
"""Examples of each kind that a report keeps; the others are counted."""
_SHOWN = 3


@dataclass
class Listing:
    """Things of one kind: how many, and the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> Listing:
        """A listing of these."""
        listing = cls()
        for text in texts:
            listing.add(text)
        return listing

    def add(self, text: str) -> None:
        """Count one more. Names of files need not be UTF-8."""
        self.count += 1
        if len(self.first) < LISTED:
            self.first.append(text.encode(errors="backslashreplace").decode().replace("\n", "\\n"))

    def __str__(self) -> str:
        shown = ", ".join(self.first[:_SHOWN])
        return shown + (f" and {self.count - _SHOWN} more" if self.count > _SHOWN else "")


@dataclass
class Report:
    """What a load found, counted. Every resource that was read is `loaded`, `same` (its content was
    there already), `existing` (a conditional create that found its resource), `superseded` (an older
    version that no clock can show), `left_out` (of a type that no server of R4 keeps), of one of the
    `other_versions`, `differing`, `personal`, or among the `bad`."""

    loaded: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)
    existing: Counter[str] = field(default_factory=Counter)
    superseded: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    other_versions: Counter[str] = field(default_factory=Counter)
    """Resources of another version of FHIR than R4, by version and the sign of it."""
    nobodys: Counter[str] = field(default_factory=Counter)
    """Of the loaded: what belongs to no single patient, and so is for backend services alone."""
    differing: Listing = field(default_factory=Listing)
    """Resources left out whose id and version another one has; both places are named."""
    personal: Listing = field(default_factory=Listing)
    """Resources left out that are of a type that every member sees, and name a person."""
    bad: Listing = field(default_factory=Listing)
    unread: Listing = field(default_factory=Listing)
    """Files that are no data, or hold none."""
    dangling: Listing = field(default_factory=Listing)
    """Relative references to what was not loaded."""
    elsewhere: Listing = field(default_factory=Listing)
    """References to other hosts, kept as they are."""
    unreachable: Listing = field(default_factory=Listing)
    """Patients whose data is there while they are not: nobody can sign in to see it."""
    future: Listing = field(default_factory=Listing)
    """Resources of after the payer's today."""
    logins: Listing = field(default_factory=Listing)

    @property
    def read(self) -> int:
        """How many resources were read."""
        counts = (
            self.loaded, self.same, self.existing, self.superseded, self.left_out, self.other_versions
        )  # fmt: skip
        return sum(sum(count.values()) for count in counts) + sum(
            listing.count for listing in (self.differing, self.personal, self.bad)
        )

    def lines(self) -> list[str]:
        """The report for people, the most important first."""
        lines = [f"loaded {_by_type(self.loaded)}"]
        for count, what in (
            (self.same, "merged {}: their content was there already"),
            (self.existing, "merged {}: a conditional create found what is there"),
            (self.superseded, "left out {}: older versions without a time of their own"),
            (self.left_out, "left out {}: types that no server of FHIR R4 keeps"),
            (self.other_versions, "left out {}: this payer serves FHIR R4"),
            (self.nobodys, "loaded {} of no single patient: backend services alone read them"),
        ):
            if count:
                lines.append(what.format(_by_type(count)))
        for listing, noun, what in (
            (self.differing, "resource", "left out {} of the same id and version as another: {}"),
            (self.personal, "resource", "left out {} that every member would see, but which name people: {}"),
            (self.bad, "value", "skipped {} that cannot be used: {}"),
            (self.unread, "file", "did not read {}: {}"),
            (self.dangling, "reference", "{} to resources that are not there: {}"),
            (self.elsewhere, "reference", "{} to other hosts, kept: {}"),
            (self.unreachable, "patient", "{} whose data nobody can sign in to see: {}"),
            (self.future, "resource", "{} of after the payer's today, not visible yet (see --today): {}"),
        ):
            if listing.count:
                lines.append(what.format(quantity(listing.count, noun), listing))
        if self.logins.count:
            lines.append(f"{quantity(self.logins.count, 'login')} (<id>, <id>-pass): {self.logins}")
        else:
            lines.append(
                "nobody can sign in, since there is no Patient among the data: a backend service reads it"
                " (payer-sandbox token --system)"
            )
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _by_type(counts: Counter[str]) -> str:
    total = quantity(sum(counts.values()), "resource")
    most = ", ".join(f"{number} {kind}" for kind, number in counts.most_common(_SHOWN))
    more = f" and {len(counts) - _SHOWN} more types" if len(counts) > _SHOWN else ""
    return f"{total} ({most}{more})" if counts else total


def kept(place: str | Path) -> Report | None:
    """Return the report of the load that made a library; None when there is none. Raises FileProblem."""
    stored = read.noted(place, LOADED) if read.exists(place) else None
    return parse_report(stored) if stored else None


def parse_report(body: bytes) -> Report:
    """A report that `json_bytes` wrote."""
    return TypeAdapter(Report).validate_json(body)
