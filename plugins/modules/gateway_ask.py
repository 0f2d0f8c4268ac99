#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_ask
short_description: Ask a model through the gateway, and see who answered
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Sends one chat request to the gateway's public address, as any client does, and gives the answer
    with the deployment that it came from.
  - It runs on the gateway's host and reads the gateway's key there, so that no key travels.
options:
  address:
    description: The gateway's address as its host sees it, such as V(http://127.0.0.1:4000).
    type: str
    required: true
  model:
    description: The public name to ask.
    type: str
    required: true
  question:
    description: What to ask.
    type: str
    required: true
  max_tokens:
    description: How long the answer may be.
    type: int
    default: 200
  temperature:
    description: 0 gives the likeliest answer, and the same one each time.
    type: float
    default: 0
  timeout_seconds:
    description: How long it may take.
    type: int
    default: 120
attributes:
  check_mode: {support: full, description: "It asks, in check mode too. Nothing changes."}
  diff_mode: {support: none, description: It changes nothing.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: Ask a model
  lab.llm.gateway_ask:
    path: /var/lib/llm/gateway
    user: llm
    address: http://127.0.0.1:4000
    model: gpt-4
    question: Name the capital of France in one short sentence.
  become: true
  register: answer
"""

RETURN = r"""
answer: {description: What the model said., type: str, returned: success}
answered_by: {description: The id of the deployment that answered., type: str, returned: success}
backend: {description: That deployment's address., type: str, returned: success}
fallbacks: {description: 0 where the first choice answered., type: int, returned: success}
milliseconds: {description: How long it took., type: int, returned: success}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway.asking import Asker
from ..module_utils.gateway.secrets_file import MASTER_KEY, read
from ..module_utils.host.account import end_as_user

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "address": {"type": "str", "required": True},
    "model": {"type": "str", "required": True},
    "question": {"type": "str", "required": True},
    "max_tokens": {"type": "int", "default": 200, "no_log": False},
    "temperature": {"type": "float", "default": 0},
    "timeout_seconds": {"type": "int", "default": 120},
}


def work(params: dict[str, Any]) -> dict[str, Any]:
    """What is done as the gateway's user."""
    secrets = read(Path(params["path"]) / "secrets.env")
    if MASTER_KEY not in secrets:
        return {"failed": True, "msg": f"there is no gateway in {params['path']}: run site.yml"}
    key = {"Authorization": f"Bearer {secrets[MASTER_KEY]}"}
    request = {
        "model": params["model"],
        "messages": [{"role": "user", "content": params["question"]}],
        "max_tokens": params["max_tokens"],
        "temperature": params["temperature"],
    }
    gateway = Asker(params["address"], key, params["timeout_seconds"])
    got = gateway.ask("/v1/chat/completions", request)
    said = got.json()
    try:
        answer = said["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return {"failed": True, "msg": f"{params['model']} gave no answer: {got.message()}"}
    return {
        "answer": str(answer or "").strip(),
        "answered_by": got.headers.get("x-litellm-model-id", ""),
        "backend": got.headers.get("x-litellm-model-api-base", ""),
        "fallbacks": int(got.headers.get("x-litellm-attempted-fallbacks", "0")),
        "milliseconds": got.milliseconds,
    }


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    end_as_user(module, lambda home: work(module.params))


if __name__ == "__main__":
    main()
