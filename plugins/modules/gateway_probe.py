#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_probe
short_description: Prove that a gateway does what the registry says
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Asks a generation of the gateway through its private door, or the public address. It asks for
    the names of its models, for a small answer of each, and for the next in each chain of
    fallbacks while it takes the first for failed; and it asks the providers for their health.
  - It runs on the gateway's host and reads the gateway's key there, so that no key travels.
  - It changes nothing. Its O(ignore:ok) is a result; a failed check does not fail the module.
options:
  path:
    description: The gateway's folder on the host.
    type: path
    required: true
  user:
    description: The user that the gateway runs as. The module becomes this user if run as root.
    type: str
  probes:
    description:
      - What to ask, as the registry plugin gives it. C(models) are the names that must be listed,
        C(health) the providers' endpoints, C(completions) names to ask, C(fallbacks) the chains.
    type: dict
    required: true
  generation:
    description: Whose private door to use. The default is the current generation's.
    type: int
  address:
    description:
      - Ask this address, such as V(http://127.0.0.1:4000), and not the private door. A first hop
        cannot be forced there.
    type: str
  new_provider:
    description: A provider that was just added. Each of its deployments is asked by its id.
    type: str
    default: ""
  routes:
    description: Ask only these names. The default is all.
    type: list
    elements: str
    default: []
  no_completions:
    description: Providers that are asked for no completion, for they cost money.
    type: list
    elements: str
    default: []
  timeout_seconds:
    description: How long one answer may take.
    type: int
    default: 60
  side_by_side:
    description: How many questions are asked at a time.
    type: int
    default: 8
attributes:
  check_mode: {support: full, description: It only asks, in check mode too.}
  diff_mode: {support: none, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: The gateway is proven
  lab.llm.gateway_probe:
    path: /var/lib/llm/gateway
    user: llm
    probes: "{{ llm.probes }}"
    new_provider: mistral
  register: proof
"""

RETURN = r"""
ok: {description: Whether every check came out right., type: bool, returned: success}
lines: {description: Five lines and one a failure, for people., type: list, returned: success}
checks:
  description: Each check with C(line), C(check), C(asked), C(expected), C(seen), C(ok),
    C(milliseconds) and C(fix).
  type: list
  returned: success
generation: {description: The generation that was asked., type: int, returned: success}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.account import AccountError, as_user
from ..module_utils.asking import Asker
from ..module_utils.gateway_manager import GatewayManager
from ..module_utils.generation import Store
from ..module_utils.probe import Proof, Questions
from ..module_utils.probe_lines import lines
from ..module_utils.secrets_file import MASTER_KEY, read, scrub

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "probes": {"type": "dict", "required": True},
    "generation": {"type": "int"},
    "address": {"type": "str"},
    "new_provider": {"type": "str", "default": ""},
    "routes": {"type": "list", "elements": "str", "default": []},
    "no_completions": {"type": "list", "elements": "str", "default": []},
    "timeout_seconds": {"type": "int", "default": 60},
    "side_by_side": {"type": "int", "default": 8},
}


def work(params: dict[str, Any]) -> dict[str, Any]:
    """What is asked as the gateway's user."""
    base = Path(params["path"])
    number = params["generation"] or Store(base).current()
    secrets = read(base / "secrets.env")
    if number is None or MASTER_KEY not in secrets:
        return {"failed": True, "msg": f"there is no gateway in {base}: run the role gateway first"}
    door = str(GatewayManager(base.parent).private_socket(number))
    key = {"Authorization": f"Bearer {secrets[MASTER_KEY]}"}
    gateway = Asker(params["address"] or door, key, params["timeout_seconds"])
    questions = Questions(
        probes={"completions": [], **params["probes"]},
        secrets=secrets,
        new_provider=params["new_provider"],
        only_routes=params["routes"],
        no_completions=params["no_completions"],
        forced=not params["address"],
        side_by_side=params["side_by_side"],
    )
    checks = [scrub(row, secrets) for row in Proof(gateway, questions).run()]
    ok = all(row["ok"] for row in checks)
    return {"ok": ok, "checks": checks, "lines": lines(checks), "generation": number}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = as_user(module.params["user"], lambda home: work(module.params))
    except AccountError as error:
        result = {"failed": True, "msg": str(error)}
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
