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
  - It changes nothing. RV(ok) is a result; a failed check does not fail the module.
options:
  probes:
    description:
      - What to ask, as the registry plugin gives it. C(models) are the names that must be listed,
        C(health) the providers' endpoints, C(completions) names to ask, C(fallbacks) the chains.
        The default is what the generation was made to be asked.
    type: dict
  generation:
    description: Whose private door to use. The default is the current generation's.
    type: int
  address:
    description:
      - Ask this address, such as V(http://127.0.0.1:4000), and not the private door. A first hop
        cannot be forced there.
    type: str
  compare_with:
    description: A generation that serves. What fails there in the same way does not block.
    type: int
  new_provider:
    description:
      - A provider that was just added. Each of its deployments is asked by its id, and what it does
        not answer blocks. Without one all providers' deployments are.
    type: str
    default: ""
  routes:
    description: Ask only these names. The default is all.
    type: list
    elements: str
    default: []
  no_completions:
    description: Providers that are asked for no completion, for they cost money; beside those that
      the registry says it of.
    type: list
    elements: str
    default: []
  frugal:
    description: Whether vendors' APIs are asked for no completion, unless the registry says
      C(probe=full) of them. So the schedule asks.
    type: bool
    default: false
  timeout_seconds:
    description: How long one answer may take.
    type: int
    default: 60
  side_by_side:
    description: How many questions are asked at a time.
    type: int
    default: 8
attributes:
  check_mode: {support: full, description: It only asks.}
  diff_mode: {support: none, description: It changes nothing.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: The gateway is proven
  lab.llm.gateway_probe:
    path: /var/lib/llm/gateway
    user: llm
    probes: "{{ llm.probes }}"
    new_provider: mistral
  become: true
  register: proof
"""

RETURN = r"""
ok: {description: Whether every check came out right., type: bool, returned: success}
lines:
  description: Five lines, ✅, ❌ or, where there was nothing to check, ➖; a sixth where a provider
    declares what performance is acceptable; and one a failure.
  type: list
  returned: success
blocking:
  description: The failed checks that speak against this generation, and not against a provider that
    is down, nor against what served before.
  type: list
  returned: success
checks:
  description: Each check with C(line), C(check), C(asked), C(expected), C(seen), C(ok),
    C(milliseconds) and C(fix); of a completion also C(providers) that may answer it, C(by) for the
    deployment that did, C(requests), C(tokens), C(first_token_ms) and C(tokens_per_second).
  type: list
  returned: success
cost:
  description: A row for each provider that was asked for completions, with C(provider), C(cloud)
    for a vendor's own API, C(requests), C(answer_tokens_at_most), and C(tokens) as it counts them.
  type: list
  returned: success
cost_line: {description: That in one line., type: str, returned: success}
performance:
  description: A row for each deployment that was asked, with C(deployment), C(provider),
    C(first_token_ms), C(tokens_per_second), C(answers), C(requests) and C(errors).
  type: list
  returned: success
performance_line: {description: That in one line., type: str, returned: success}
at: {description: "When that was, in UTC.", type: str, returned: success}
generation: {description: The generation that was asked., type: int, returned: success}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway.generation import Store
from ..module_utils.gateway.held import Held
from ..module_utils.gateway.manager import GatewayManager
from ..module_utils.gateway.proof import Options, prove
from ..module_utils.gateway.secrets_file import MASTER_KEY
from ..module_utils.host.account import end_as_user

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "probes": {"type": "dict"},
    "generation": {"type": "int"},
    "address": {"type": "str"},
    "compare_with": {"type": "int"},
    "new_provider": {"type": "str", "default": ""},
    "routes": {"type": "list", "elements": "str", "default": []},
    "no_completions": {"type": "list", "elements": "str", "default": []},
    "frugal": {"type": "bool", "default": False},
    "timeout_seconds": {"type": "int", "default": 60},
    "side_by_side": {"type": "int", "default": 8},
}


def work(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """What is asked as the gateway's user."""
    base = Path(params["path"])
    manager, store = GatewayManager(base.parent), Store(base)
    number = params["generation"] or store.current()
    if check and not (number and manager.private_socket(number).exists()):
        nothing = [f"Generation {number or 1} does not run yet: in check mode nothing is asked"]
        told = {"checks": [], "lines": nothing, "cost": [], "cost_line": "", "generation": number}
        return {"ok": True, "blocking": [], **told}
    if number is None or MASTER_KEY not in Held(store).values_of(number):
        return {"failed": True, "msg": f"there is no gateway in {base}: run the role gateway first"}
    options = Options(
        new_provider=params["new_provider"],
        no_completions=tuple(params["no_completions"]),
        answer_seconds=params["timeout_seconds"],
        side_by_side=params["side_by_side"],
        routes=tuple(params["routes"]),
        frugal=params["frugal"],
    )
    found = prove(
        store,
        number,
        params["address"] or str(manager.private_socket(number)),
        options,
        probes=params["probes"],
        compare_with=params["compare_with"],
        private_socket=manager.private_socket,
    )
    return {**found.as_dict(), "generation": number}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    end_as_user(module, lambda home: work(params, module.check_mode))


if __name__ == "__main__":
    main()
