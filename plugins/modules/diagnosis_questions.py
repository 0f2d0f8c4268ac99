#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: diagnosis_questions
short_description: Say what is to be asked to find out what is wrong with a provider
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Reads the registry, also one with errors, and gives what M(lab.llm.provider_diagnose) is to look
    at on each host. An action on the controller that reads files only.
options:
  provider: {description: "Its name in the registry.", type: str, required: true}
  path:
    description: The registry's directory, by default as for M(lab.llm.registry).
    type: path
  file: {description: "A file that is read as if it stood in the registry.", type: path}
  completion:
    description: Whether a small completion is asked of each of its models, through the gateway.
    type: bool
    default: false
attributes:
  check_mode: {support: full, description: It only reads.}
  diff_mode: {support: none, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: Say what to ask
  lab.llm.diagnosis_questions:
    provider: smollm
  register: llm_questions
"""

RETURN = r"""
problem:
  description: Why nothing can be asked, with the nearest name; nothing else is there then.
  type: str
  returned: always
provider: {description: The provider., type: str, returned: success}
rows:
  description: What the registry itself says, as M(lab.llm.provider_diagnose) returns it.
  type: list
  elements: dict
  returned: success
about: {description: What sentences say of it., type: dict, returned: success}
hosts:
  description: The options C(gateway) and C(instance) of M(lab.llm.provider_diagnose), by host.
  type: dict
  returned: success
"""

ARGUMENTS = {
    "provider": {"type": "str", "required": True},
    "path": {"type": "path"},
    "file": {"type": "path"},
    "completion": {"type": "bool", "default": False},
}
