"""The base class of fault verbs, and what a verb may use while it acts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from sandbox.core.clock import Clock, skip
from sandbox.core.gates import Facts, Stage
from sandbox.core.waits import Pause
from sandbox.fhir.library import Stored


@dataclass(frozen=True)
class World:
    """What a verb may use besides its value: the payer's clock, its counters, and a seed.

    `ahead` is how far the clock was moved. `delays` collects seconds by which the response is sent later.
    `fhir` is the FHIR base URL. `revoke` ends the member's grant to which the request's token belongs, and
    `resources` returns those of a patient (an id) that have a type, at most a number of them.
    """

    clock: Clock
    seed: str
    count: Callable[[str], int]
    window: Callable[[str, int, int], tuple[int, int]]
    ahead: timedelta = timedelta()
    delays: list[float] = field(default_factory=list)
    fhir: str = ""
    revoke: Callable[[], None] = lambda: None
    resources: Callable[[str, str, int], Sequence[Stored]] = lambda patient, kind, most: ()

    def share(self, name: str) -> float:
        """Return a number in [0, 1) that depends only on this name and the seed."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}|{name}".encode()).digest()[:6]) / 2**48

    def wait(self, seconds: float) -> None:
        """Delay the response. A clock that a test controls moves at once instead."""
        if not skip(self.clock, seconds):
            self.delays.append(seconds)

    def pause(self, seconds: float) -> bytes:
        """Return a chunk of a body after which the server waits before it sends more."""
        return b"" if skip(self.clock, seconds) else Pause(seconds)


class Effect(BaseModel):
    """The base class of verbs: a call returns the value, changed or not.

    `stage` is the gate at which the verb acts. A verb declares `do: Literal["its_name"]`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    do: str
    stage: ClassVar[Stage]
    silent: ClassVar[bool] = False
    """Whether the verb acts without changing its value, as one that waits does."""
    place: ClassVar[str] = "any"
    """The requests that the verb can change, by a name in `places.yaml`."""
    statuses: ClassVar[range] = range(100, 600)
    """The statuses of the responses that the verb can change."""

    def __init_subclass__(cls, stage: Stage | None = None, silent: bool = False, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if stage is not None:
            cls.stage = stage
        cls.silent = silent

    def idle(self) -> str:
        """Return why the verb, as written, never changes anything; "" when it may."""
        return ""

    def __call__(self, value: Any, facts: Facts, world: World) -> Any:
        raise NotImplementedError
