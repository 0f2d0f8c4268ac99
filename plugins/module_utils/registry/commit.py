# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which git commit a registry's files are of."""

from __future__ import annotations

import subprocess

GIT_SECONDS = 10.0  # a repository on a hung network mount shall not hang a run


def commit_of(directory: str) -> str:
    """The commit that the registry in `directory` stands at, with `+` if its files differ from it.

    "" without git, or where it is in no repository.
    """
    head = _git(directory, "rev-parse", "--short=12", "HEAD")
    if not head:
        return ""
    changed = _git(directory, "status", "--porcelain", "--", ".")
    return head + ("+" if changed else "")


def _git(directory: str, *words: str) -> str:
    """What git says, "" if it fails."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", directory, *words],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
