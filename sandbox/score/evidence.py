"""What was seen: exchanges, observations, evidence, verdicts. Data only; no I/O, no judgement.

Evidence may be kept on disk and comes from endpoints that may hold real patients, so nothing here ever
carries a token, a password or a body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from sandbox.core import files
from sandbox.core.errors import UsageError
from sandbox.score.findings import Finding

Source = Literal["observed", "traffic", "declared", "unseen"]
"""Where a verdict comes from. Observed beats traffic beats declared."""

Value = str | int | float | Fraction | tuple[str, ...]
"""A band's key, a number in the metric's unit (rates: percent, exact), or the names that were found."""

FORMAT = "payer-sandbox-evidence/1"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, bodies and tokens left out.

    `status` 0 means that no complete answer came; `note` then says why. `ms` is wall time to the last byte.
    `step` is one of discovery, sign-in, token, everything, individual, pagination, reference, probe,
    clock, portal, register, second-look. `retry` marks a second try of the same request. `flaw` says what is
    wrong with the body of a 200; `body` is the answer's text, kept only when somebody asked for bodies.
    """

    method: str
    url: str
    status: int
    ms: float
    step: str
    resource: str = ""
    retry: bool = False
    request_id: str = ""
    note: str = ""
    flaw: str = ""
    body: str = field(default="", repr=False)


@dataclass(frozen=True)
class Observation:
    """A named finding: seen, with a JSON value and its exchanges; or unseen, with the reason.

    `cause` names why it is unseen, by a word that the advice to the grader is found by (`causes/find.py`).
    An entry of `value` that has an `exchange` names the one that decided it, by its place in `exchanges`.
    """

    value: Any = None
    exchanges: tuple[Exchange, ...] = ()
    unseen: str = ""
    source: Source = "observed"
    cause: str = ""

    @property
    def seen(self) -> bool:
        return not self.unseen


def seen(value: Any, exchanges: Iterable[Exchange] = (), source: Source = "observed") -> Observation:
    """Return an observation with its value (plain JSON types, keys are strings)."""
    return Observation(value, tuple(exchanges), "", source)


class Reason(NamedTuple):
    """Why something is unseen: the words for the card, and the cause that advice is found by."""

    text: str
    cause: str = ""


def unseen(reason: str | Reason, exchanges: Iterable[Exchange] = (), cause: str = "") -> Observation:
    """Return an observation of what could not be looked at. The reason says what a person can do."""
    why = reason if isinstance(reason, Reason) else Reason(reason, cause)
    return Observation(None, tuple(exchanges), why.text, "unseen", why.cause)


NEVER_LOOKED = unseen("this was not checked", cause="not-looked-at")


@dataclass(frozen=True)
class Evidence:
    """Everything one examination saw, by name. `taken` is the UTC instant it began (ISO 8601).

    `traffic` holds the observations that a log of real use gave, under the same names; `lint` holds findings
    that the rubric does not count. `readings` are those of the edition that judges; files have none.
    """

    target: str
    taken: str = ""
    observations: Mapping[str, Observation] = field(default_factory=dict)
    traffic: Mapping[str, Observation] = field(default_factory=dict)
    lint: tuple[Finding, ...] = ()
    readings: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __getitem__(self, name: str) -> Observation:
        return self.observations.get(name, NEVER_LOOKED)

    def reads(self, reading: str, value: str) -> bool:
        """Whether the edition takes this reading (by number, `A8`) in this way."""
        return self.readings.get(reading) == value

    def of_traffic(self) -> Evidence:
        """Return the evidence of the log alone: its observations, and the payer's claims."""
        facts = {"facts": self["facts"]} if self["facts"].seen else {}
        return replace(self, observations={**facts, **self.traffic}, traffic={})

    def claim(self, name: str) -> Any:
        """Return a claim of the payer; None when it makes none (see `claims_about`)."""
        return self._claims().get(name)

    def claims_about(self, name: str) -> bool:
        """Return whether the payer makes this claim at all: null is a claim too."""
        return name in self._claims()

    def _claims(self) -> Mapping[str, Any]:
        facts = self["facts"]
        return facts.value["claims"] if facts.seen else {}

    def to_json(self) -> bytes:
        """Return indented JSON, which `from_json` reads back."""
        kept = {name: value for name, value in vars(self).items() if name != "readings"}
        return files.json_pretty({"format": FORMAT, **kept})

    @classmethod
    def from_json(cls, body: bytes) -> Evidence:
        """Read what `to_json` wrote. Raises UsageError when the text is not evidence."""
        try:
            data = files.json_value(body)
            if data["format"] != FORMAT:
                raise UsageError(f"the evidence has format {data['format']!r}; use format {FORMAT!r}")
            observations = {name: _observation(entry) for name, entry in data["observations"].items()}
            log = {name: _observation(entry) for name, entry in data.get("traffic", {}).items()}
            lint = tuple(Finding(**entry) for entry in data.get("lint", ()))
            return cls(data["target"], data["taken"], observations, log, lint)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UsageError("this is not an evidence file (payer-sandbox score writes them)") from None


def _observation(data: dict[str, Any]) -> Observation:
    exchanges = tuple(Exchange(**entry) for entry in data.pop("exchanges"))
    return Observation(exchanges=exchanges, **data)


@dataclass(frozen=True)
class Verdict:
    """What a check makes of the evidence. `n` is how many things were counted.

    `reason` names the cause in one line of plain words; `disagreement` says how a claim of the payer
    differs from what was observed, and is empty when it does not.
    """

    metric: str
    value: Value
    source: Source
    reason: str
    n: int = 0
    disagreement: str = ""


def not_seen(metric: str, why: str) -> Verdict:
    """Return the verdict on something that nobody could look at."""
    return Verdict(metric, "", "unseen", why)


def rate(hits: int, n: int) -> Fraction:
    """Return the exact percentage: 94.996 % must not become 95. `n` is at least 1."""
    return Fraction(100 * hits, n)
