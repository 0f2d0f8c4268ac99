# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.gateway.backup import (
    MANIFEST,
    SECRETS,
    BackupError,
    pack,
    read_members,
    seal,
    sha256,
    unpack,
)
from ..module_utils.host import atomic
from ..modules.gateway_backup import ARGUMENTS
from ..plugin_utils.vault import VaultError, decrypt, encrypt, passwords


class ActionModule(ActionBase):
    """The module reads on the host; the archive is sealed, encrypted and written here."""

    _supports_check_mode = True
    _supports_diff = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        wanted, dest = arguments["secrets"], Path(arguments["dest"]).absolute()
        try:
            file = arguments["vault_password_file"]
            keys = passwords(self._loader, file) if wanted else []
            found = self._read(wanted, task_vars)
            if found.get("failed") or "archive" not in found:
                return found
            return self._keep(dest, found, arguments, keys)
        except (BackupError, VaultError, OSError) as error:
            return {"failed": True, "msg": str(error)}

    def _read(self, secret: bool, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """What the module found. With -vvv a connection prints what a module says: not this."""
        context = self._connection._play_context
        before = context.no_log
        context.no_log = before or secret
        try:
            return self._execute_module(task_vars=task_vars)
        finally:
            context.no_log = before

    def _keep(
        self,
        dest: Path,
        found: dict[str, Any],
        arguments: dict[str, Any],
        keys: list[tuple[str, Any]],
    ) -> dict[str, Any]:
        members = read_members(base64.b64decode(found["archive"]))
        del members[MANIFEST]
        inner = json.dumps({**found["kept"], "seal": seal(members)}, sort_keys=True) if keys else ""
        told = {key: found[key] for key in ("current", "generations")}
        told |= {"file": str(dest), "secrets": bool(keys)}
        if _holds(dest, members, inner, keys):
            return {**told, "changed": False, "msg": f"{dest} holds all of it already"}
        if inner:
            members[SECRETS] = encrypt(inner, keys)
        about = {"at": int(time.time()), "host": arguments["host"], "by": arguments["by"], **told}
        data = pack({k: v for k, v in about.items() if k != "file"}, members)
        unpack(data)  # what cannot be read back is no backup
        if not self._task.check_mode:
            dest.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic.write(dest, data, 0o600)
        told |= {"changed": True, "size": len(data), "sha256": sha256(data)}
        return {**told, "msg": _sentence(told)}


def _holds(dest: Path, members: dict[str, bytes], inner: str, keys: list[tuple[str, Any]]) -> bool:
    """Whether the archive that is there holds the very same."""
    try:
        there = unpack(dest.read_bytes())
        kept = decrypt(there.secrets, keys) if there.secrets and keys else there.secrets
    except (BackupError, VaultError, OSError):
        return False
    rest = {name: content for name, content in there.members.items() if name != SECRETS}
    return rest == members and kept == inner


def _sentence(told: dict[str, Any]) -> str:
    numbers, current = told["generations"], told["current"]
    which = f"generations {', '.join(map(str, numbers))}, of which {current} serves"
    which = which if len(numbers) > 1 else f"generation {current}, which serves"
    secrets = "with its secrets, encrypted" if told["secrets"] else "without secrets"
    return f"{told['file']}: {which}; {secrets}; {told['size'] / 1000:.0f} kB"
