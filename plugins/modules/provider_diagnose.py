#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: provider_diagnose
short_description: Look for what is wrong with a provider, on the gateway's or its own host
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - On a gateway's host it looks at what the gateway has of the provider, at the variables that its
    requests need, and from there at its name, port, certificate, health and list of models.
  - On the host of an instance of ours it looks at its unit, restarts, journal, key, port, firewall
    and GPUs, and asks the instance itself.
  - All of it side by side, each question with a bound. Changes nothing, and tells no secret.
  - The filter P(lab.llm.diagnosis_report#filter) finds the cause in it.
options:
  user:
    description: Whose services. The module starts as root and gives up root for that user, except
      to see who holds a port and what the firewall says of it.
    type: str
    required: true
  path: {description: "The gateway's folder.", type: path, required: true}
  gateway:
    description: What to ask from the gateway's host, by M(lab.llm.diagnosis_questions).
    type: dict
    default: {}
  instance:
    description: What to ask of the instance on this host, by M(lab.llm.diagnosis_questions).
    type: dict
    default: {}
attributes:
  check_mode: {support: full, description: It only looks and asks.}
  diff_mode: {support: none, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: Look at it
  lab.llm.provider_diagnose:
    user: llm
    path: /var/lib/llm/gateway
    gateway: "{{ llm_questions.hosts['gateway1'].gateway }}"
  become: true
  register: llm_seen
"""

RETURN = r"""
rows:
  description: Each check with C(check), C(asked), C(expected), C(seen), C(ok) (none where it could
    not be made), C(fault) (a word), C(about), C(milliseconds) and, from a gateway, C(target), the
    host of the instance.
  type: list
  elements: dict
  returned: success
skew:
  description: Between which seconds this host's clock is ahead of the controller's.
  type: list
  elements: float
  returned: success
"""

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.diagnosing.look import as_root, as_service
from ..module_utils.host.account import AccountError, as_user

ARGUMENTS = {
    "user": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "gateway": {"type": "dict", "default": {}},
    # The names of variables only.
    "instance": {"type": "dict", "default": {}},
}


def work(params: dict[str, Any], home: str | None) -> dict[str, Any]:
    """What is seen as the services' user; as root where there is no such user."""
    folder = Path(home) if home else None
    return {"rows": as_service(params["gateway"], params["instance"], Path(params["path"]), folder)}


def main() -> None:
    began = time.time()
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    try:
        rows = as_user(params["user"], lambda home: work(params, home))["rows"]
    except AccountError as problem:
        module.fail_json(msg=str(problem))
    rows = as_root(params["gateway"], params["instance"], rows)
    module.exit_json(changed=False, rows=rows, began=began, ended=time.time())


if __name__ == "__main__":
    main()
