"""The published APIs live here, one folder each; a folder registers itself in its module `api`.

An API may import `web` and what is below it. Must never: import another API, `synth`, `score` or `review`.
Other packages bring APIs through the entry-point group `payer_sandbox.apis`: each entry point is an `Api`, or
a sequence of them.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from sandbox.core.errors import UsageError
from sandbox.web.api import Api, Apis

GROUP = "payer_sandbox.apis"


@cache
def published() -> Apis:
    """The APIs of this package and of others that are installed, by name of folder and entry point.

    Raises UsageError for an entry point that cannot be loaded or is no API.
    """
    apis: list[Api] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        apis += import_module(f"{__name__}.{module.name}.api").APIS
    for entry_point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            loaded = entry_point.load()
        except Exception as problem:
            raise UsageError(f"The API {entry_point.name} cannot be loaded: {problem}") from problem
        for api in (loaded,) if isinstance(loaded, Api) else tuple(loaded):
            if not isinstance(api, Api):
                raise UsageError(f"The entry point {entry_point.name} holds no API")
            apis.append(api)
    for api in apis:
        if api.verbs is not None:
            import_module(api.verbs)
    return Apis(tuple(apis))
