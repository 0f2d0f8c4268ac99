#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_facts
short_description: Say which GPUs a host has, and what is known of the models on it
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Asks C(nvidia-smi), else C(rocm-smi), else the kernel (C(/sys/class/drm)). A program that hangs
    is killed, and what could not be found out is said in RV(notes). Changes nothing.
  - Of models whose files are on the host it reads the headers, which say what they are made of.
  - The filter P(lab.llm.gpu_placement#filter) sees by it whether services have room.
options:
  user:
    description: Whose services they are. The module starts as root and gives up root for that user.
    type: str
    required: true
  models:
    description: Models to look for.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: What it is called in RV(models)., type: str, required: true}
      places:
        description:
          - A file, a folder with a C(config.json), or a manifest of Ollama. C(~/) is the user's
            home; it may be a pattern with C(*) or C([]). The first that is there counts.
        type: list
        elements: str
        required: true
  timeout: {description: Seconds that each program may take., type: float, default: 20}
attributes:
  check_mode: {support: full, description: It only looks.}
  diff_mode: {support: none, description: It changes nothing.}
"""

EXAMPLES = r"""
- name: Look at the GPUs
  lab.llm.gpu_facts:
    user: llm
    models:
      - name: small/qwen2.5-7b
        places: [~/models/qwen2.5-7b-509287f78cb4.gguf]
  become: true
  register: gpus
"""

RETURN = r"""
vendor: {description: "C(nvidia), C(amd) or C(none).", type: str, returned: success}
gpus:
  description: Each GPU with C(index), C(uuid), C(model), C(driver), C(compute_capability), C(mig),
    C(parts) (profiles of what MIG has made of it), its memory C(total), C(used) and C(free) in MiB,
    and its C(processes), each with C(pid), C(name), C(memory) and the C(unit) of systemd that it
    belongs to. What is not told is null.
  type: list
  elements: dict
  returned: success
notes:
  description: Sentences of what could not be found out.
  type: list
  elements: str
  returned: success
models:
  description: By name, of the models that are here, C(path), C(bytes), and C(gguf) or C(config); or
    C(problem), what is wrong with the file.
  type: dict
  returned: success
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.account import end_as_user
from ..module_utils.host.gpus import gpus
from ..module_utils.host.model_files import look

ARGUMENTS = {
    "user": {"type": "str", "required": True},
    "models": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "places": {"type": "list", "elements": "str", "required": True},
        },
    },
    "timeout": {"type": "float", "default": 20},
}


def work(params: dict[str, Any], home: str | None) -> dict[str, Any]:
    """What is read as the services' user."""
    models = look(params["models"], Path(home) if home else None)
    return {**gpus(params["timeout"]), "models": models}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    end_as_user(module, lambda home: work(module.params, home))


if __name__ == "__main__":
    main()
