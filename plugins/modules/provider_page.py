#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: provider_page
short_description: Writes the page of the providers from the registry
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - One page of Markdown with a picture in Mermaid. For each provider it has the connection, the
    features, the models, what was measured, what it is best used for and what answers when it
    fails.
  - The same registry, inventory and figures give the same page. Figures that were not measured
    anew stay as they are in the page.
  - An action on the controller. It never fails for the page itself; see RV(problem).
options:
  path:
    description:
      - The registry's directory.
      - The default is the variable C(llm_registry), else C(registry/) beside the inventory file.
    type: path
  file:
    description: One more registry file, as if it already stood in O(path).
    type: path
  page:
    description:
      - The page's file; its folder is made. A relative one begins where ansible-playbook is run,
        and an empty one is no page. The default is C(providers.md) in O(path).
      - A file that somebody else wrote stays as it is.
    type: str
  only_existing:
    description: Whether to write it only where it is already there.
    type: bool
    default: false
  performance:
    description: What a proof has measured, the C(performance) of its result.
    type: list
    elements: dict
    default: []
  at:
    description: When that was, the C(at) of its result.
    type: str
    default: ""
attributes:
  check_mode: {support: full, description: Says whether the page would change.}
  diff_mode: {support: full, description: Shows what changes in the page.}
extends_documentation_fragment:
  - lab.llm.attributes
seealso:
  - module: lab.llm.registry
"""

EXAMPLES = r"""
- name: The page of the registry beside the inventory is current
  lab.llm.provider_page:

- name: The page that a coding assistant reads is current, with what the proof has measured
  lab.llm.provider_page:
    page: .serena/memories/02-provider-registry.md
    performance: "{{ proof.performance }}"
    at: "{{ proof.at }}"
"""

RETURN = r"""
page: {description: "The page's file, empty where there is none.", type: str, returned: always}
problem: {description: "Why it was not written, else empty.", type: str, returned: always}
providers:
  description: What the page has no words for, by provider; an empty list where it says all.
  type: dict
  returned: always
"""
