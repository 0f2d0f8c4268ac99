#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_canary
short_description: Say whether a provider on trial may get a larger share
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Compares what a provider on trial and its peers did for the same names in the last while, by the
    counters that the gateway keeps of each deployment. Clients do not see a canary's failures, as
    its peers answer for it; the counters do.
  - A larger share is refused if it is worse than its peers, or got too few requests to tell. A
    first share, a smaller one or none is never refused.
  - It runs on the gateway's host and reads the gateway's key there. It changes nothing, and a
    refusal is a result, not a failure.
options:
  provider: {description: The provider on trial., type: str, required: true}
  share:
    description: The part of each name's requests that it is to get, from 0 to 1. A provider that
      becomes active gets V(1).
    type: float
    required: true
  window_seconds: {description: How far to look back., type: float, default: 3600}
  max_errors:
    description: How much more of its requests may fail than of its peers', as a part of all.
    type: float
    default: 0.05
  max_latency:
    description: How many times as long as its peers' its answers may take.
    type: float
    default: 1.5
  min_requests:
    description: With fewer requests than that, its own or its peers', nothing good is said of it.
    type: int
    default: 20
attributes:
  check_mode: {support: full, description: It only asks.}
  diff_mode: {support: none, description: It changes nothing.}
extends_documentation_fragment:
  - lab.llm.gateway
"""

EXAMPLES = r"""
- name: May it have a quarter
  lab.llm.gateway_canary:
    path: /var/lib/llm/gateway
    user: llm
    provider: mistral
    share: 0.25
  become: true
  register: canary
"""

RETURN = r"""
allowed: {description: Whether nothing speaks against that share., type: bool, returned: success}
why: {description: The reason with its numbers., type: str, returned: success}
rises: {description: Whether that is more than it has now., type: bool, returned: success}
share: {description: The share that it has now., type: float, returned: success}
numbers:
  description: What was counted, with C(requests), C(failed), C(failed_part), C(statuses) and
    C(mean_seconds), the same of its peers with C(peers_) before each, and C(window_seconds).
  type: dict
  returned: success
"""

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.gateway import canary_watch
from ..module_utils.gateway.canary import Margin
from ..module_utils.gateway.installed import Installed
from ..module_utils.host.account import end_as_user

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "user": {"type": "str"},
    "provider": {"type": "str", "required": True},
    "share": {"type": "float", "required": True},
    "window_seconds": {"type": "float", "default": 3600},
    "max_errors": {"type": "float", "default": 0.05},
    "max_latency": {"type": "float", "default": 1.5},
    "min_requests": {"type": "int", "default": 20},
}


def work(params: dict[str, Any]) -> dict[str, Any]:
    """What is asked as the gateway's user."""
    gateway = Installed(Path(params["path"]))
    margin = Margin(
        errors=params["max_errors"],
        latency=params["max_latency"],
        requests=params["min_requests"],
    )
    provider, share = params["provider"], params["share"]
    return canary_watch.may_have(
        gateway, provider, share, time.time(), params["window_seconds"], margin
    )


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    end_as_user(module, lambda home: work(module.params))


if __name__ == "__main__":
    main()
