#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_plan
short_description: Say what would have to be done on a host for its services
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Takes what M(lab.llm.service_user), M(lab.llm.artifact), M(lab.llm.venv) and
    M(lab.llm.user_units) take, and says what these would do, in one task. It changes nothing.
options:
  user:
    description: Whose services. The module starts as root and gives up root for that user.
    type: str
    required: true
  home: {description: The user's home., type: path, required: true}
  account:
    description: How the user is to be. C(stop_timeout) and C(journal) as M(lab.llm.service_user)
      has them.
    type: dict
    default: {}
  programs:
    description: Programs that have to be there, such as those of a package.
    type: list
    elements: path
    default: []
  venvs:
    description: As for M(lab.llm.venv).
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: What it is called., type: str, required: true}
      path: {description: Where it is., type: path, required: true}
      requirements: {description: Text of a lock file., type: str, default: ""}
      packages: {description: What is installed., type: list, elements: str, default: []}
      python: {description: What it is made with., type: str, default: /usr/bin/python3}
      uv: {description: Text of a lock file that pins uv., type: str, required: true}
      torch_backend: {description: Which build of PyTorch., type: str, default: ""}
      environment: {description: Variables for uv., type: dict, default: {}}
  artifacts:
    description: As for M(lab.llm.artifact).
    type: list
    elements: dict
    default: []
    suboptions:
      url: {description: Where from., type: str}
      path: {description: Where from., type: path}
      pypi: {description: Where from., type: str}
      huggingface: {description: Where from., type: str}
      revision: {description: Which state of the repository., type: str, default: main}
      file: {description: Which file of the repository., type: str}
      include: {description: Which files of the repository., type: list, elements: str}
      token_env: {description: Whose value it wants., type: str}
      name: {description: What it is called., type: str}
      member: {description: Which file of a wheel., type: str}
      sha256: {description: What it has to be., type: str}
      dest: {description: Where to., type: path}
      unpack: {description: Where to., type: path}
      over: {description: What is there as well., type: path}
      mode: {description: "The file's permissions, in octal.", type: str, default: "0644"}
      link: {description: Whether it is a link., type: bool, default: false}
  units:
    description: As for M(lab.llm.user_units).
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The unit's full name., type: str, required: true}
      sections: {description: The unit as a mapping., type: dict}
      content: {description: The unit as text., type: str}
      sandbox: {description: Keys that need namespaces., type: dict}
      secrets: {description: Variables for an environment file., type: dict}
      files: {description: Other files that it needs., type: dict, default: {}}
      beside: {description: Those that hold several values., type: list, elements: str, default: []}
      mode: {description: "The unit file's permissions, in octal.", type: str, default: "0644"}
      state:
        description: How it is to be.
        type: str
        choices: [present, started, stopped, absent]
        default: started
      enabled: {description: Whether it starts at boot., type: bool}
      restart: {description: Whether it is restarted., type: bool, default: true}
      trigger: {description: Any text., type: str, default: ""}
      watch: {description: Files that restart it., type: list, elements: path, default: []}
      port: {description: Its TCP port., type: int}
      ready:
        description: What must answer.
        type: list
        elements: dict
        default: []
        suboptions:
          url: {description: What is asked., type: str, required: true}
          status: {description: The HTTP status to see., type: int, default: 200}
          model: {description: A model that must be listed., type: str, default: ""}
          models: {description: Models to be asked., type: list, elements: str, default: []}
          key_variable: {description: The key's variable., type: str, default: ""}
      ready_timeout: {description: How many seconds it may take., type: int, default: 120}
  keep:
    description: Names that are not leftovers.
    type: list
    elements: str
    default: []
  leftover_patterns: {description: Globs., type: list, elements: str, default: []}
  prune: {description: Whether leftovers are made absent., type: bool, default: false}
attributes:
  check_mode: {support: full, description: "It reads, in check mode too."}
  diff_mode: {support: none, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: See what the services of this host need
  lab.llm.service_plan:
    user: llm
    home: /var/lib/llm
    units: "{{ plan.units }}"
    artifacts: "{{ plan.artifacts }}"
  become: true
  register: service_plan
"""

RETURN = r"""
account: {description: What the user lacks., type: list, elements: str, returned: success}
programs: {description: Programs that are not there., type: list, elements: str, returned: success}
artifacts:
  description: Artefacts that are not as wished, each C(name), C(target), C(before) and C(after).
  type: list
  elements: dict
  returned: success
units: {description: What would be done by unit., type: dict, returned: success}
texts:
  description: Unit files that would change, by name, each as it is and as it would be.
  type: dict
  returned: success
leftover:
  description: Units of ours that are declared no more.
  type: list
  elements: str
  returned: success
problems: {description: What would end the run., type: list, elements: str, returned: success}
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.account import end_as_user
from ..module_utils.host.account_plan import account_steps
from ..module_utils.host.artifact_options import SUBOPTIONS, wish_of
from ..module_utils.host.service_plan import look
from ..module_utils.host.unit_options import ARGUMENTS as UNITS
from ..module_utils.host.venv_options import SUBOPTIONS as VENVS
from ..module_utils.host.venv_options import venv_of

ARTIFACTS = {"type": "list", "elements": "dict", "default": [], "options": SUBOPTIONS}
ARGUMENTS = {
    **UNITS,
    "user": {"type": "str", "required": True},
    "home": {"type": "path", "required": True},
    "account": {"type": "dict", "default": {}},
    "programs": {"type": "list", "elements": "path", "default": []},
    "artifacts": ARTIFACTS,
    "venvs": {"type": "list", "elements": "dict", "default": [], "options": VENVS},
}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    try:
        wishes = [venv_of(given) for given in params["venvs"]]
        wishes += [wish_of(given) for given in params["artifacts"]]
    except ValueError as problem:
        module.fail_json(msg=str(problem))
    account = account_steps(params["user"], {**params["account"], "home": params["home"]})
    programs = [path for path in params["programs"] if not Path(path).exists()]
    shown = {"account": account, "programs": programs, "invocation": {}}
    end_as_user(module, lambda home: look(wishes, params, home), **shown)


if __name__ == "__main__":
    main()
