# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A finding: something that is not as it was deployed, with the command that mends it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

SITE = "ansible-playbook playbooks/site.yml"


@dataclass(frozen=True)
class Finding:
    """For programs by `host`, `kind` and `subject`, for people by `text`. `was` is what was
    deployed, `now` what is there; neither holds a secret. `fix` is a command, or what to do."""

    kind: str
    subject: str
    was: str
    now: str
    text: str
    fix: str = SITE
    host: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def on_host(module: str, arguments: str, host: str) -> str:
    """The command for what no playbook does."""
    return f"ansible {host} --become -m {module} -a '{arguments}'"


def chmod(path: str, host: str) -> str:
    return on_host("ansible.builtin.file", f"path={path} mode=0600", host)


def systemctl(words: str, host: str, user: str) -> str:
    runs = f"runuser -u {user} -- env XDG_RUNTIME_DIR=/run/user/$(id -u {user})"
    return on_host("ansible.builtin.shell", f"{runs} systemctl --user {words}", host)
