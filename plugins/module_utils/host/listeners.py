# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who listens on a TCP port of this host, read from /proc."""

from __future__ import annotations

import contextlib
import pwd
import re
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"


@dataclass(frozen=True)
class Holder:
    """A listener. pid, command and unit are known for the processes of one's own user only."""

    uid: int
    pid: int = 0
    command: str = ""
    unit: str = ""

    def __str__(self) -> str:
        try:
            user = pwd.getpwuid(self.uid).pw_name
        except KeyError:
            user = f"uid {self.uid}"
        if not self.pid:
            return f"a process of {user}"
        return f"{self.command} (pid {self.pid}{f', {self.unit}' if self.unit else ''}) of {user}"


def holders(port: int) -> list[Holder]:
    """All listeners of the port, on whatever address."""
    sockets: dict[str, int] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            sockets.update(listening(Path(table).read_text(), port))
    if not sockets:
        return []
    owners = _owners(set(sockets))
    return [owners.get(inode, Holder(uid)) for inode, uid in sockets.items()]


def listening(table: str, port: int) -> dict[str, int]:
    """{inode: uid} of the listeners of a port in the text of /proc/net/tcp or tcp6."""
    found = {}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
            found[fields[9]] = int(fields[7])
    return found


def _owners(inodes: set[str]) -> dict[str, Holder]:
    """The processes that hold the sockets, as far as they may be looked into."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for handle in (process / "fd").iterdir():
                inode = wanted.get(str(handle.readlink()))
                if inode and inode not in found:
                    found[inode] = _holder(process)
    return found


def _holder(process: Path) -> Holder:
    command = (process / "comm").read_text().strip()
    # With cgroup v1 there are many lines; the one that names the unit goes deepest.
    group = max((process / "cgroup").read_text().splitlines(), key=lambda line: line.count("/"))
    units = re.findall(r"/([^/\s]+\.(?:service|scope|socket))", group)
    return Holder(process.stat().st_uid, int(process.name), command, units[-1] if units else "")
