"""Settings: frozen, with a default for everything. `from_env` is the only reader of the environment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path

from sandbox.core.errors import UsageError
from sandbox.core.hosts import HostPolicy, format_host, parse_allowed_hosts, parse_proxies, parse_public_url


def root() -> Path:
    """Where `fixtures/` and `scenarios/` lie: inside the wheel, or at the top of a checkout."""
    packaged = Path(__file__).parent / "_data"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent


def default_cache() -> Path:
    """The cache in the home folder; a temporary one where nobody knows a home."""
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "payer-sandbox"
    except RuntimeError:
        return temporary_cache()


def temporary_cache() -> Path:
    """Where built libraries are kept when there is no home that can be written."""
    return Path(tempfile.gettempdir()) / f"payer-sandbox-{os.getuid()}"


@dataclass(frozen=True)
class Settings:
    """How one server is run. Every field can be set by PAYER_SANDBOX_<FIELD>; flags win.

    `library` and `ledger` are what `serve` has prepared, files or addresses of schemas in a database;
    the app only opens them.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    allowed_host: str = ""
    trusted_proxies: str = ""
    scenario: str = "baseline"
    members: int = 100
    seed: int = 1
    today: str = ""
    data: str = ""
    skip_bad: bool = False
    load_report: str = ""
    store: str = ""
    carin: str = "2.0.0"
    us_core: str = "6.1.0"
    basis: bool = False
    workers: int = 1
    threads: int = 16
    tls: bool = False
    tls_cert: str = ""
    tls_key: str = ""
    control_key: str = ""
    journal_entries: int = 20_000
    journal_per_payer: int = 10_000
    idle_days: int = 30
    quota_factor: int = 1
    ahead_days: int = 0
    library: str = ""
    ledger: str = ""
    fixtures: Path = field(default_factory=lambda: root() / "fixtures")
    scenarios: Path = field(default_factory=lambda: root() / "scenarios")
    own_scenarios: str = ""
    cache: Path = field(default_factory=default_cache)


HELP = {
    "host": "address to listen on",
    "port": "port to listen on (0: any free one)",
    "public_url": "the URL the payer is known by: issuer and every link, whatever Host says",
    "allowed_host": "further host names to answer to, separated by commas (.example.com, * for any)",
    "trusted_proxies": "addresses or networks whose X-Forwarded-For is believed (none: nobody's)",
    "scenario": "the scenario of the default payer",
    "members": "how many members, the named ones included",
    "seed": "the seed of the population",
    "today": "the day the data is built around, YYYY-MM-DD (default: the first of this month)",
    "data": "a folder of NDJSON or Bundles, served instead of generating",
    "skip_bad": "leave lines of that folder out that cannot be used",
    "load_report": "a file for the report on that load, as JSON",
    "carin": "edition of CARIN Blue Button: 2.0.0 or 2.2.0",
    "us_core": "edition of US Core: 3.1.1, 6.1.0 or 7.0.0",
    "basis": "claims without money, as the -Basis profiles of CARIN 2.2.0",
    "store": "a folder or a postgresql:// address that keeps library and ledger (default: the cache)",
    "workers": "gunicorn worker processes",
    "threads": "threads in each worker",
    "tls": "serve https, with a certificate made for this machine unless one is given",
    "tls_cert": "a certificate chain in PEM; it turns TLS on",
    "tls_key": "the private key of that certificate, PEM without a passphrase",
    "control_key": "key that the control API asks of everybody once it is set, and always off loopback",
    "journal_entries": "journal entries that are kept, of all payers together",
    "journal_per_payer": "journal entries that are kept of one payer",
    "idle_days": "days without a request after which a session is forgotten",
    "quota_factor": "what the quotas are multiplied by (0: no quotas)",
    "ahead_days": "days the payer's clock is ahead of the machine's (set by `serve --today`)",
    "library": "a library to open (set by `serve`)",
    "ledger": "a ledger to open (set by `serve`)",
    "fixtures": "folder of clients, members and code sets",
    "scenarios": "folder of scenarios",
    "own_scenarios": "a folder (or file) of scenarios of your own, beside those",
    "cache": "folder for built libraries",
}
"""One line per setting; a test insists that each is here and in the README."""


def catalogue(settings: Settings) -> tuple[Path, ...]:
    """Where scenarios lie: ours, then those of one's own."""
    return (settings.scenarios, *([Path(settings.own_scenarios)] if settings.own_scenarios else []))


def host_policy(settings: Settings) -> HostPolicy:
    """Which hosts the server answers to, and under which URL. Raises UsageError in one line."""
    public = parse_public_url(settings.public_url) if settings.public_url else None
    return HostPolicy(
        settings.host,
        settings.port,
        parse_allowed_hosts(settings.allowed_host),
        public,
        parse_proxies(settings.trusted_proxies, public=public is not None),
    )


def listening_url(settings: Settings) -> str:
    """Where this machine reaches the server that these settings start."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104  only compared
    return f"{'https' if settings.tls else 'http'}://{format_host(host)}:{settings.port}"


def from_env(environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Settings from PAYER_SANDBOX_* variables, overridden by what is given (None: not given).

    Raises UsageError naming the variable that cannot be read.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    for setting in fields(Settings):
        name = f"PAYER_SANDBOX_{setting.name.upper()}"
        if name in environ:
            values[setting.name] = _read(name, environ[name], str(setting.type))
    values.update({k: v for k, v in overrides.items() if v is not None})
    settings = Settings(**values)  # type: ignore[arg-type]
    for name in ("workers", "threads"):
        if not 1 <= getattr(settings, name) <= 256:
            raise UsageError(f"{name} must be between 1 and 256, not {getattr(settings, name)}")
    for name, least in (("journal_entries", 100), ("journal_per_payer", 100), ("idle_days", 1)):
        if getattr(settings, name) < least:
            raise UsageError(f"{name} must be {least} or more, not {getattr(settings, name)}")
    if settings.quota_factor < 0:
        raise UsageError(f"quota_factor must be 0 or more, not {settings.quota_factor}")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise UsageError("a certificate and its key go together (tls_cert, tls_key)")
    host_policy(settings)
    if not settings.control_key.isprintable() or not settings.control_key.isascii():
        raise UsageError("control_key is sent in a header: ASCII without line breaks")
    return replace(settings, tls=settings.tls or bool(settings.tls_cert))


OTHER_VARIABLES = frozenset({"CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI", "TOKEN"})
"""Variables that `score` reads."""


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """PAYER_SANDBOX_* variables that nobody reads, each with the one that may be meant."""
    stem = "PAYER_SANDBOX_"
    names = {setting.name.upper() for setting in fields(Settings)} | OTHER_VARIABLES
    environ = os.environ if environ is None else environ
    read = sorted(name.removeprefix(stem) for name in environ if name.startswith(stem))
    meant = [(name, get_close_matches(name, names, 1, 0.7)) for name in read if name not in names]
    return [stem + name + (f" (did you mean {stem}{near[0]}?)" if near else "") for name, near in meant]


def _read(name: str, text: str, kind: str) -> object:
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
