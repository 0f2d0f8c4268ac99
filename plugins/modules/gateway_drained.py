#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_drained
short_description: Wait until older generations of a gateway have finished what they have begun
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - A generation that is not current any more accepts nothing and finishes what it has begun, and so
    do workers that a restart has left. Both may still ask a backend that the current generation
    does without.
  - The processes bound it themselves, by the role gateway's C(gateway_retire_seconds).
options:
  seconds: {description: How long to wait at most., type: int, default: 600}
  required: {description: Whether it fails if something is left then., type: bool, default: true}
attributes:
  check_mode: {support: full, description: In check mode it does not wait.}
  diff_mode: {support: none, description: It changes nothing.}
extends_documentation_fragment:
  - lab.llm.gateway
seealso:
  - module: lab.llm.gateway_change
"""

EXAMPLES = r"""
- name: Nobody asks the old backend any more
  lab.llm.gateway_drained:
    path: /var/lib/llm/gateway
    user: llm
  become: true
"""

RETURN = r"""
left: {description: The units that still answer something., type: list, returned: always}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway.drained import wait
from ..module_utils.gateway.generation import Store
from ..module_utils.gateway.manager import GatewayManager
from ..module_utils.host.account import end_as_user
from ..module_utils.host.user_manager import ManagerError

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "seconds": {"type": "int", "default": 600},
    "required": {"type": "bool", "default": True},
}


def work(base: Path, seconds: int, required: bool, check: bool) -> dict[str, Any]:
    """What is done as the gateway's user."""
    if check:
        return {"left": []}
    try:
        left = wait(Store(base), GatewayManager(base.parent), seconds)
    except ManagerError as error:
        return {"failed": True, "msg": str(error), "left": []}
    if left:
        said = f"{', '.join(left)} still answers what it has begun, after {seconds} seconds"
        return {"failed": required, "msg": said, "left": left}
    return {"left": []}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    base, seconds = Path(module.params["path"]), module.params["seconds"]
    required, check = module.params["required"], module.check_mode
    end_as_user(module, lambda home: work(base, seconds, required, check or home is None))


if __name__ == "__main__":
    main()
