# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of an unprivileged user, kept by that user's systemd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: user_units
short_description: Keep a user's systemd units and see that they answer
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Writes units below C(~/.config/systemd/user) and their environment files, reloads systemd once,
    enables, starts and restarts what changed, and waits until each service answers.
  - Only files that carry our mark in their first line are overwritten or removed. Drop-ins of the
    user (C(systemctl --user edit)) are never touched.
  - A unit that does not come up is named with its most likely cause, its state and its last lines
    in the journal, and its earlier form is put back where there was one.
  - What a unit was last started with is remembered, so that a run that was cut off is finished by
    the next.
attributes:
  check_mode:
    support: full
    description: Says what would be written, started and restarted, and does nothing.
  diff_mode:
    support: full
    description: Shows the units. Of environment files only the names of the variables are shown.
options:
  user:
    description:
      - Whose units. The module starts as root and gives up root for that user.
      - Without it the units are those of whoever runs the module.
    type: str
  home:
    description: Where the user's home will be, for check mode before the user exists.
    type: path
  units:
    description: The units, in the order in which they are started.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The unit's full name, such as C(llama-server-a.service).
        type: str
        required: true
      sections:
        description:
          - The unit as a mapping of sections to mappings of keys to values. Everything is literal,
            also C(%) and C($). C(Exec*) keys take a list of words, C(Environment) a mapping; a list
            gives one line an item.
          - The file for O(units[].secrets) need not be named in it.
        type: dict
      content:
        description: The unit as text, for templates that need specifiers. Our mark is put before.
        type: str
      sandbox:
        description: Keys of the section C(Service) that need namespaces. They are tried once a
          boot, and left out with a warning where the host refuses them to users.
        type: dict
      secrets:
        description: Variables for an environment file of mode 0600, C(~/.config/lab-llm/NAME.env).
        type: dict
      files:
        description:
          - Other files that it needs, texts by their names, as C(~/.config/lab-llm/UNIT.NAME). Each
            begins with our mark, a comment with C(#).
        type: dict
        default: {}
      beside:
        description:
          - Those of O(units[].secrets) that hold several values as a row of CSV, such as keys of
            which any will do. What the file holds now stays in it, behind the new value.
        type: list
        elements: str
        default: []
      mode: {description: "The unit file's permissions, in octal.", type: str, default: "0644"}
      state:
        description:
          - V(present) only has the files, V(started) also has it run and answer.
          - V(absent) stops and disables it and removes our files.
        type: str
        choices: [present, started, stopped, absent]
        default: started
      enabled:
        description: Whether it starts at boot. Default is V(true) for units that are started.
        type: bool
      restart:
        description: Whether it is restarted when its text, secrets, trigger or watched files differ
          from what it was started with.
        type: bool
        default: true
      trigger: {description: A text whose change restarts the unit., type: str, default: ""}
      watch:
        description: Files whose change restarts the unit, such as its program.
        type: list
        elements: path
        default: []
      port:
        description: The TCP port that the unit, and nothing else, must listen on.
        type: int
      ready:
        description: What must answer before the unit counts as started. All of it.
        type: list
        elements: dict
        default: []
        suboptions:
          url:
            description: Asked from the host itself, without any proxy.
            type: str
            required: true
          status: {description: The HTTP status to see., type: int, default: 200}
          model: {description: A model that C(/v1/models) must list., type: str, default: ""}
          models:
            description:
              - Models that llama-server's C(/models) must say can be asked. One that could not be
                loaded ends the waiting.
            type: list
            elements: str
            default: []
          key_variable:
            description: The variable of O(units[].secrets) to send as the bearer key.
            type: str
            default: ""
      ready_timeout: {description: How many seconds it may take., type: int, default: 120}
  keep:
    description: Names that are not leftovers although they are not among O(units).
    type: list
    elements: str
    default: []
  leftover_patterns:
    description: Globs; units of ours that match one and are not named are leftovers.
    type: list
    elements: str
    default: []
  prune:
    description: Whether leftovers are made absent. If not, they are reported with a warning.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: A service that answers
  become: true
  lab.llm.user_units:
    user: llm
    units:
      - name: hello.service
        sections:
          Unit: {Description: A page}
          Service: {ExecStart: [/usr/bin/python3, -m, http.server, "8123"]}
          Install: {WantedBy: default.target}
        port: 8123
        ready: [{url: "http://127.0.0.1:8123/"}]
"""

RETURN = r"""
units:
  description: What was done, or would be, by unit. Units that stay as they are do not appear.
  returned: always
  type: dict
  sample: {"hello.service": ["written", "enabled", "started"]}
leftover:
  description: Units of ours that are declared no more and are still there.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.account import AccountError, as_user
from ..module_utils.host.unit_options import ARGUMENTS
from ..module_utils.host.unit_work import named_holders, run


def main() -> None:
    """One call, all units."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params, check = module.params, module.check_mode
    try:
        result = as_user(params["user"], lambda home: run(params, home, check))
    except AccountError as problem:
        module.fail_json(msg=str(problem))
    for warning in result.pop("warnings"):
        module.warn(warning)
    if result.pop("failed"):
        result["msg"] += named_holders(result["msg"])
        module.fail_json(**result)
    result.pop("msg")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
