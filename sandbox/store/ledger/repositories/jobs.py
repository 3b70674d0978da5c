"""Asynchronous jobs, as descriptions: who asked for what, at which instant of the payer's clock.

Nothing of a result is kept. The status of a job follows from the clock and the payer's policy, and its files
are made from the data as of its instant when they are downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Index, String, select

from sandbox.core.files import json_value
from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.repository import Part, changing, columns, encode_parameters, table

JOB = table(
    "job",
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("client", String, nullable=False),
    Column("parameters", String, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("cancelled", BigInteger),
    Index("job_client", "tenant", "client", "kind"),
)


_CANCEL = changing(JOB, "id", JOB.c.cancelled.is_(None), JOB.c.client == bind("owner"), cancelled=bind("at"))


@dataclass(frozen=True)
class Job:
    """A job of a client. `begun`, `expires` and `cancelled` (None: it was not) are by the payer's clock, in
    milliseconds; the data are those of `begun`."""

    id: str
    kind: str
    client: str
    parameters: Mapping[str, Any]
    begun: int
    expires: int
    cancelled: int | None = None


class Jobs(Part):
    def add(self, job: Job) -> None:
        """Keep a job until it expires. Raises TooLarge for parameters that are too long."""
        self._add(JOB, {**vars(job), "parameters": encode_parameters(job.parameters, "a job")})

    def get(self, id: str, client: str, now: int) -> Job | None:
        """A job of this client that has not expired."""
        for job in self._jobs(id=id, client=client):
            return job if job.expires > now else None
        return None

    def running(self, kind: str, client: str, now: int) -> list[Job]:
        """The jobs of a kind of this client that have not expired or been cancelled, the oldest first."""
        live = [
            job for job in self._jobs(kind=kind, client=client) if job.expires > now and job.cancelled is None
        ]
        return sorted(live, key=lambda job: (job.begun, job.id))

    def cancel(self, id: str, client: str, at: int) -> bool:
        """Cancel a job of this client. True for exactly one of several callers."""
        return self._took(_CANCEL, key=id, owner=client, at=at)

    def _jobs(self, **same: str) -> list[Job]:
        query = select(*columns(JOB, Job)).where(*self._where(JOB, **same))
        with self._engine.connect() as db:
            rows = db.execute(query).all()
        return [
            Job(id, kind, client, json_value(text), begun, expires, cancelled)
            for id, kind, client, text, begun, expires, cancelled in rows
        ]
