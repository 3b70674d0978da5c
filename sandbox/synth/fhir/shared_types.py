"""Renderers of shared resource types that the guides do not name, found by type.

An API names such a type; a module of `renderers` makes it: `SHARED` maps the type to a function of the spec,
the network and the day when it was last written. Other packages bring renderers through the entry-point group
`payer_sandbox.renderers`: each entry point is named after its type.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from sandbox.core.errors import UsageError
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import Network
from sandbox.synth.fhir import renderers
from sandbox.synth.fhir.elements import Json

Renderer = Callable[[Spec, Network, date], Iterator[Json]]
GROUP = "payer_sandbox.renderers"


def find_renderer(kind: str) -> Renderer:
    """Return the renderer of a type. Raises UsageError where there is none, or several."""
    makers = _renderers().get(kind, [])
    if len(makers) != 1:
        raise UsageError(f"{len(makers)} renderers make {kind}: an API that names a type needs one")
    return makers[0]


@cache
def _renderers() -> dict[str, list[Renderer]]:
    """The renderers of each type."""
    makers: dict[str, list[Renderer]] = {}
    for module in pkgutil.iter_modules(renderers.__path__):
        for kind, render in getattr(
            import_module(f"{renderers.__name__}.{module.name}"), "SHARED", {}
        ).items():
            makers.setdefault(kind, []).append(render)
    for entry_point in entry_points(group=GROUP):
        makers.setdefault(entry_point.name, []).append(entry_point.load())
    return makers
