"""Settings: one table with name, default, help and bounds. `from_env` is the only reader of the environment.

Options of the command line, variables of the environment and rows of the README come from this table.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.core.errors import UsageError

if TYPE_CHECKING:
    from sandbox.core.hosts import HostPolicy

STEM = "PAYER_SANDBOX_"
"""What the names of variables begin with."""


def root() -> Path:
    """Return the folder of `fixtures/` and `scenarios/`: in the wheel, or the top of a checkout."""
    packaged = Path(__file__).parent / "_data"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent


def default_cache() -> Path:
    """Return the cache in the home folder, or a temporary one when there is no home folder."""
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "payer-sandbox"
    except RuntimeError:
        return temporary_cache()


def user_id() -> int:
    """Return the number of the user of this process. Windows has none: folders there are each user's own."""
    return os.getuid() if hasattr(os, "getuid") else 0


def temporary_cache() -> Path:
    """Return the folder for built libraries when there is no home folder that can be written."""
    import tempfile  # slow to import, and rarely needed

    return Path(tempfile.gettempdir()) / f"payer-sandbox-{user_id()}"


def _setting(
    default: Any,
    help: str,
    *,
    least: int | None = None,
    most: int | None = None,
    shown: str = "",
    choices: tuple[str, ...] = (),
) -> Any:
    """Return a row of the table. `shown` stands for a default that is computed, in the help of an option."""
    default = {"default_factory": default} if callable(default) else {"default": default}
    metadata = {"help": help, "least": least, "most": most, "shown": shown, "choices": choices}
    return field(**default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """How one server is run. Every field can be set by PAYER_SANDBOX_<FIELD>; options win.

    `library` and `ledger` are what `serve` has prepared, files or addresses of schemas in a database;
    the app only opens them.
    """

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8080, "Port to listen on. 0 picks a free port.")
    public_url: str = _setting("", "Public URL of the payer. Every link is built from it.")
    allowed_host: str = _setting("", "Also answer to this host name. Can be repeated.")
    trusted_proxies: str = _setting("", "Addresses or networks of proxies whose X-Forwarded-For is trusted.")
    scenario: str = _setting("baseline", "Scenario of the default payer.")
    members: int = _setting(100, "Number of members, including the named ones.")
    seed: int = _setting(1, "Seed of the synthetic population.")
    today: str = _setting("", "Day the data is built around, YYYY-MM-DD.", shown="the first of this month")
    data: str = _setting("", "File or folder of NDJSON or Bundles to serve instead of synthetic data.")
    skip_bad: bool = _setting(False, "Skip values of --data that cannot be used.")
    load_report: str = _setting("", "Also write the load report of --data to a file, as JSON.")
    store: str = _setting("", "Folder or postgresql:// URL that keeps library and ledger across restarts.")
    carin: str = _setting("2.0.0", "Version of CARIN Blue Button: 2.0.0 or 2.2.0.")
    us_core: str = _setting("6.1.0", "Version of US Core: 3.1.1, 6.1.0 or 7.0.0.")
    as_of: str = _setting(
        "", "Day up to which resources were visible, YYYY-MM-DD.", shown="the day of --today"
    )
    latest: bool = _setting(True, "Write the latest version of each resource, or every one.", shown="latest")
    basis: bool = _setting(False, "Leave amounts out of claims (the -Basis profiles of CARIN 2.2.0).")
    workers: int = _setting(1, "Number of worker processes.", least=1, most=256)
    threads: int = _setting(16, "Number of threads in each worker.", least=1, most=256)
    log: str = _setting(
        "auto",
        "Print a line for each request; auto: on a terminal.",
        choices=("always", "auto", "never"),
    )
    tls: bool = _setting(False, "Serve https with a self-signed certificate.")
    tls_cert: str = _setting("", "Certificate chain to serve https with (PEM).")
    tls_key: str = _setting("", "Private key of --tls-cert (PEM).")
    control_key: str = _setting("", "Key of the control API. Required off loopback.")
    journal_entries: int = _setting(20_000, "Number of journal entries kept in total.", least=100)
    journal_per_payer: int = _setting(10_000, "Number of journal entries kept for each payer.", least=100)
    idle_days: int = _setting(30, "Days without a request after which a session is deleted.", least=1)
    quota_factor: int = _setting(1, "Factor of the quotas. 0 turns them off.", least=0)
    ahead_days: int = _setting(0, "Days the payer's clock is ahead (set by `serve --today`).")
    library: str = _setting("", "Library to open (set by `serve`).")
    ledger: str = _setting("", "Ledger to open (set by `serve`).")
    fixtures: Path = _setting(lambda: root() / "fixtures", "Folder of clients, members and code sets.")
    scenarios: Path = _setting(lambda: root() / "scenarios", "Folder of scenarios.")
    own_scenarios: str = _setting(
        "", "Folder or file of your own scenarios, in addition to the built-in ones."
    )
    cache: Path = _setting(default_cache, "Folder for built libraries.")


