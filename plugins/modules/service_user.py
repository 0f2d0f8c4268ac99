# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unprivileged user of the services, with a systemd of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_user
short_description: Have an unprivileged user whose systemd runs services without a login
version_added: 0.1.0
author: lab.llm contributors (@lab-llm)
description:
  - Creates the user (no password, no login shell), lets its systemd run from boot on, has that
    systemd restarted when it is killed, keeps a journal that C(journalctl --user) can read, and
    waits until the user's bus is there. Needs root.
  - One module for all of this, because each task costs about a second a host.
attributes:
  check_mode:
    support: full
    description: Says what would be done, and does nothing.
  diff_mode:
    support: full
    description: Lists what is missing and what is there then.
options:
  name:
    description: The user's name.
    type: str
    required: true
  home:
    description: The user's home. That of a user who exists already is not changed.
    type: path
    required: true
  persistent_journal:
    description: Whether C(/var/log/journal) is made where there is none.
    type: bool
    default: true
  timeout:
    description: How many seconds the user's systemd may take to come up.
    type: int
    default: 30
  stop_timeout:
    description:
      - How many seconds the user's systemd may take to stop, services included, before what is left
        is killed. Longer than the C(TimeoutStopSec) of each of its services.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: The user of the services
  become: true
  lab.llm.service_user:
    name: llm
    home: /var/lib/llm
"""

RETURN = r"""
exists:
  description: Whether the user exists (it does not in check mode before the first run).
  returned: success
  type: bool
  sample: true
uid:
  description: The user's number.
  returned: success
  type: int
  sample: 1001
home:
  description: The user's home.
  returned: success
  type: str
  sample: /var/lib/llm
runtime_dir:
  description: What XDG_RUNTIME_DIR has to be for the user's systemctl.
  returned: success
  type: str
  sample: /run/user/1001
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.service_account import (
    AccountProblem,
    Wish,
    facts,
    steps,
    wait_for_bus,
)


def main() -> None:
    """Mend what is missing; a step may bring the next to light."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "home": {"type": "path", "required": True},
            "persistent_journal": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 30},
            "stop_timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    given = module.params
    wish = Wish(
        given["name"],
        given["home"],
        given["persistent_journal"],
        given["timeout"],
        given["stop_timeout"],
    )
    done: list[str] = []
    try:
        found = steps(wish)
        if module.check_mode:
            done = [step.words for step in found]
        while found and not module.check_mode:
            found[0].mend()
            done.append(found[0].words)
            found = [step for step in steps(wish) if step.words not in done]
        known = facts(wish) if module.check_mode else wait_for_bus(wish)
    except (AccountProblem, OSError) as problem:
        module.fail_json(msg=str(problem), changed=bool(done))
    after = "".join(f"{words}\n" for words in done)
    module.exit_json(changed=bool(done), diff={"before": "", "after": after}, **known)


if __name__ == "__main__":
    main()
