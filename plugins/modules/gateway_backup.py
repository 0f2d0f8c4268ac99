#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_backup
short_description: Back the gateway up into one archive on the controller
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Takes what the gateway's host needs to come back on a new machine. That is the generation that
    serves and those that one can go back to, what became of them, and the lock files of their
    venvs.
  - Secrets are left out unless O(secrets) asks for them. They are encrypted with ansible-vault on
    the controller before they are written there.
  - The archive is put together by an action plugin of this name, which also encrypts.
options:
  dest:
    description:
      - The archive on the controller, readable by its owner alone. What is there is replaced,
        unless it holds the same already.
    type: path
    required: true
  secrets:
    description: Whether to take the values of the keys, encrypted.
    type: bool
    default: false
  vault_password_file:
    description:
      - A file with the password, or a program that prints it. Without it, the one that
        ansible-playbook was given is used.
    type: path
  host: {description: "The host's name, for the archive's own manifest.", type: str, default: ""}
  by: {description: "Who makes the backup, for its manifest.", type: str, default: ""}
attributes:
  check_mode: {support: full, description: "Reads and checks everything, and writes nothing."}
  diff_mode: {support: none, description: It changes nothing on the host.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: Back the gateway up with its keys
  lab.llm.gateway_backup:
    path: /var/lib/llm/gateway
    user: llm
    dest: backups/gateway.tar.gz
    secrets: true
    vault_password_file: ~/.vault-password
  become: true
"""

RETURN = r"""
file: {description: The archive on the controller., type: str, returned: success}
sha256: {description: Its hash., type: str, returned: when it was written}
size: {description: Its size in bytes., type: int, returned: when it was written}
current: {description: The generation that serves., type: int, returned: success}
generations: {description: The generations in it., type: list, elements: int, returned: success}
secrets: {description: Whether it holds the keys., type: bool, returned: success}
msg: {description: All of it for a reader., type: str, returned: success}
"""

import base64
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway import secrets_file
from ..module_utils.gateway.backup import BackupError, pack
from ..module_utils.gateway.generation import Store
from ..module_utils.gateway.lock import LockedError, locked
from ..module_utils.gateway.restore import KEY, idle, members
from ..module_utils.gateway.sealed import GenerationError
from ..module_utils.host.account import end_as_user

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "dest": {"type": "path", "required": True},
    "secrets": {"type": "bool", "default": False},
    "vault_password_file": {"type": "path", "no_log": False},
    "host": {"type": "str", "default": ""},
    "by": {"type": "str", "default": ""},
}


def work(params: dict[str, Any]) -> dict[str, Any]:
    """What is read as the gateway's user, while nobody changes the gateway."""
    store = Store(Path(params["path"]))
    try:
        if store.current() is None:
            raise BackupError(f"nothing serves from {store.base}: there is nothing to back up")
        with locked(store.base, f"{params['by'] or 'ansible'} (backup)"):
            idle(store)
            current, numbers, found = members(store)
            kept = _secrets(store) if params["secrets"] else {}
    except (BackupError, GenerationError, LockedError) as error:
        return {"failed": True, "msg": str(error)}
    archive = base64.b64encode(pack({}, found)).decode()
    return {"current": current, "generations": numbers, "archive": archive, "kept": kept}


def _secrets(store: Store) -> dict[str, Any]:
    """All values and the key of their fingerprints. Only over a connection that logs nothing."""
    path = store.base / KEY
    key = path.read_bytes() if path.exists() else b""
    values = secrets_file.read(store.base / "secrets.env")
    return {"values": values, "key": base64.b64encode(key).decode()}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    nobody = {"failed": True, "msg": f"there is no user {params['user']}, so there is no gateway"}
    end_as_user(module, lambda home: work(params) if home else nobody)


if __name__ == "__main__":
    main()
