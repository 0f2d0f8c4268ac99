#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle
short_description: Collect what an inventory needs into one folder
version_added: 0.2.0
author: lab.llm contributors (@lab-llm)
description:
  - Brings archives, models and wheels into a folder of the controller, with a manifest that gives
    the name, origin, sha256 and size of each. What is there already is not asked for again.
  - M(lab.llm.artifact) and M(lab.llm.gateway_venv) take what they need from there, without any
    network.
options:
  path:
    description: The folder. It is made if it is not there.
    type: path
    required: true
  needs:
    description: >-
      What each host needs: C(artifacts) as M(lab.llm.artifact) takes them, C(locks), each C(name)
      and C(text) of a lock file with hashes, and C(packages), each C(name) and C(why), that cannot
      be collected.
    type: list
    elements: dict
    default: []
  pythons:
    description: Releases of Python that wheels are collected for, as the hosts have them.
    type: list
    elements: str
    default: ["3.11", "3.12", "3.13"]
  machine:
    description: What C(uname -m) says on the hosts.
    type: str
    default: x86_64
  indexes:
    description: Package indexes, asked in this order.
    type: list
    elements: str
    default: [https://pypi.org/simple]
  tokens:
    description: Values by the names that C(token_env) gives. They are not shown.
    type: dict
    default: {}
  huggingface_endpoint:
    description: Where the hub is, or a mirror of it.
    type: str
    default: https://huggingface.co
attributes:
  check_mode: {support: full, description: Says what would be fetched and fetches no artefact.}
  diff_mode: {support: full, description: Shows the sums.}
extends_documentation_fragment:
  - lab.llm.attributes
"""

EXAMPLES = r"""
- name: A release to install where there is no network
  lab.llm.bundle:
    path: /srv/bundle
    needs:
      - artifacts:
          - name: llama.cpp b6123
            url: https://mirror.example/llama-b6123-bin-ubuntu-x64.tar.gz
            sha256: 5f1d1a8f6c2b0f5be0d3a9b8a0a86d4f0f8c2f7f3e3d9c1b2a495867fedcba98
"""

RETURN = r"""
artifacts:
  description: What is in the folder, each with C(name), C(path) and C(changed).
  type: list
  elements: dict
  returned: success
not_collected:
  description: What the hosts need besides, each C(name) and C(why) it is not in the folder.
  type: list
  elements: dict
  returned: success
"""
