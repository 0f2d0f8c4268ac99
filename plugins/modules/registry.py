#!/usr/bin/python
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registry
short_description: Checks the provider registry and compiles it
version_added: 0.1.0
author:
  - lab.llm contributors (@lab-llm)
description:
  - Reads a directory of YAML files that say which LLM providers there are and how requests reach
    them, and gives every problem with its place, the routes, the LiteLLM configuration that does
    what was declared, the environment variables that it needs and the services to run per host.
  - An action on the controller. It reads files only, so check mode is the same as a run.
options:
  path:
    description:
      - The registry's directory.
      - The default is the variable C(llm_registry), else C(registry/) beside the inventory file.
    type: path
  file:
    description:
      - One more registry file, checked as if it already stood in O(path); there it replaces a file
        of the same name.
    type: path
  text: {description: "What O(file) holds, a name in O(path) that may be none yet.", type: str}
  without_provider:
    description:
      - Compile the registry as if this provider, with its limits, health check and budget, did not
        stand in it. What leads to it is an error, all of it at once.
      - Nothing is written; RV(edits) says what to write once it is proven.
    type: str
    default: ""
  without_file: {description: "The same for a whole file in O(path).", type: str, default: ""}
  without_hosts:
    description: Serve nothing that runs on these hosts; all else keeps its ids, shares and limits.
    type: list
    elements: str
    default: []
  switch_to: {description: The same as if this provider ran in its slot., type: str, default: ""}
  values:
    description: Compile the registry as if it had these values. Nothing is written; see RV(edits).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the value stands, such as V([providers, mistral, traffic]). The mapping
          around it must exist.
        type: list
        elements: str
        required: true
      value:
        description: The new value, a text, number or boolean. Nothing takes it out.
        type: raw
  format:
    description: Whether the report is for people or for programs.
    type: str
    choices: [text, json]
    default: text
  secrets:
    description:
      - Values of the environment variables that the registry names, for instance from a vault.
        Variables that are not here are looked up in the controller's environment.
      - Only used to say which variables have no value; no value is ever returned.
    type: dict
    default: {}
  require_secrets:
    description: Whether a needed variable without a value is an error, as before a deploy.
    type: bool
    default: false
  check_page:
    description:
      - Whether to warn where the page of M(lab.llm.provider_page) is there and does not say what
        the registry says now. Not where something else than the registry as it stands is checked.
    type: bool
    default: false
  page: {description: Where it is; the default is C(providers.md) in O(path)., type: str}
attributes:
  check_mode: {support: full, description: "Reads only, so it does the same in check mode."}
  diff_mode: {support: none, description: "Changes nothing, so there is nothing to show."}
extends_documentation_fragment:
  - lab.llm.attributes
seealso:
  - module: lab.llm.gateway_change
  - module: lab.llm.gateway_probe
"""

EXAMPLES = r"""
- name: Check the registry beside the inventory
  lab.llm.registry:
  register: llm

- name: Check one more provider before it goes in
  lab.llm.registry:
    path: /etc/lab/registry
    file: mistral.yaml

- name: See what follows from a larger share for a provider
  lab.llm.registry:
    values:
      - {path: [providers, mistral, traffic], value: 25%}
"""

RETURN = r"""
msg:
  description: The report, one line a problem and a summary; JSON text with O(format=json).
  type: str
  returned: always
problems:
  description:
    - Every error and warning, sorted by place, with C(file), C(line), C(column), C(severity),
      C(code), C(message), C(expected) and C(suggestion).
  type: list
  elements: dict
  returned: always
routes:
  description: For each public name its targets and fallbacks, with the rule that they come from.
  type: list
  elements: dict
  returned: when there is no error
gateway_config_text:
  description: The LiteLLM configuration as YAML; the same registry gives the same bytes.
  type: str
  returned: when there is no error
variables:
  description: The environment variables that the gateway needs, and who needs them. No values.
  type: list
  elements: dict
  returned: when there is no error
missing_variables:
  description: Those of RV(variables) that have no value in O(secrets) or in the environment.
  type: list
  elements: str
  returned: when there is no error
composed:
  description: Variables that the gateway composes from others, with their templates.
  type: dict
  returned: when there is no error
environment:
  description: Variables of LiteLLM's process that are no secret, name to value.
  type: dict
  returned: when there is no error
services:
  description: For each host the backend services that it runs.
  type: dict
  returned: when there is no error
declared:
  description: The same for all that is declared, whatever its status.
  type: dict
  returned: when there is no error
probes: {description: What a proof of it asks., type: dict, returned: when there is no error}
waiting: {description: "Who waits in a slot.", type: list, returned: when there is no error}
files: {description: The files as read., type: dict, returned: when there is no error}
file_providers:
  description: The names of the providers that O(file) declares.
  type: list
  returned: when O(file) is given and there is no error
edits:
  description:
    - What a change changes in the registry's own texts, a dictionary a file with C(file), its
      absolute path, C(text), nothing where the file goes, C(mode), and C(sha256) of what stands
      there now. All other bytes of a file are as they were.
  type: list
  elements: dict
  returned: when there is no error
switch:
  description:
    - What a switch of models takes. C(provider), C(slot), C(old) that runs there now, nothing where
      that is the provider itself; C(services) by host as they are to run, and C(before_services).
  type: dict
  returned: with O(switch_to), when there is no error
removed:
  description:
    - What a removal takes away. C(providers), C(names) that nobody answers any more, C(services)
      that run for them by host, and what is C(kept), all services that are still declared by host.
  type: dict
  returned: with O(without_provider) and O(without_file), when there is no error
file: {description: "The absolute path of O(file), or nothing.", type: str, returned: always}
in_registry:
  description: C(file), what O(file) is or will be there; C(is_new), if it is not yet; its C(page).
  type: dict
  returned: always
redis:
  description: C(host), C(port), C(username), C(tls) and C(ca) of where gateways count; or nothing.
  type: dict
  returned: when there is no error
commit:
  description: The git commit of the registry, with C(+) if files differ from it; or nothing.
  type: str
  returned: when there is no error
path: {description: The directory that was read., type: str, returned: always}
"""
