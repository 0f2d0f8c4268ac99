#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_commit
short_description: Commits a change of the registry to git, and tags it
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Commits the files that it is given, and no others, whatever else is changed or staged in the
    repository. Where git or one of its hooks refuses, everything stays as it was; see RV(problem).
  - An action on the controller. Nothing is pushed.
options:
  path:
    description:
      - The registry's directory, which says which repository.
      - The default is the variable C(llm_registry), else C(registry/) beside the inventory file.
    type: path
  files:
    description: The files of the change, also those that are gone. What is outside of the
      repository is left out.
    type: list
    elements: path
    default: []
  message: {description: "The commit's message, the subject first.", type: str, default: ""}
  commit: {description: Whether to commit., type: bool, default: true}
  tag:
    description:
      - An annotated tag for what is committed then. One that is on another commit is not moved.
      - Refused where anything else in the registry is not committed, for it was proven too.
    type: str
    default: ""
  prepare:
    description: Only see whether that will be possible, before there is a change; what is in the
      way is an error.
    type: bool
    default: false
  unchanged:
    description: With O(prepare), files that nobody may have changed yet.
    type: list
    elements: path
    default: []
attributes:
  check_mode: {support: full, description: Says whether there is something to commit.}
  diff_mode: {support: none, description: "It is the difference that `git show` shows."}
extends_documentation_fragment:
  - lab.llm.attributes
"""

EXAMPLES = r"""
- name: The new provider is committed
  lab.llm.registry_commit:
    files: [registry/mistral.yaml, registry/providers.md]
    message: Add the provider mistral
    tag: llm-generation-7
"""

RETURN = r"""
commit: {description: "What holds the files, short; else empty.", type: str, returned: always}
committed: {description: Whether it is new., type: bool, returned: always}
tag: {description: "The tag that is there now, else empty.", type: str, returned: always}
problem: {description: "Why not all was done, else empty.", type: str, returned: always}
"""