SETTINGS = {setting.name: setting for setting in fields(Settings)}


def catalogue(settings: Settings) -> tuple[Path, ...]:
    """Return the folders and files of scenarios: the built-in ones, then your own."""
    return (settings.scenarios, *([Path(settings.own_scenarios)] if settings.own_scenarios else []))


def host_policy(settings: Settings) -> HostPolicy:
    """Return which hosts the server answers to, and under which URL. Raises UsageError in one line."""
    from sandbox.core.hosts import HostPolicy, parse_allowed_hosts, parse_proxies, parse_public_url

    public = parse_public_url(settings.public_url) if settings.public_url else None
    return HostPolicy(
        settings.host,
        settings.port,
        parse_allowed_hosts(settings.allowed_host),
        public,
        parse_proxies(settings.trusted_proxies, public=public is not None),
    )


def listening_url(settings: Settings) -> str:
    """Return where this machine reaches the server that these settings start."""
    from sandbox.core.hosts import format_host

    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104  only compared
    return f"{'https' if settings.tls else 'http'}://{format_host(host)}:{settings.port}"


def from_env(environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Return settings from PAYER_SANDBOX_* variables; `overrides` win, unless they are None.

    Raises UsageError naming the variable that cannot be read.
    """
    environ = os.environ if environ is None else environ
    values = {
        name: _parse(variable, environ[variable], str(setting.type))
        for name, setting in SETTINGS.items()
        if (variable := STEM + name.upper()) in environ
    }
    settings = Settings(**values | {k: v for k, v in overrides.items() if v is not None})
    for name, setting in SETTINGS.items():
        value, choices = getattr(settings, name), setting.metadata["choices"]
        if choices and value not in choices:
            raise UsageError(f"{name} is one of {', '.join(choices)}, not {value!r}")
        _check_bounds(name, value, setting.metadata["least"], setting.metadata["most"])
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise UsageError("a certificate and its key go together (tls_cert, tls_key)")
    host_policy(settings)
    if not settings.control_key.isprintable() or not settings.control_key.isascii():
        raise UsageError("control_key is sent in a header: ASCII without line breaks")
    return replace(settings, tls=settings.tls or bool(settings.tls_cert))


def _check_bounds(name: str, value: Any, least: int | None, most: int | None) -> None:
    if least is not None and most is not None and not least <= value <= most:
        raise UsageError(f"{name} must be between {least} and {most}, not {value}")
    if least is not None and value < least:
        raise UsageError(f"{name} must be {least} or more, not {value}")


OTHER_VARIABLES = frozenset({"CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI", "TOKEN"})
"""Variables that `score` reads."""


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the PAYER_SANDBOX_* variables that are not read, each with a similar name."""
    from difflib import get_close_matches

    names = {name.upper() for name in SETTINGS} | OTHER_VARIABLES
    environ = os.environ if environ is None else environ
    read = sorted(name.removeprefix(STEM) for name in environ if name.startswith(STEM))
    meant = [(name, get_close_matches(name, names, 1, 0.7)) for name in read if name not in names]
    return [STEM + name + (f" (did you mean {STEM}{near[0]}?)" if near else "") for name, near in meant]


def _parse(name: str, text: str, kind: str) -> Any:
    if kind == "int":
        try:
            return int(text)
        except ValueError:
            raise UsageError(f"{name} must be a whole number, not {text!r}") from None
    if kind == "bool":
        if text.lower() not in ("true", "false"):
            raise UsageError(f"{name} must be true or false, not {text!r}")
        return text.lower() == "true"
    return Path(text) if kind == "Path" else text
