"""Where a library is kept when the home folder cannot be written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from sandbox.core.errors import UsageError
from sandbox.population.cache_folder import with_cache
from sandbox.settings import Settings, default_cache, temporary_cache


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of somebody whose home is not there; the system's temporary folder is `tmp_path`."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    return Settings()


def told(settings: Settings) -> tuple[Settings, list[str]]:
    lines: list[str] = []
    return with_cache(settings, lines.append), lines


def test_a_home_that_can_be_written_is_used(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "new")
    assert told(settings) == (settings, [])
    assert list((tmp_path / "new").iterdir()) == []


def test_the_folder_in_its_place_is_closed_to_others_and_found_again(nowhere: Settings) -> None:
    (first, (line,)), (again, _) = told(nowhere), told(nowhere)
    assert first.cache == again.cache == temporary_cache()
    assert first.cache.stat().st_mode & 0o777 == 0o700
    assert "PAYER_SANDBOX_CACHE" in line


@pytest.mark.parametrize("trap", ["open", "link"])
def test_a_folder_that_somebody_else_may_write_is_not_used(
    nowhere: Settings, tmp_path: Path, trap: str
) -> None:
    shared, theirs = temporary_cache(), tmp_path / "theirs"
    if trap == "open":
        shared.mkdir()
        shared.chmod(0o777)
    else:
        theirs.mkdir(mode=0o700)
        shared.symlink_to(theirs)
    settings, _ = told(nowhere)
    assert settings.cache not in (shared, theirs)
    assert settings.cache.stat().st_mode & 0o777 == 0o700


def test_the_way_out_is_named_where_nothing_can_be_written(nowhere: Settings) -> None:
    temporary_cache().touch()
    with pytest.raises(UsageError, match="set PAYER_SANDBOX_CACHE"):
        told(nowhere)


def test_a_folder_that_was_asked_for_is_not_replaced() -> None:
    with pytest.raises(UsageError, match="PAYER_SANDBOX_CACHE: /proc/nowhere cannot be written"):
        told(Settings(cache=Path("/proc/nowhere")))


def test_nobody_knows_a_home(nowhere: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert default_cache() == temporary_cache()
    _, lines = told(Settings())
    assert lines == [
        f"There is no home folder: keeping the library in {temporary_cache()}"
        " (set PAYER_SANDBOX_CACHE to keep it elsewhere)"
    ]


def test_a_store_needs_no_cache(nowhere: Settings, tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path / "store"))
    assert told(settings) == (settings, [])
