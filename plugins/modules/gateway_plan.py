#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_plan
short_description: Say what a change of the gateway would come to
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Takes what M(lab.llm.gateway_change) takes, and says in sentences what it would change, and why
    it would not begin. It reads the host and changes nothing there.
  - What is compared is what is meant. The comparison is made on the controller, by an action plugin
    of this name. Values of variables are compared on the host, and only names are told.
options:
  files: {description: "What a generation is made of, path to text.", type: dict, required: true}
  registry: {description: "Its files, name to text.", type: dict, default: {}}
  lock: {description: "The lock file that LiteLLM is installed from.", type: str, required: true}
  units: {description: "Unit files of the user's systemd, name to text.", type: dict, default: {}}
  variables:
    description: Names of the environment variables that the configuration needs.
    type: list
    elements: str
    default: []
  composed:
    description: Variables made of text and C(${OTHER}) variables, name to text.
    type: dict
    default: {}
  secrets: {description: "Values of variables; others stay.", type: dict, default: {}}
  unconfirmed: {description: "A file that the controller keeps afterwards.", type: str, default: ""}
  adopt: {description: "As for M(lab.llm.gateway_change).", type: bool}
  again: {description: "As for M(lab.llm.gateway_change).", type: bool, default: false}
  address: {description: "To ask it from outside; else where it listens.", type: str, default: ""}
  python: {description: "For the program and the venv.", type: path, default: /usr/bin/python3}
  account:
    description: How the user is to be, for where there is none yet. C(home), C(stop_timeout) and
      C(journal) as M(lab.llm.service_user) has them.
    type: dict
    default: {}
attributes:
  check_mode: {support: full, description: "It reads, in check mode too."}
  diff_mode: {support: none, description: It changes nothing.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: See what would change
  lab.llm.gateway_plan:
    path: /var/lib/llm/gateway
    user: llm
    files: {config.yaml: "{{ llm.gateway_config_text }}"}
    lock: "{{ lookup('ansible.builtin.file', 'litellm.txt') }}"
  become: true
  register: plan
"""

RETURN = r"""
items:
  description: What would change, each with C(verb) (add, change or remove), C(kind), C(subject) and
    C(text).
  type: list
  elements: dict
  returned: success
current: {description: The generation that serves., type: int, returned: success}
next: {description: The generation that would serve., type: int, returned: success}
missing:
  description: Variables without a value on the host or among O(secrets).
  type: list
  elements: str
  returned: success
refused:
  description: Why the change would not begin.
  type: list
  elements: str
  returned: success
notes: {description: What else there is to know., type: list, elements: str, returned: success}
hosts:
  description: The hosts of the backends that it has.
  type: list
  elements: str
  returned: success
"""

from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway.cli import ERRORS
from ..module_utils.gateway.foresight import foresee
from ..module_utils.gateway.install import sources
from ..module_utils.gateway.installed import Installed
from ..module_utils.gateway.venv import VenvError
from ..module_utils.gateway.wanted import wanted_of
from ..module_utils.host.account import end_as_user
from ..module_utils.host.account_plan import account_steps

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "files": {"type": "dict", "required": True},
    "registry": {"type": "dict", "default": {}},
    "lock": {"type": "str", "required": True},
    "units": {"type": "dict", "default": {}},
    "variables": {"type": "list", "elements": "str", "default": []},
    "composed": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "unconfirmed": {"type": "str", "default": ""},
    "adopt": {"type": "bool"},
    "again": {"type": "bool", "default": False},
    "address": {"type": "str", "default": ""},
    "python": {"type": "path", "default": "/usr/bin/python3"},
    "account": {"type": "dict", "default": {}},
}


def work(params: dict[str, Any], program: dict[str, str], home: str | None) -> dict[str, Any]:
    """What is read as the gateway's user, who may not be there yet."""
    gateway = Installed(Path(params["path"]))
    try:
        found = foresee(gateway, wanted_of(params), program, params)
    except (*ERRORS, VenvError) as error:
        return {"failed": True, "msg": str(error)}
    return {**found, "user": home is not None}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    steps = account_steps(params["user"], params["account"])
    end_as_user(module, partial(work, params, sources()), account=steps, invocation={})


if __name__ == "__main__":
    main()
