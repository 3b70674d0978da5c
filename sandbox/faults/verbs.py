"""Every fault verb by its name in YAML: ours, and those of installed packages.

A package adds verbs with an entry point of the group `payer_sandbox.verbs` that names a module (or a
class) of effects, each with `do: Literal["its_name"]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args

from sandbox.core.errors import UsageError
from sandbox.faults.effects import (
    arrival,
    claims,
    interruption,
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
_MODULES = (
    arrival, interruption, signin, claims, token, search, page, resource, references, response, payload,
)  # fmt: skip


def _verbs_of(source: Any) -> Iterator[tuple[str, type[Effect]]]:
    """Yield the verbs of a module, or the one that is a class. Base classes have no name of their own."""
    for verb in [source] if isinstance(source, type) else list(vars(source).values()):
        if isinstance(verb, type) and issubclass(verb, Effect):
            yield from ((name, verb) for name in get_args(verb.model_fields["do"].annotation))


def load_verbs(packages: Iterable[EntryPoint]) -> dict[str, type[Effect]]:
    """Return every verb by name. Raises UsageError for a package whose verbs cannot be used."""
    verbs = {name: verb for module in _MODULES for name, verb in _verbs_of(module)}
    for entry in sorted(packages, key=lambda e: e.name):
        try:
            added = dict(_verbs_of(entry.load()))
        except Exception as problem:
            raise UsageError(f"the verbs of {entry.value!r} cannot be loaded: {problem}") from None
        for name, verb in added.items():
            if verbs.get(name, verb) is not verb:
                raise UsageError(f"the verb {name!r} of {entry.value!r} already exists")
            if not hasattr(verb, "stage"):
                raise UsageError(f"the verb {name!r} of {entry.value!r} names no stage")
        verbs |= added
    return verbs


VERBS = load_verbs(entry_points(group=GROUP))
"""Every verb by its name in YAML."""
