#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: models
short_description: List the models on a host, and remove those that nobody uses
version_added: 0.2.0
author: lab.llm contributors (@lab-llm)
description:
  - Lists files, links and folders in one folder, with their sizes and who uses them, and what an
    unfinished download has left.
  - Removes those that nobody uses only if it is told to, and of those only what M(lab.llm.artifact)
    has brought. Of a link its target stays.
options:
  user:
    description: The user who owns them. The module starts as root and gives up root for that user.
    type: str
  path:
    description: The folder.
    type: path
    required: true
  used:
    description: Lists of providers, by the places of what they use.
    type: dict
    default: {}
  remove:
    description: V(unreferenced) removes what nobody uses.
    type: str
    choices: [nothing, unreferenced]
    default: nothing
attributes:
  check_mode: {support: full, description: Says what would be removed and removes nothing.}
  diff_mode: {support: full, description: Shows the folder before and after.}
"""

EXAMPLES = r"""
- name: See which models are here
  become: true
  lab.llm.models:
    user: llm
    path: /var/lib/llm/models
    used: {/var/lib/llm/models/smollm2.gguf: [smollm]}
"""

RETURN = r"""
models:
  description: >-
    Each with C(path), C(size) in bytes, C(used_by), C(ours) (whether it may be removed),
    C(unfinished) and C(link).
  type: list
  elements: dict
  returned: success
removed:
  description: The paths that went or would go.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.account import end_as_user
from ..module_utils.host.shelf import look


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "user": {"type": "str"},
            "path": {"type": "path", "required": True},
            "used": {"type": "dict", "default": {}},
            "remove": {
                "type": "str",
                "choices": ["nothing", "unreferenced"],
                "default": "nothing",
            },
        },
        supports_check_mode=True,
    )
    given, check = module.params, module.check_mode
    folder, gone = Path(given["path"]), given["remove"] == "unreferenced"
    end_as_user(module, lambda home: look(folder, given["used"], gone, check))


if __name__ == "__main__":
    main()
