#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_drift
short_description: Say what on a gateway's host is not as it was deployed
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Compares the generation that serves with its manifest, its units with those on the disk and in
    systemd, the process with its configuration, each backend's own list of models with what is
    asked of it, and looks at the files of secrets and at the programs.
  - The sentences are made on the controller, by an action plugin of this name. It reads the host
    and changes nothing there. No secret is told.
options:
  host: {description: "What the host is called, for commands.", type: str, default: gateway}
  python: {description: What the program runs with., type: path, default: /usr/bin/python3}
  listings:
    description: For the action plugin. Backends' lists of models to ask for.
    type: list
    elements: dict
attributes:
  check_mode: {support: full, description: It only looks and asks.}
  diff_mode: {support: none, description: It changes nothing.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: See what has changed behind our back
  lab.llm.gateway_drift:
    path: /var/lib/llm/gateway
    user: llm
  become: true
  register: drift
"""

RETURN = r"""
current: {description: The generation that serves., type: int, returned: success}
findings:
  description: What is another, each with C(kind), C(subject), C(was), C(now), C(text) and C(fix).
  type: list
  elements: dict
  returned: success
backends:
  description: What the backends themselves say to have.
  type: list
  elements: dict
  returned: success
expected:
  description: The instances that it has, host to provider to C(unit) and C(port).
  type: dict
  returned: success
notes: {description: What else there is to know., type: list, elements: str, returned: success}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway.cli import ERRORS
from ..module_utils.gateway.installed import Installed
from ..module_utils.gateway.observation import ask_listings, observe
from ..module_utils.host.account import end_as_user

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "host": {"type": "str", "default": "gateway"},
    "python": {"type": "path", "default": "/usr/bin/python3"},
    "listings": {"type": "list", "elements": "dict"},
}


def work(params: dict[str, Any], home: str | None) -> dict[str, Any]:
    """What is read as the gateway's user."""
    if home is None:
        return {"found": {"current": None}}
    gateway = Installed(Path(params["path"]))
    try:
        if params["listings"] is not None:
            return {"backends": ask_listings(params["listings"], gateway.held.values())}
        return {"found": observe(gateway, params["python"])}
    except ERRORS as error:
        return {"failed": True, "msg": str(error)}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    end_as_user(module, lambda home: work(params, home))


if __name__ == "__main__":
    main()
