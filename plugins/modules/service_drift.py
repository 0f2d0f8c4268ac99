#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_drift
short_description: Say how a host's services are beside what was deployed there
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Compares each unit, its file of keys, its program and its model with those that it was last
    started with by M(lab.llm.user_units), and looks at how it is in systemd. Changes nothing.
  - The filter P(lab.llm.drift_report#filter) makes sentences of it.
options:
  user:
    description: Whose services. The module starts as root and gives up root for that user.
    type: str
    required: true
  expected:
    description: Units that are to be there, name to port.
    type: dict
    default: {}
  patterns:
    description: Globs for all units of their kind.
    type: list
    elements: str
    default: ["*.service"]
attributes:
  check_mode: {support: full, description: It only looks.}
  diff_mode: {support: none, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: See how the instances are
  lab.llm.service_drift:
    user: llm
    expected: {llama-server-smollm.service: 8080}
    patterns: [llama-server-*.service]
  become: true
  register: service_drift
"""

RETURN = r"""
units:
  description: Each unit with C(unit), C(file), C(text), C(was), C(secrets), C(mode), C(watch),
    C(active), C(result), C(enabled), C(reload), C(drop_ins) and C(holder).
  type: list
  elements: dict
  returned: success
leftover:
  description: Units of ours that nobody expects.
  type: list
  elements: str
  returned: success
systemd: {description: Why the user's systemd does not answer., type: str, returned: success}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.account import end_as_user
from ..module_utils.host.service_drift import look
from ..module_utils.host.user_manager import Manager

ARGUMENTS = {
    "user": {"type": "str", "required": True},
    "expected": {"type": "dict", "default": {}},
    "patterns": {"type": "list", "elements": "str", "default": ["*.service"]},
}


def work(params: dict[str, Any], home: str | None) -> dict[str, Any]:
    """What is read as the services' user."""
    expected = {name: int(port) for name, port in params["expected"].items()}
    if home is None:
        why = f"there is no user {params['user']}"
        return {"units": [], "leftover": [], "systemd": why if expected else ""}
    return look(Path(home), Manager(), expected, params["patterns"])


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    end_as_user(module, lambda home: work(params, home))


if __name__ == "__main__":
    main()
