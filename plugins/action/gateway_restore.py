# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.gateway.backup import SECRETS, Backup, BackupError, pack, seal, unpack
from ..module_utils.gateway.secrets_file import MASTER_KEY, needed
from ..modules.gateway_restore import ARGUMENTS
from ..plugin_utils.vault import VaultError, decrypt, passwords


class ActionModule(ActionBase):
    """The archive is read, checked and decrypted here; the module puts it onto the host."""

    _supports_check_mode = True
    _supports_diff = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        if arguments["undo"]:
            return self._execute_module(task_vars=task_vars)
        src = Path(arguments["src"]).absolute()
        try:
            backup = unpack(src.read_bytes())
            kept = self._secrets(backup, arguments) if arguments["with_secrets"] else {}
        except OSError as error:
            return {"failed": True, "msg": f"the backup {src} cannot be read: {error.strerror}"}
        except VaultError as error:
            others = "Or go without them: -e secrets=false"
            return {"failed": True, "msg": f"the backup {src} is refused: {error}. {others}"}
        except BackupError as error:
            return {"failed": True, "msg": f"the backup {src} is refused: {error}"}
        members = {name: text for name, text in backup.members.items() if name != SECRETS}
        archive = base64.b64encode(pack(backup.about, members)).decode()
        values = _values(backup, arguments["secrets"])
        given = {**self._task.args, "archive": archive, "kept": kept, "secrets": values}
        result = self._execute_module(module_args=given, task_vars=task_vars)
        result.pop("invocation", None)
        return {**result, "locks": _locks(backup)}

    def _secrets(self, backup: Backup, arguments: dict[str, Any]) -> dict[str, Any]:
        """The archive's own secrets, if it has some. Raises VaultError, BackupError."""
        if not backup.secrets:
            return {}
        keys = passwords(self._loader, arguments["vault_password_file"])
        kept: dict[str, Any] = json.loads(decrypt(backup.secrets, keys))
        if kept.pop("seal", "") != seal(backup.members):
            raise BackupError("its secrets belong to another backup: it was put together by hand")
        return kept


def _values(backup: Backup, secrets: Mapping[str, Any]) -> dict[str, str]:
    """What is given now for the variables that the backup's generations name: by a vault, else by
    the environment of ansible-playbook."""
    names = {MASTER_KEY}
    for number in backup.numbers:
        manifest = backup.manifest(number)
        names |= needed(manifest["variables"], manifest.get("composed") or {})
    found = {name: secrets.get(name) or os.environ.get(name) for name in sorted(names)}
    return {name: str(value) for name, value in found.items() if value}


def _locks(backup: Backup) -> list[str]:
    """The lock files of the venvs, that of the generation that served first."""
    order = [backup.current, *(number for number in backup.numbers if number != backup.current)]
    return list(dict.fromkeys(backup.lock(number) for number in order))
