# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An unprivileged user whose systemd runs without a login. For root."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .unit_files import FileChange, FileWish, changes
from .units import render

LINGER = Path("/var/lib/systemd/linger")
JOURNAL = Path("/var/log/journal")
SYSTEM = Path("/etc/systemd/system")
NO_SHELL = "/usr/sbin/nologin"


class AccountProblem(Exception):  # noqa: N818
    """The account cannot be had; the message is one sentence with the way out."""


@dataclass(frozen=True)
class Wish:
    """Who, where at home, and how long (seconds) its systemd may take to come up and to stop."""

    user: str
    home: str
    journal: bool = True
    timeout: float = 30.0
    stop_timeout: int = 20


@dataclass(frozen=True)
class Step:
    """Something that is not as it should be: in words, and what mends it."""

    words: str
    mend: Callable[[], object]


def steps(wish: Wish) -> list[Step]:
    """What has to be done, in order, as far as it can be told now. Empty: all is well."""
    entry = _entry(wish)
    found = []
    if entry is None:
        found.append(Step(f"user {wish.user} with home {wish.home}", lambda: _create(wish)))
    if wish.journal and not JOURNAL.is_dir():
        found.append(Step(f"{JOURNAL}, for journalctl --user", _keep_journal))
    if drop_in_change(wish):
        found.append(Step("its systemd is restarted when it is killed", lambda: _write(wish)))
    if not (LINGER / wish.user).exists():
        found.append(Step("its systemd starts at boot (linger)", lambda: _linger(wish)))
    elif entry and not _is_up(entry.pw_uid):
        found.append(Step("its systemd runs", lambda: _start(wish)))
    return found


def drop_in_change(wish: Wish) -> FileChange | None:
    """The drop-in for user@UID.service: without it a killed manager takes all services with it."""
    entry = _entry(wish)
    if entry is None:
        return None
    path = SYSTEM / f"user@{entry.pw_uid}.service.d" / "lab-llm.conf"
    text = render(
        {
            "Unit": {"StartLimitIntervalSec": 0},
            # Where the end of a killed manager's processes is not told (cgroup v1 in a container),
            # systemd waits TimeoutStopSec before it restarts it: 2 minutes as shipped.
            "Service": {
                "Restart": "on-failure",
                "RestartSec": "1s",
                "TimeoutStopSec": f"{wish.stop_timeout}s",
            },
        }
    )
    return next(iter(changes([FileWish(path, text, path.name)])), None)


def wait_for_bus(wish: Wish) -> dict[str, object]:
    """Wait until the user's systemd can be spoken to; what is known of the account then."""
    entry = _entry(wish)
    if entry is None:
        raise AccountProblem(f"user {wish.user} could not be created")
    bus, end = _bus(entry.pw_uid), time.monotonic() + wish.timeout
    while not _is_up(entry.pw_uid):
        if time.monotonic() > end:
            raise AccountProblem(
                f"{bus} did not appear within {wish.timeout:.0f} s: install dbus-user-session, and "
                f"see `systemctl status user@{entry.pw_uid}.service`"
            )
        time.sleep(0.1)  # between two looks at a condition, bounded above
    return facts(wish)


def facts(wish: Wish) -> dict[str, object]:
    """uid (None without the user), home and whether the user exists."""
    entry = _entry(wish)
    return {
        "exists": entry is not None,
        "uid": entry.pw_uid if entry else None,
        "home": wish.home,
        "runtime_dir": f"/run/user/{entry.pw_uid}" if entry else None,
    }


def _entry(wish: Wish) -> pwd.struct_passwd | None:
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", wish.user) or wish.user == "root":
        raise AccountProblem(f"'{wish.user}' is no name for an unprivileged user")
    try:
        entry = pwd.getpwnam(wish.user)
    except KeyError:
        return None
    if entry.pw_uid == 0:
        raise AccountProblem(f"{wish.user} is root by another name: choose an unprivileged user")
    if os.path.realpath(entry.pw_dir) != os.path.realpath(wish.home):
        raise AccountProblem(
            f"user {wish.user} exists with home {entry.pw_dir}, not {wish.home}: set "
            "user_service_home to that, or choose another user_service_user"
        )
    return entry


def _create(wish: Wish) -> None:
    # No --system: journald gives only ordinary users (uid >= 1000) a journal of their own, and
    # without one `journalctl --user` shows them nothing.
    arguments = ["--create-home", "--home-dir", wish.home, "--user-group", "--shell", NO_SHELL]
    Path(wish.home).parent.mkdir(parents=True, exist_ok=True)
    _run("useradd", *arguments, "--comment", "LLM services", wish.user)
    Path(wish.home).chmod(0o750)


def _write(wish: Wish) -> None:
    if change := drop_in_change(wish):
        change.apply()
        _run("systemctl", "daemon-reload")


def _linger(wish: Wish) -> None:
    _run("loginctl", "enable-linger", wish.user)


def _start(wish: Wish) -> None:
    _run("systemctl", "start", f"user@{pwd.getpwnam(wish.user).pw_uid}.service")


def _keep_journal() -> None:
    JOURNAL.mkdir(parents=True)
    _run("systemd-tmpfiles", "--create", "--prefix", str(JOURNAL))
    _run("journalctl", "--flush")


def _bus(uid: int) -> Path:
    return Path(f"/run/user/{uid}/bus")


def _is_up(uid: int) -> bool:
    """The bus alone is not enough: its file outlives a killed manager."""
    return _bus(uid).exists() and not _call("systemctl", "is-active", f"user@{uid}.service")


def _run(*argv: str) -> None:
    if problem := _call(*argv):
        raise AccountProblem(f"{' '.join(argv)}: {problem}")


def _call(*argv: str) -> str:
    """Why the command failed, or ""."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    except FileNotFoundError:
        raise AccountProblem(f"{argv[0]} is not on this host, which needs systemd") from None
    except subprocess.TimeoutExpired:
        return "it did not end within 120 s"
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"
