"""Running other programs: bounded, in a group of their own, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_live: set[subprocess.Popen[bytes]] = set()
_live_lock = threading.Lock()
_records: list[Path] = []
_stopping = threading.Event()


class LabError(Exception):
    """Something the user has to know about; its text is the whole message."""


def say(text: str) -> None:
    """A line about what is going on. Results go to standard output, these do not."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


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
) -> subprocess.CompletedProcess[str]:
    """Run `argv` for at most `timeout` seconds; a failure is a LabError with its last words."""
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
    with _tracked(process):
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
def _tracked(process: subprocess.Popen[bytes]) -> Iterator[None]:
    note = _records[0] / str(process.pid) if _records else None
    if note:
        note.write_text(_started(process.pid))
    with _live_lock:
        _live.add(process)
    try:
        yield
    finally:
        with _live_lock:
            _live.discard(process)
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
        processes = list(_live)
    for process in processes:
        end_group(process.pid, signal.SIGTERM)
    for process in processes:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            end_group(process.pid, signal.SIGKILL)


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
    for note in directory.glob("[0-9]*"):
        started = note.read_text()
        if started and started == _started(int(note.name)):
            end_group(int(note.name), signal.SIGKILL)
            ended += 1
        note.unlink(missing_ok=True)
    return ended
