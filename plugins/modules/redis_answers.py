#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_answers
short_description: See that gateways can count in a Redis
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Asks Redis from this host as LiteLLM will, with the same name, password and TLS. It fails where
    Redis is away, does not take the password, or does not permit what LiteLLM needs. LiteLLM itself
    starts without it and counts alone, so nobody would notice.
  - It counts under one key of its own, which is gone after a second.
options:
  host: {description: Where it is., type: str, required: true}
  port: {description: Its port., type: int, default: 6379}
  username: {description: The name in its ACL; empty for the default user., type: str, default: ""}
  password: {description: What it is shown., type: str, required: true}
  tls: {description: Whether to speak TLS., type: bool, default: false}
  ca:
    description: A file on this host, the authority of its certificate; empty for the system's.
    type: str
    default: ""
attributes:
  check_mode: {support: full, description: In check mode it asks nothing.}
  diff_mode: {support: none, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: See that it can count in Redis
  lab.llm.redis_answers:
    host: 10.0.0.12
    password: "{{ vault_redis_password }}"
"""

RETURN = r"""# """

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.redis import trouble
from ..module_utils.routing.shared_state import PORT, Redis

ARGUMENTS = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": PORT},
    "username": {"type": "str", "default": ""},
    "password": {"type": "str", "required": True, "no_log": True},
    "tls": {"type": "bool", "default": False},
    "ca": {"type": "str", "default": ""},
}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    given = dict(module.params)
    password = given.pop("password")
    why = "" if module.check_mode else trouble(Redis(**given), password)
    if why:
        module.fail_json(msg=why)
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
