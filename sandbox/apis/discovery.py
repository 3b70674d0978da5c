"""Which APIs there are: the folders of this package, and those of other packages that are installed."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from sandbox import apis
from sandbox.core.errors import UsageError
from sandbox.web.api import Api, Apis

GROUP = "payer_sandbox.apis"


@cache
def published() -> Apis:
    """The APIs of this package and of others that are installed, by name of folder and entry point.

    Raises UsageError for an entry point that cannot be loaded or is no API.
    """
    published_apis: list[Api] = []
    for module in sorted(pkgutil.iter_modules(apis.__path__), key=lambda module: module.name):
        if module.ispkg:
            published_apis += import_module(f"{apis.__name__}.{module.name}.api").APIS
    for entry_point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            loaded = entry_point.load()
        except Exception as problem:
            raise UsageError(f"The API {entry_point.name} cannot be loaded: {problem}") from problem
        for api in (loaded,) if isinstance(loaded, Api) else tuple(loaded):
            if not isinstance(api, Api):
                raise UsageError(f"The entry point {entry_point.name} holds no API")
            published_apis.append(api)
    return Apis(tuple(published_apis))
