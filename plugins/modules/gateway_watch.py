#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_watch
short_description: Look once at what a gateway serves, as the schedule does
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Asks the generation that serves what is due, counts what fails in a row, and says whether the
    transaction is to be asked to go back. It does not ask it.
  - Where a provider on trial was promoted and is worse than its peers, it has the transaction go
    back to the share of before.
  - What it remembers from one look to the next is on the gateway's host.
options:
  every_seconds:
    description: How long it is from one look to the next.
    type: float
    default: 300
  failures:
    description: How often in a row something may fail. A look asks again by itself.
    type: int
    default: 3
  max_per_hour:
    description: How often in an hour RV(act) may be true.
    type: int
    default: 2
attributes:
  check_mode: {support: full, description: In check mode nothing is asked and nothing remembered.}
  diff_mode: {support: none, description: It shows no differences.}
extends_documentation_fragment:
  - lab.llm.gateway
seealso:
  - module: lab.llm.gateway_change
"""

EXAMPLES = r"""
- name: Look at what serves
  lab.llm.gateway_watch:
    path: /var/lib/llm/gateway
    user: llm
  become: true
  register: look
"""

RETURN = r"""
act: {description: Whether to ask for the way back., type: bool, returned: success}
lines: {description: What was seen and decided., type: list, returned: success}
"""

from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway import canary_watch, submit
from ..module_utils.gateway.cli import ERRORS
from ..module_utils.gateway.installed import Installed
from ..module_utils.gateway.schedule import Rules
from ..module_utils.gateway.watch import Watch
from ..module_utils.host.account import end_as_user

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "every_seconds": {"type": "float", "default": 300},
    "failures": {"type": "int", "default": 3},
    "max_per_hour": {"type": "int", "default": 2},
}


def work(params: dict[str, Any]) -> dict[str, Any]:
    """What is asked as the gateway's user."""
    base = Path(params["path"])
    if not (base / "current").is_symlink():
        return {"act": False, "lines": ["not looked: nothing serves yet"]}
    lines: list[str] = []
    rules = Rules(params["every_seconds"], params["failures"], params["max_per_hour"])
    gateway = Installed(base)
    options = submit.last_options(gateway)
    take_back = partial(submit.take_back, by="the schedule", options=options)
    try:
        act = Watch(gateway, rules, None, say=lines.append).look()
        undone = canary_watch.watch(gateway, take_back, lines.append)
    except ERRORS as error:
        return {"failed": True, "msg": "\n".join([*lines, str(error)])}
    return {"act": act and not undone, "lines": lines, "changed": undone}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    unasked = {"act": False, "lines": ["in check mode nothing is asked"]}
    end_as_user(module, lambda home: unasked if module.check_mode else work(module.params))


if __name__ == "__main__":
    main()
