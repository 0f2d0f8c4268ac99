#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_config
short_description: Makes a registry of a LiteLLM configuration
version_added: 0.1.0
author:
  - lab.llm contributors (@lab-llm)
description:
  - Reads a LiteLLM configuration with all that it includes, or hand-kept files in the form of
    C(providers.yaml) and C(model-mappings.yaml), and writes a registry that passes the check.
  - Says every mistake in it that LiteLLM takes without a word, and what could not be carried over.
  - An action on the controller. No key that stands in a file is written or said.
options:
  file:
    description:
      - The configuration; several files are read side by side.
    type: list
    elements: path
    required: true
  mappings:
    description: One more file, such as C(model-mappings.yaml).
    type: path
  to:
    description: The directory of the new registry; by default C(registry/) beside the first file.
    type: path
  addresses:
    description:
      - What variables hold that an C(api_base) is read from, by their names. An address is no
        secret, and stands in a registry as it is.
    type: dict
    default: {}
  force:
    description: Whether files of an earlier import may be replaced.
    type: bool
    default: false
  format:
    description: Whether the report is for people or for programs.
    type: str
    choices: [text, json]
    default: text
attributes:
  check_mode:
    description: Says what it would write.
    support: full
  diff_mode:
    description: Shows the files.
    support: full
extends_documentation_fragment:
  - lab.llm.attributes
seealso:
  - module: lab.llm.registry
"""

EXAMPLES = r"""
- name: Take over a configuration
  lab.llm.import_config:
    file: /srv/litellm/config.yaml
    to: /srv/lab/registry
  register: taken_over

- name: Take over files that were kept by hand
  lab.llm.import_config:
    file: config/providers.yaml
    mappings: config/model-mappings.yaml
"""

RETURN = r"""
msg:
  description: The report; JSON text with O(format=json).
  type: str
  returned: always
path:
  description: The directory of the registry.
  type: str
  returned: always
files:
  description: The names of its files.
  type: list
  elements: str
  returned: always
report:
  description:
    - The same as data, with C(findings), C(not_carried_over), C(by_hand), C(errors), C(names),
      C(new_names) and C(gone_names). A finding has C(file), C(line), C(column), C(code),
      C(effect), C(what), C(today), C(instead) and C(suggestion).
  type: dict
  returned: always
"""
