#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_change
short_description: Change the gateway without losing a request, proven before it serves and after
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - A generation is an immutable numbered folder with everything that the gateway serves with.
  - A new one is started behind its private door and proven there. Only then C(current) names it,
    the old one stops accepting and finishes what it has, and the new one accepts. It is proven
    again at the public address. On any failure the old one serves on, or again, and the error says
    why.
  - A program on the host does this under the user's systemd. It is installed by this module, which
    then only follows it, so a lost connection or controller does not end a change.
options:
  files:
    description:
      - What a new generation is made of, path to text. C(config.yaml) is LiteLLM's configuration,
        C(program/launcher.py) what serves it, C(probes.json) what it is asked. What would serve the
        same as the current generation is no change.
    type: dict
  generation:
    description: Go to this generation, a number or V(previous) for the last good one.
    type: str
  only_if_unhealthy:
    description:
      - Prove the generation that serves. Go back to the last good one if that does what this one
        does not. A provider that is down for both is no reason.
    type: bool
  confirm: {description: This generation's O(unconfirmed) file is kept now., type: int}
  registry: {description: "Its files, name to text, for people.", type: dict, default: {}}
  lock:
    description:
      - The lock file that LiteLLM is installed from, its text. The venv is made once, and there
        whole or not at all. Needed with O(files).
    type: str
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
  new_provider: {description: "One that was just added: it has to answer.", type: str, default: ""}
  no_completions:
    description: Providers that are asked for no completion, for they cost money.
    type: list
    elements: str
    default: []
  unconfirmed: {description: "A file that the controller keeps afterwards.", type: str, default: ""}
  adopt:
    description:
      - V(false) goes on although the generation that serves was made with such a file that
        O(registry) does not hold. Without it that is an error.
    type: bool
  again: {description: Even if the same was undone by the schedule., type: bool, default: false}
  address: {description: "Where it is asked from outside, kept for later.", type: str, default: ""}
  keep: {description: "How many generations to keep; always the current.", type: int, default: 10}
  start_seconds: {description: How long a start may take., type: int, default: 300}
  answer_seconds: {description: How long one answer may take in a proof., type: int, default: 60}
  python: {description: "For the program and the venv.", type: path, default: /usr/bin/python3}
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
  lab.llm.gateway_change:
    path: /var/lib/llm/gateway
    user: llm
    generation: previous
  become: true
"""

RETURN = r"""
generation: {description: The generation that this is about., type: int, returned: success}
previous: {description: The one that served before., type: int, returned: success}
outcome:
  description: V(live), V(unchanged), V(stays) where going back would not be better, or in check
    mode V(planned); V(confirmed) with O(confirm); where it failed V(undone).
  type: str
  returned: success
reason: {description: Why it was undone or stays., type: str, returned: sometimes}
phases: {description: Each phase with its time., type: list, returned: where there was a change}
proof:
  description: What the proof came to, with C(ok), C(checks), C(blocking) and C(lines).
  type: dict
  returned: where there was one
"""

from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway import submit
from ..module_utils.gateway.cli import ERRORS
from ..module_utils.gateway.install import sources
from ..module_utils.gateway.installed import Installed
from ..module_utils.gateway.venv import Lock, VenvError, have
from ..module_utils.gateway.wanted import wanted_of
from ..module_utils.host.account import end_as_user

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "files": {"type": "dict"},
    "generation": {"type": "str"},
    "only_if_unhealthy": {"type": "bool"},
    "confirm": {"type": "int"},
    "registry": {"type": "dict", "default": {}},
    "lock": {"type": "str"},
    "units": {"type": "dict", "default": {}},
    "variables": {"type": "list", "elements": "str", "default": []},
    "composed": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "new_provider": {"type": "str", "default": ""},
    "no_completions": {"type": "list", "elements": "str", "default": []},
    "unconfirmed": {"type": "str", "default": ""},
    "adopt": {"type": "bool"},
    "again": {"type": "bool", "default": False},
    "address": {"type": "str", "default": ""},
    "keep": {"type": "int", "default": 10},
    "start_seconds": {"type": "int", "default": 300},
    "answer_seconds": {"type": "int", "default": 60},
    "python": {"type": "path", "default": "/usr/bin/python3"},
    "commit": {"type": "str", "default": ""},
    "by": {"type": "str", "default": ""},
}
OPTIONS = ("keep", "start_seconds", "answer_seconds", "address", "no_completions", "new_provider")
LONG = ("files", "registry", "units", "secrets", "lock")


def act(gateway: Installed, params: dict[str, Any], check: bool) -> dict[str, Any]:
    options, by = {name: params[name] for name in OPTIONS}, params["by"] or "ansible"
    if params["files"] is not None:
        return submit.deploy(gateway, wanted_of(params), options, check)
    if params["confirm"] is not None:
        return submit.confirm(gateway, params["confirm"], check)
    if params["only_if_unhealthy"]:
        return submit.judge(gateway, by, options, check)
    return submit.go_to(gateway, params["generation"], by, options, check)


def work(
    params: dict[str, Any], program: dict[str, str], check: bool, home: str | None
) -> dict[str, Any]:
    """What is done as the gateway's user, who may not be there yet in check mode."""
    if home is None and not check:
        return {"failed": True, "msg": f"there is no user {params['user']}"}
    gateway = Installed(Path(params["path"]), params["start_seconds"])
    try:
        by = params["by"] or "ansible"
        new = submit.be_ready(gateway, program, params["python"], by, check)
        if params["lock"]:
            new |= have(gateway.store.base, Lock(params["lock"]), params["python"], check)
        result = act(gateway, params, check)
    except (*ERRORS, VenvError) as error:
        return {"failed": True, "msg": str(error)}
    return {**result, "changed": new or result.get("changed", False)}


def shortened(value: Any) -> Any:  # noqa: ANN401 - whatever a parameter holds
    """What of a long parameter is told: the names, or how much text it is."""
    return f"{len(value)} characters" if isinstance(value, str) else sorted(value or {})


def main() -> None:
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        required_one_of=[("files", "generation", "only_if_unhealthy", "confirm")],
        mutually_exclusive=[("files", "generation", "confirm")],
        required_by={"files": ["lock"]},
    )
    params, program = module.params, sources()
    shown = {"module_args": {**params, **{name: shortened(params[name]) for name in LONG}}}
    task = partial(work, params, program, module.check_mode)
    end_as_user(module, task, invocation=shown)


if __name__ == "__main__":
    main()
