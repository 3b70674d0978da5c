"""What every verb is: parameters and behaviour in one small model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from sandbox.core.clock import Clock, skip
from sandbox.core.gates import Facts, Stage
from sandbox.core.waits import Pause


@dataclass(frozen=True)
class World:
    """What an effect may use beside its value: the tenant's clock (`ahead`: how far it was moved) and
    counters, and a seed. `delays` collects seconds by which the answer goes out later."""

    clock: Clock
    seed: str
    count: Callable[[str], int]
    window: Callable[[str, int, int], tuple[int, int]]
    ahead: timedelta = timedelta()
    delays: list[float] = field(default_factory=list)

    def share(self, name: str) -> float:
        """A number in [0, 1) that is always the same for this name and seed."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}|{name}".encode()).digest()[:6]) / 2**48

    def wait(self, seconds: float) -> None:
        """Let this much time pass before the answer goes out: a clock that a test holds moves at once."""
        if not skip(self.clock, seconds):
            self.delays.append(seconds)

    def pause(self, seconds: float) -> bytes:
        """The chunk of a body that holds the rest of it up for this long."""
        return b"" if skip(self.clock, seconds) else Pause(seconds)


class Effect(BaseModel):
    """A verb. `stage` says at which gate it acts; calling it returns the value, changed or not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: ClassVar[Stage]
    silent: ClassVar[bool] = False
    """True for verbs that act without changing their value (waiting)."""
    paths: ClassVar[tuple[str, ...]] = ("/*",)
    """Globs of the paths where it can change something."""
    statuses: ClassVar[range] = range(100, 600)
    """The statuses of answers that a response verb can change."""

    def __init_subclass__(cls, stage: Stage | None = None, silent: bool = False, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if stage is not None:
            cls.stage = stage
        cls.silent = silent

    def idle(self) -> str:
        """Why it never changes anything, as it is written; nothing when it may."""
        return ""

    def __call__(self, value: Any, facts: Facts, world: World) -> Any:
        raise NotImplementedError
