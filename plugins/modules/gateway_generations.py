#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_generations
short_description: List the gateway's generations, and say what changed between two of them
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Reads the generations of a gateway on its host, says what became of each, and compares any two
    by what they mean. The comparison is made on the controller, by an action plugin of this name.
  - No secret is told. Of the values of variables only this is known, whether one has changed.
options:
  from:
    description: The generation to compare with; the one before O(to) if it is not given.
    type: int
  to:
    description: The generation that is compared; the current one if it is not given.
    type: int
  format:
    description: V(json) gives RV(msg) as one JSON document.
    type: str
    choices: [text, json]
    default: text
attributes:
  check_mode: {support: full, description: "It reads, in check mode too."}
  diff_mode: {support: none, description: It changes nothing.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: See what changed last
  lab.llm.gateway_generations:
    path: /var/lib/llm/gateway
    user: llm
  become: true
  register: history
"""

RETURN = r"""
current: {description: The generation that serves., type: int, returned: success}
generations:
  description: Newest first, each with C(number), C(state), C(reason), C(at), C(by), C(litellm),
    C(commit), C(before), C(summary) and C(changes) against the one before it.
  type: list
  elements: dict
  returned: success
changes:
  description: What differs between the two that were asked for, each C(kind), C(subject), C(text).
  type: list
  elements: dict
  returned: success
msg: {description: All of it for a reader., type: raw, returned: success}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway.generation import Store
from ..module_utils.gateway.history import chosen, listing, sides
from ..module_utils.gateway.manager import GatewayManager
from ..module_utils.gateway.sealed import GenerationError
from ..module_utils.host.account import end_as_user
from ..module_utils.host.user_manager import ManagerError

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "from": {"type": "int"},
    "to": {"type": "int"},
    "format": {"type": "str", "choices": ["text", "json"], "default": "text"},
}


def statuses(store: Store) -> dict[int, str]:
    """The launchers' own lines; none where the user's systemd does not answer."""
    try:
        return {one.number: one.status for one in GatewayManager(store.base.parent).instances()}
    except ManagerError:
        return {}


def work(params: dict[str, Any]) -> dict[str, Any]:
    """What is read as the gateway's user."""
    store = Store(Path(params["path"]))
    try:
        generations = listing(store, statuses(store))
        between = chosen(store, params["from"], params["to"])
        numbers = [one["number"] for one in generations]
        made_of = sides(store, numbers)
    except GenerationError as error:
        return {"failed": True, "msg": str(error)}
    current = store.current()
    return {"current": current, "generations": generations, "between": between, "made_of": made_of}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    none: dict[str, Any] = {"current": None, "generations": [], "between": (None, None)}
    none["made_of"] = {"generations": {}, "texts": {}, "locks": {}}
    end_as_user(module, lambda home: work(params) if home else none)


if __name__ == "__main__":
    main()
