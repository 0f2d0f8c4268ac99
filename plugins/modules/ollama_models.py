#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ollama_models
short_description: Have Ollama's instances hold the models that are declared
version_added: 0.2.0
author: lab.llm contributors (@lab-llm)
description:
  - Pulls models by their tags, makes them from GGUF files or of others with a block like a
    Modelfile, and gives them second names, through the API of each instance on this host.
  - An error inside of a stream of progress is an error, though its HTTP status is 200. A pull that
    breaks off is gone on with; one without any progress ends after O(stall_timeout).
  - While it works, the run shows how far it is, and so does C(lab-llm-progress.txt) in the store.
    It goes on by itself where the controller is lost.
  - What was made is remembered beside the store with its digest, so that a second run changes
    nothing, and a model that was changed by hand is made anew.
options:
  user:
    description: >-
      The user who owns the stores. The module starts as root and gives up root for that user.
    type: str
  instances:
    description: >-
      Each with C(provider), C(base) (its address), C(store) (its folder of models), C(runs) (false
      leaves it as it is) and C(models), each with C(name), C(tag) or C(file), C(modelfile) (keys of
      Ollama's /api/create) and C(adapters) (files).
    type: list
    elements: dict
    default: []
  stall_timeout:
    description: After how many seconds without any progress a pull fails.
    type: int
    default: 300
  remove:
    description: Whether models that this module brought and nobody declares any more are removed.
    type: bool
    default: false
attributes:
  check_mode: {support: full, description: Says what would be done and does nothing.}
  diff_mode: {support: full, description: Shows names and digests before and after.}
"""

EXAMPLES = r"""
- name: Have a model, and one that is made of it
  become: true
  lab.llm.ollama_models:
    user: llm
    instances:
      - provider: gpu1
        base: http://127.0.0.1:11434
        store: /var/lib/llm/ollama/stores/gpu1/models
        runs: true
        models:
          - {name: "llama3.1:8b", tag: "llama3.1:8b"}
          - {name: terse, tag: "llama3.1:8b", modelfile: {system: You answer in one sentence.}}
"""

RETURN = r"""
instances:
  description: >-
    By provider, C(done) (sentences), C(leftover) (models of ours that are declared no more),
    C(waits) (whether it waits for its turn in a slot) and C(lacks) (what it will bring then).
  type: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.account import end_as_user
from ..module_utils.host.ollama_models import ensure


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "user": {"type": "str"},
            "instances": {"type": "list", "elements": "dict", "default": []},
            "stall_timeout": {"type": "int", "default": 300},
            "remove": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given, check = module.params, module.check_mode
    end_as_user(module, lambda home: ensure(given["instances"], given, check))


if __name__ == "__main__":
    main()
