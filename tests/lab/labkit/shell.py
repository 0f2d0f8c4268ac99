"""Running other programs: bounded, in a group of their own, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

GRACE = 15.0  # what podman does in a moment is not cut off: it would leave an address reserved
_live: dict[subprocess.Popen[bytes], float] = {}
_live_lock = threading.Lock()
_records: list[Path] = []
_stopping = threading.Event()


class LabError(Exception):
    """Something the user has to know about; its text is the whole message."""


def say(text: str) -> None:
    """A line about what is going on. Results go to standard output, these do not."""
    sys.stderr.write(f"lab: {text}\n")  # one write, as several threads have something to say
    sys.stderr.flush()


def as_root(argv: list[str]) -> list[str]:
    """The same command with root's rights."""
    return argv if os.geteuid() == 0 else ["sudo", *argv]


def record_in(directory: Path) -> None:
    """From now on every program run is noted there, so that a later run can end it."""
    directory.mkdir(parents=True, exist_ok=True)
    _records[:] = [directory]


def run(
    argv: list[str],
    *,
    timeout: float,
    check: bool = True,
    data: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    grace: float = GRACE,
) -> subprocess.CompletedProcess[str]:
    """Run `argv` for at most `timeout` seconds; a failure is a LabError with its last words.

    Should we be told to stop meanwhile, it has `grace` seconds to come to its end.
    """
    if _stopping.is_set() and threading.current_thread() is not threading.main_thread():
        raise LabError("stopped")
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        process_group=0,
    )
    with _tracked(process, grace):
        try:
            out, err = process.communicate(data, timeout)
        except subprocess.TimeoutExpired:
            end_group(process.pid, signal.SIGKILL)
            process.communicate()
            raise LabError(f"gave up after {timeout:.0f} s: {' '.join(argv)}") from None
    done = subprocess.CompletedProcess(
        argv, process.returncode, out.decode(errors="replace"), err.decode(errors="replace")
    )
    if check and done.returncode:
        words = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LabError(f"exit status {done.returncode}: {' '.join(argv)}\n{words}")
    return done


@contextlib.contextmanager
def _tracked(process: subprocess.Popen[bytes], grace: float) -> Iterator[None]:
    note = _records[0] / str(process.pid) if _records else None
    if note:
        note.write_text(f"{_started(process.pid)} {grace}")
    with _live_lock:
        _live[process] = grace
    try:
        yield
    finally:
        with _live_lock:
            _live.pop(process, None)
        if note:
            note.unlink(missing_ok=True)


def _started(pid: int) -> str:
    """When a process began, in clock ticks since boot; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def end_group(pid: int, with_signal: signal.Signals) -> None:
    """Send a signal to a process and all that it started."""
    try:
        os.killpg(pid, with_signal)
    except ProcessLookupError:
        return
    except PermissionError:
        argv = ["sudo", "-n", "kill", f"-{with_signal.value}", "--", f"-{pid}"]
        subprocess.run(argv, check=False, capture_output=True, timeout=10)


def end_all() -> None:
    """End every program that still runs; used when we are told to stop."""
    _stopping.set()  # a worker begins nothing more; the main thread still cleans up
    with _live_lock:
        live = dict(_live)
    began = time.monotonic()
    for process, grace in sorted(live.items(), key=lambda item: item[1]):
        for with_signal, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace + 5)):
            try:
                process.wait(max(0.0, began + seconds - time.monotonic()))
            except subprocess.TimeoutExpired:
                end_group(process.pid, with_signal)


@contextlib.contextmanager
def workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads that stop at once when one of them fails, or when we are interrupted."""
    pool = ThreadPoolExecutor(count)
    try:
        yield pool
    except BaseException:
        end_all()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def end_recorded(directory: Path) -> int:
    """End what an earlier, killed run left running; how many programs that were."""
    ended = 0
    began = time.monotonic()
    for note in directory.glob("[0-9]*"):
        started, _, grace = note.read_text().partition(" ")
        pid = int(note.name)
        ended += bool(started) and started == _started(pid)
        while started and started == _started(pid):
            if time.monotonic() > began + float(grace or 0):
                end_group(pid, signal.SIGKILL)
            time.sleep(0.05)
        note.unlink(missing_ok=True)
    return ended
