#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_generation
short_description: Put a configuration of the gateway live without losing a request, or go back
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - A generation is an immutable numbered folder with everything that the gateway serves with.
  - A new one is started behind its private door first. Only when it is ready does C(current) name
    it; then the old one stops accepting and finishes what it has, and the new one accepts.
  - If it does not become ready, the old one serves on, and the error says why.
options:
  state:
    description:
      - V(live) serves. V(candidate) is up behind its private door only, to be proven.
      - V(discarded) stops and marks a generation that is not settled, and brings back what was
        before it, the secrets too. If it was the first one, nothing serves then.
    type: str
    choices: [live, candidate, discarded]
    default: live
  generation:
    description: An existing generation's number, or V(previous) for the last good one before it.
    type: str
  reason:
    description: With O(state=discarded), what to note as the reason.
    type: str
    default: discarded
  settle:
    description:
      - With O(state=live), take it for good once it serves. V(false) keeps the secrets from before
        it, so that O(state=discarded) can still take it back; another call then settles it.
    type: bool
    default: true
  files:
    description:
      - A new generation's files, path to text. C(config.yaml) is LiteLLM's configuration and
        C(program/launcher.py) what serves it. Needed unless O(generation) is given.
    type: dict
  registry:
    description: The registry's files that it was made from, name to text; kept for people.
    type: dict
    default: {}
  venv:
    description: Name of the venv below C(venvs/) that LiteLLM is in.
    type: str
  units:
    description: Unit files of the user's systemd, name to text.
    type: dict
    default: {}
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
  keep: {description: "How many generations to keep; always the current.", type: int, default: 10}
  start_seconds: {description: How long a start may take., type: int, default: 300}
  commit: {description: "The registry's git commit, for the manifest.", type: str, default: ""}
  by: {description: "Who makes the change, for the manifest.", type: str, default: ""}
attributes:
  check_mode: {support: full, description: Says whether anything would change.}
  diff_mode: {support: full, description: Shows files and units that change. None has a secret.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: The last good generation serves again
  lab.llm.gateway_generation:
    path: /var/lib/llm/gateway
    user: llm
    generation: previous
"""

RETURN = r"""
generation: {description: The generation that this is about., type: int, returned: success}
previous: {description: The one that served before., type: int, returned: success}
private_socket: {description: The generation's private door., type: str, returned: success}
public: {description: Whether the generation serves., type: bool, returned: success}
settled: {description: Whether it serves and was taken for good., type: bool, returned: success}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway.change import Change, Wanted
from ..module_utils.gateway.generation import GenerationError, Store
from ..module_utils.gateway.handover import Handover, NotServingError
from ..module_utils.gateway.manager import GatewayManager
from ..module_utils.gateway.secrets_file import MissingVariablesError
from ..module_utils.host.account import AccountError, as_user
from ..module_utils.host.units import HEADER, UnitError
from ..module_utils.host.user_manager import ManagerError

ERRORS = (GenerationError, ManagerError, MissingVariablesError, NotServingError, UnitError)
ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "state": {"type": "str", "choices": ["live", "candidate", "discarded"], "default": "live"},
    "generation": {"type": "str"},
    "reason": {"type": "str", "default": "discarded"},
    "settle": {"type": "bool", "default": True},
    "files": {"type": "dict"},
    "registry": {"type": "dict", "default": {}},
    "venv": {"type": "str"},
    "units": {"type": "dict", "default": {}},
    "variables": {"type": "list", "elements": "str", "default": []},
    "composed": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "keep": {"type": "int", "default": 10},
    "start_seconds": {"type": "int", "default": 300},
    "commit": {"type": "str", "default": ""},
    "by": {"type": "str", "default": ""},
}


def wanted(params: dict[str, Any]) -> Wanted:
    files = {name: str(text) for name, text in params["files"].items()}
    files |= {f"registry/{name}": str(text) for name, text in params["registry"].items()}
    secrets = {name: str(value) for name, value in params["secrets"].items() if value is not None}
    variables, composed = tuple(params["variables"]), params["composed"]
    units = {name: f"{HEADER}\n{text}" for name, text in params["units"].items()}
    told = (params["commit"], params["by"])
    return Wanted(files, params["venv"], units, variables, composed, secrets, *told)


def act(change: Change, params: dict[str, Any]) -> dict[str, Any]:
    if params["files"] is not None:
        return change.deploy(wanted(params), params["state"] == "live", params["settle"])
    asked = params["generation"]
    number = change.store.previous() if asked == "previous" else int(asked)
    if params["state"] == "discarded":
        return change.discard(number, params["reason"])
    return change.go_to(number, params["settle"])


def work(params: dict[str, Any], check: bool, home: str | None) -> dict[str, Any]:
    """What is done as the gateway's user, who may not be there yet in check mode."""
    if home is None and not check:
        return {"failed": True, "msg": f"there is no user {params['user']}"}
    store = Store(Path(params["path"]))
    manager = GatewayManager(store.base.parent, params["start_seconds"])
    handover = Handover(store, manager, params["start_seconds"])
    change = Change(handover, params["keep"], check)
    try:
        if check:
            result = act(change, params)
        elif not manager.reachable():
            raise ManagerError("the user's systemd does not answer: run the role user_service")
        else:
            with store.locked(f"{params['by'] or 'ansible'} ({params['state']})"):
                store.prepare()
                result = act(change, params)
    except ERRORS as error:
        return {"failed": True, "msg": str(error), "public": False}
    number = result["generation"]
    public = number == store.current()
    result["private_socket"] = str(manager.private_socket(number))
    return {**result, "public": public, "settled": public and store.proven(number)}


def main() -> None:
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        required_one_of=[("files", "generation")],
        mutually_exclusive=[("files", "generation")],
        required_by={"files": ["venv"]},
    )
    params = module.params
    long = ("files", "registry", "units", "secrets")
    shown = {"module_args": {**params, **{name: sorted(params[name] or {}) for name in long}}}
    try:
        result = as_user(params["user"], lambda home: work(params, module.check_mode, home))
    except AccountError as error:
        result = {"failed": True, "msg": str(error)}
    if result.get("failed"):
        module.fail_json(invocation=shown, **result)
    module.exit_json(invocation=shown, **result)


if __name__ == "__main__":
    main()
