"""`_include` and `_revinclude`: what else a page shows, resolved in the table (R4 §3.1.1.5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sandbox.core.errors import bad_request
from sandbox.fhir.schema.model import Param
from sandbox.fhir.schema.types import KNOWN, TYPES, find


@dataclass(frozen=True)
class Include:
    """`_include=Type:param` follows the references of what was found; `reverse` (`_revinclude`) finds
    what refers to it. `target` narrows to references to that type; `iterate` goes on from there."""

    source: str
    param: str
    target: str | None = None
    iterate: bool = False
    reverse: bool = False

    @property
    def stored(self) -> str:
        """The name under which the index keeps the references."""
        param = find(self.source, self.param)
        return param.stored if param else self.param


def includes(kind: str, name: str, text: str) -> Sequence[Include]:
    """What `name=text` asks for in a search of `kind`. Raises BadRequest naming the parameter."""
    stem, _, modifier = name.partition(":")
    reverse = stem == "_revinclude"
    if modifier not in ("", "iterate"):
        bad_request(f"{stem} supports only the modifier :iterate.", name)
    if text == "*" and not reverse:
        text = f"{kind}:*"
    source, _, tail = text.partition(":")
    wanted, _, target = tail.partition(":")
    if source not in KNOWN or not wanted:
        bad_request(f"{stem} must be written as Type:parameter.", stem)
    if wanted == "*":
        params = [p for p in references(source) if not reverse or modifier or kind in p.targets]
    else:
        param = find(source, wanted)
        if param is None or param.kind != "reference":
            bad_request(f"{source} has no reference parameter of this name.", stem)
        params = [param]
    if reverse and not modifier and all(kind not in p.targets for p in params):
        bad_request(f"{source}:{wanted} does not refer to {kind}.", stem)
    if target and all(target not in p.targets for p in params):
        bad_request(f"{source}:{wanted} does not refer to that type.", stem)
    return [Include(source, p.name, target or None, bool(modifier), reverse) for p in params]


def references(kind: str) -> Iterator[Param]:
    """The reference parameters of a type, searchable or not."""
    return (p for p in KNOWN[kind].params if p.kind == "reference")


def pointing_at(kind: str, sources: Iterable[str] = TYPES) -> Iterator[str]:
    """`Type:param` of every reference that may point to a type: what `_revinclude` takes there."""
    for source in sources:
        yield from (f"{source}:{p.name}" for p in references(source) if kind in p.targets)
