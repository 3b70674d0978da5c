"""Where tests keep libraries and ledgers: files, or schemas of a database that stands by for the run.

    python -m support.stores COMMAND…      (make test-postgres)

starts a PostgreSQL server that is private to the command, from the programs that Debian installs. It
listens on a socket in a folder of its own and is gone afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect
from sqlalchemy.schema import CreateSchema

from sandbox.store import address
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.schema import VIEWED
from sandbox.store.library.write import build

DATABASE = os.environ.get("TEST_DATABASE", "")

BEGIN = datetime(2027, 3, 1, tzinfo=UTC)
"""When the clock of a ledger stands that a test makes."""


def place(path: Path) -> str | Path:
    """The path, or the schema that stands for it."""
    if not DATABASE:
        return path
    return address.within(DATABASE, f"t_{sha256(str(path).encode()).hexdigest()[:24]}")


def ledger(path: Path) -> str:
    """The ledger of a payer's settings, likewise."""
    return str(place(path))


def library_of(folder: Path, *people: Iterable[Any]) -> SqlLibrary:
    """A library in a folder of the resources of some people, nobody of whom has an account."""
    where = place(folder / "library.db")
    build(where, [(None, person) for person in people])
    return SqlLibrary(where)


def copied(library: str, path: Path) -> Engine:
    """A copy of a library that may be written to, where `place(path)` is."""
    if not address.is_url(library):
        shutil.copy(library, path)
        return address.writing(path)
    theirs, ours = address.schema_of(library), address.schema_of(str(place(path)))
    engine = address.writing(str(place(path)))
    with engine.begin() as db:
        db.execute(CreateSchema(ours))
        for name in inspect(db).get_table_names(schema=theirs):
            db.exec_driver_sql(f'CREATE TABLE {ours}."{name}" (LIKE {theirs}."{name}" INCLUDING ALL)')
            db.exec_driver_sql(f'INSERT INTO {ours}."{name}" SELECT * FROM {theirs}."{name}"')
        for name, seen in VIEWED.items():
            db.exec_driver_sql(f"CREATE VIEW {name} AS {seen}")
        db.exec_driver_sql("ANALYZE")
    return engine


def kept(ledger: str) -> bytes:
    """All that a ledger has written down."""
    if not address.is_url(ledger):
        return b"".join(path.read_bytes() for path in Path(ledger).parent.glob("ledger.db*"))
    engine = address.reading(ledger)
    with engine.connect() as db:
        names = inspect(db).get_table_names(schema=address.schema_of(ledger))
        rows = [db.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall() for name in names]
    engine.dispose()
    return f"{names} {rows}".encode()


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        sys.exit("PostgreSQL is not there (on Debian: apt-get install postgresql)")
    return Path(on_path).parent


def main(command: list[str]) -> int:
    programs = _programs()
    # the server refuses to run as root
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    if user:
        shutil.chown(home, "postgres", "postgres")
    data = home / "data"

    def run(*words: str) -> None:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd=home, **user)

    options = f"-c listen_addresses= -c unix_socket_directories={home} -c fsync=off -c max_connections=400"
    try:
        run(str(programs / "initdb"), "-D", str(data), "-U", "sandbox", "--auth=trust", "-E", "UTF8", "-N")
        run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(home / "log"), "-o", options, "start")
        home.chmod(0o755)
        url = f"postgresql://sandbox@/postgres?host={home}"
        return subprocess.run(command, env={**os.environ, "TEST_DATABASE": url}, check=False).returncode
    finally:
        subprocess.run(
            [str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"],
            check=False, stdout=subprocess.DEVNULL, cwd=home, **user,
        )  # fmt: skip
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
