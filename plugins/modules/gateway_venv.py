#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_venv
short_description: LiteLLM in a venv of its own, from a lock file with hashes
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - One venv a lock file, named by the first 16 digits of its sha256. A venv is never changed, so
    that every generation of the gateway keeps the one that it was proven with.
  - A venv that an interrupted run left is made anew.
  - Releases of LiteLLM that are known to be malicious or open to attack are refused.
options:
  lock:
    description: Text of the lock file, with a hash for every package.
    type: str
    required: true
  python:
    description: The Python to make the venv with.
    type: path
    default: /usr/bin/python3
  bundle:
    description:
      - A folder on the controller that C(bundle.yml) has made. What a new venv needs is copied from
        there, and no index is asked.
    type: path
  wheels:
    description: A tar of wheels on the host. The action gives it.
    type: path
attributes:
  check_mode: {support: full, description: Says whether a venv would be made.}
  diff_mode: {support: none, description: A venv has no text to compare.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: LiteLLM is installed
  lab.llm.gateway_venv:
    path: /var/lib/llm/gateway
    user: llm
    lock: "{{ lookup('ansible.builtin.file', 'litellm.txt') }}"
  become: true
"""

RETURN = r"""
venv: {description: The venv's name below C(venvs/)., type: str, returned: success}
litellm: {description: The release of LiteLLM in it., type: str, returned: success}
python_minor:
  description: The Python that a venv would be made with, V(11) for 3.11.
  type: int
  returned: in check mode, if a venv would be made
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway.venv import Lock, VenvError, have
from ..module_utils.host.account import end_as_user
from ..module_utils.host.wheels import minor_of, only_from


def main() -> None:
    arguments = {
        "path": {"type": "path", "required": True},
        "user": {"type": "str"},
        "lock": {"type": "str", "required": True},
        "python": {"type": "path", "default": "/usr/bin/python3"},
        "bundle": {"type": "path"},
        "wheels": {"type": "path"},
    }
    module = AnsibleModule(arguments, supports_check_mode=True)
    params = module.params
    # Opened by whoever runs this: the gateway's user need not be able to.
    wheels = os.open(params["wheels"], os.O_RDONLY) if params["wheels"] else None

    def work(home: str | None) -> dict[str, Any]:
        try:
            lock, base = Lock(params["lock"]), Path(params["path"])
            if home is None and not module.check_mode:
                raise VenvError(f"there is no user {params['user']}")
            with only_from(wheels, base):
                changed = have(base, lock, params["python"], module.check_mode)
        except (VenvError, OSError) as error:
            return {"failed": True, "msg": str(error)}
        told = {"changed": changed, "venv": lock.name, "litellm": lock.litellm}
        if changed and module.check_mode:
            told["python_minor"] = minor_of(params["python"])
        return told

    shown = {"module_args": {**params, "lock": f"{len(params['lock'])} characters"}}
    end_as_user(module, work, invocation=shown)


if __name__ == "__main__":
    main()
