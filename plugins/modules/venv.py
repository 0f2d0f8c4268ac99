#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: venv
short_description: Large venvs by a pinned uv, each there whole or not at all
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Makes venvs from a lock file with hashes, or from packages that are named. uv itself comes from
    a lock file with hashes, by pip.
  - A venv is made beside its place and put there when it is whole. What was installed is compared
    at every run with what the wheels say of themselves; a venv that lacks a file, or has another
    one, is made anew.
  - Nothing is asked of an index as long as the venv is whole.
options:
  user:
    description:
      - The user who shall own everything. The module starts as root and gives up root for that
        user before it does anything.
      - Without it the module works as whoever runs it.
    type: str
  venvs:
    description: What shall be there.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: What messages call it., type: str, required: true}
      path:
        description: Its folder. Give each set of packages a folder of its own.
        type: path
        required: true
      requirements:
        description: Text of a lock file that names all packages, each with its hashes.
        type: str
        default: ""
      packages:
        description: Packages to install with what they need, where there is no lock file.
        type: list
        elements: str
        default: []
      python:
        description: The Python to make it with, a path; or a version such as V(3.12), which uv
          finds or downloads.
        type: str
        default: /usr/bin/python3
      uv:
        description: Text of a lock file that pins uv, with its hashes.
        type: str
        required: true
      torch_backend:
        description: Which build of PyTorch the packages get, such as V(auto), V(cpu), V(cu130).
        type: str
        default: ""
      environment:
        description: Variables for uv, such as C(UV_DEFAULT_INDEX) and C(UV_FIND_LINKS).
        type: dict
        default: {}
  bundle:
    description:
      - A folder on the controller that C(bundle.yml) has made. What a new venv needs is copied from
        there, and no index is asked.
    type: path
  wheels:
    description: A tar of wheels on the host. The action gives it.
    type: path
attributes:
  check_mode: {support: full, description: Says what would be made and asks no index.}
  diff_mode: {support: full, description: Shows why a venv is made anew.}
"""

EXAMPLES = r"""
- name: Tools in a venv of their own
  become: true
  lab.llm.venv:
    user: llm
    venvs:
      - name: tools
        path: /var/lib/llm/tools/1
        packages: ["six==1.17.0"]
        uv: "{{ lookup('ansible.builtin.file', 'uv.txt') }}"
"""

RETURN = r"""
venvs:
  description: Each venv with where it is and whether it was (or would be) made.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "tools", "path": "/var/lib/llm/tools/1", "changed": false}]
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.account import end_as_user
from ..module_utils.host.python_venv import Venv, ensure
from ..module_utils.host.venv_options import SUBOPTIONS, venv_of
from ..module_utils.host.venvs import VenvError
from ..module_utils.host.wheels import only_from
from ..module_utils.host.wishes import Outcome


def bring(wishes: list[Venv], home: str | None, check: bool) -> dict[str, Any]:
    """Have one after the other; the result in the form of the module."""
    done: list[Outcome] = []
    for wish in wishes:
        try:
            if home is None and not check:
                raise VenvError("no such user on this host: run lab.llm.user_service first")
            done.append(ensure(wish, check))
        except (VenvError, OSError) as problem:
            changed = any(item.changed for item in done)
            return {"failed": True, "msg": f"{wish.name}: {problem}", "changed": changed}
    texts = [(item.target, f"{item.before}\n", f"{item.after}\n") for item in done if item.changed]
    return {
        "changed": any(item.changed for item in done),
        "venvs": [{"name": i.name, "path": i.target, "changed": i.changed} for i in done],
        "diff": [
            {"before_header": path, "after_header": path, "before": before, "after": after}
            for path, before, after in texts
        ],
    }


def from_bundle(
    archive: int | None, wishes: list[Venv], home: str | None, check: bool
) -> dict[str, Any]:
    """The same, with no wheels but those in a tar, an open file, where there is one."""
    if archive is None or not wishes or home is None:
        return bring(wishes, home, check)
    try:
        with only_from(archive, wishes[0].path.parent):
            return bring(wishes, home, check)
    except (VenvError, OSError) as problem:
        return {"failed": True, "msg": str(problem)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "user": {"type": "str"},
            "venvs": {"type": "list", "elements": "dict", "default": [], "options": SUBOPTIONS},
            "bundle": {"type": "path"},
            "wheels": {"type": "path"},
        },
        supports_check_mode=True,
    )
    try:
        wishes = [venv_of(given) for given in module.params["venvs"]]
    except ValueError as problem:
        module.fail_json(msg=str(problem))
    # A lock file is thousands of lines, which nobody wants to see.
    shown = {"module_args": {"venvs": [str(wish.path) for wish in wishes]}}
    # Opened by whoever runs this: the user need not be able to.
    wheels = module.params["wheels"]
    archive = os.open(wheels, os.O_RDONLY) if wheels else None
    check = module.check_mode
    end_as_user(module, lambda home: from_bundle(archive, wishes, home, check), invocation=shown)


if __name__ == "__main__":
    main()
