"""The vocabulary: every verb by its name in YAML, ours and those of installed packages.

A package adds verbs with an entry point of the group `payer_sandbox.verbs` that names a module (or a
class) of effects, each with `do: Literal["its_name"]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sandbox.core.errors import UsageError
from sandbox.faults.effects import (
    arrival,
    page,
    payload,
    references,
    resource,
    response,
    search,
    signin,
    token,
)
from sandbox.faults.effects.base import Effect

GROUP = "payer_sandbox.verbs"
OURS = (arrival, signin, token, search, page, resource, references, response, payload)


def _named(found: Any) -> Iterator[tuple[str, type[Effect]]]:
    for verb in [found] if isinstance(found, type) else list(vars(found).values()):
        if isinstance(verb, type) and issubclass(verb, Effect) and "do" in verb.model_fields:
            yield verb.model_fields["do"].annotation.__args__[0], verb  # type: ignore[union-attr]


def vocabulary(foreign: Iterable[EntryPoint]) -> dict[str, type[Effect]]:
    """Every verb by name. Raises UsageError for a package whose verbs cannot be used."""
    verbs = {name: verb for room in OURS for name, verb in _named(room)}
    for entry in sorted(foreign, key=lambda e: e.name):
        try:
            found = dict(_named(entry.load()))
        except Exception as problem:
            raise UsageError(f"the verbs of {entry.value!r} cannot be loaded: {problem}") from None
        for name, verb in found.items():
            if verbs.get(name, verb) is not verb:
                raise UsageError(f"the verb {name!r} of {entry.value!r} is there already")
            if not hasattr(verb, "stage"):
                raise UsageError(f"the verb {name!r} of {entry.value!r} names no stage")
        verbs |= found
    return verbs


VERBS = vocabulary(entry_points(group=GROUP))
"""Every verb by its name in YAML."""
