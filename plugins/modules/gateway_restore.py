#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_restore
short_description: Put a backup of the gateway onto a host
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Puts generations, their outcomes and the secrets of an archive of M(lab.llm.gateway_backup) onto
    a host, under their own numbers. Nothing serves before M(lab.llm.gateway_change) is asked to go
    to one of them.
  - The archive is read and checked by an action plugin of this name on the controller, and once
    more on the host. What is cut short, altered, or leads anywhere else is refused.
options:
  src:
    description: The archive on the controller.
    type: path
    required: true
  replace:
    description:
      - Have the backup in the place of other generations. The gateway is stopped, and what it has
        is put aside in C(replaced-*) within O(path).
    type: bool
    default: false
  secrets:
    description:
      - Values of variables, from a vault. What is not here comes from the environment of
        ansible-playbook, else from the archive, else the host keeps what it has. What the
        generation that served needs and nobody gives is an error.
    type: dict
    default: {}
  with_secrets:
    description: Whether to use the archive's own secrets, where it has some.
    type: bool
    default: true
  vault_password_file:
    description:
      - A file with the password of the archive's secrets, or a program that prints it. Without it,
        those that ansible-playbook was given are tried.
    type: path
  address:
    description: Where this host's gateway is declared to listen. Another one in the archive is an
      error, for nobody would find it.
    type: str
    default: ""
  undo:
    description:
      - A folder that RV(aside) named. What is in it comes back, and what was restored in its place
        goes. Nothing serves before M(lab.llm.gateway_change) is asked to go to RV(current).
    type: str
    default: ""
  by: {description: "Who restores, for the lock.", type: str, default: ""}
  archive: {description: "For the action plugin alone.", type: str}
  kept: {description: "For the action plugin alone.", type: dict, default: {}}
attributes:
  check_mode: {support: full, description: "Checks everything, and writes nothing."}
  diff_mode: {support: none, description: A backup has no text to compare.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: Have the gateway's generations again
  lab.llm.gateway_restore:
    path: /var/lib/llm/gateway
    user: llm
    src: backups/gateway.tar.gz
  become: true
  register: restored
"""

RETURN = r"""
current: {description: The generation that served., type: int, returned: success}
generations: {description: Those in the archive., type: list, elements: int, returned: success}
locks:
  description: Lock files of the venvs, that of the generation that served first.
  type: list
  elements: str
  returned: success
not_to_go_back_to:
  description: Generations for which a value is missing, with the names of the variables.
  type: dict
  returned: success
new_master_key:
  description: Whether the gateway's own key had to be made anew.
  type: bool
  returned: success
aside: {description: Where replaced generations are., type: str, returned: success}
"""

import base64
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway.backup import BackupError, unpack
from ..module_utils.gateway.generation import Store
from ..module_utils.gateway.lock import LockedError
from ..module_utils.gateway.restore import Given
from ..module_utils.gateway.restoring import restore, undo
from ..module_utils.gateway.sealed import GenerationError
from ..module_utils.gateway.secrets_file import MissingVariablesError
from ..module_utils.host.account import end_as_user
from ..module_utils.host.user_manager import ManagerError

ERRORS = (BackupError, GenerationError, LockedError, ManagerError, MissingVariablesError)
ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "src": {"type": "path", "required": True},
    "replace": {"type": "bool", "default": False},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "with_secrets": {"type": "bool", "default": True},
    "vault_password_file": {"type": "path", "no_log": False},
    "address": {"type": "str", "default": ""},
    "undo": {"type": "str", "default": ""},
    "by": {"type": "str", "default": ""},
    "archive": {"type": "str", "no_log": True},
    "kept": {"type": "dict", "default": {}, "no_log": True},
}


def given(params: dict[str, Any]) -> Given:
    values = {name: str(value) for name, value in params["secrets"].items() if value}
    kept = params["kept"]
    return Given(values, kept.get("values") or {}, base64.b64decode(kept.get("key") or ""))


def work(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """What is done as the gateway's user, who may not be there yet in check mode."""
    store, how = Store(Path(params["path"])), {"by": params["by"], "check": check}
    try:
        if params["undo"]:
            return undo(store, params["undo"], **how)
        backup = unpack(base64.b64decode(params["archive"]))
        where = {"replace": params["replace"], "address": params["address"]}
        return restore(store, backup, given(params), **where, **how)
    except ERRORS as error:
        return {"failed": True, "msg": str(error)}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params, check = module.params, module.check_mode
    nobody = {"failed": True, "msg": f"there is no user {params['user']}"}
    end_as_user(module, lambda home: work(params, check) if home or check else nobody)


if __name__ == "__main__":
    main()
