# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role gateway makes of its variables, templated by Ansible itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAY = """
- hosts: localhost
  gather_facts: false
  vars_files: [{root}/roles/gateway/defaults/main.yml, {root}/roles/gateway/vars/main.yml]
  tasks:
    - ansible.builtin.copy:
        dest: "{out}"
        content: "{{{{ [gateway__address, gateway__given, socket, service] | to_json }}}}"
      vars:
        texts: "{root}/roles/gateway/templates"
        socket: "{{{{ lookup('template', texts ~ '/litellm.socket.j2') }}}}"
        service: "{{{{ lookup('template', texts ~ '/litellm@.service.j2') }}}}"
    - ansible.builtin.include_role: {{ name: lab.llm.gateway }}
      when: run is defined
"""


def playbook(tmp_path: Path, given: dict[str, Any], **environment: str) -> tuple[Any, str]:
    """What was templated, and what Ansible said."""
    out, play = tmp_path / "out.json", tmp_path / "play.yml"
    play.write_text(PLAY.format(root=ROOT, out=out))
    extra = json.dumps({"ansible_python_interpreter": sys.executable, **given})
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,"]
    done = subprocess.run(
        [*argv, "-c", "local", "-e", extra, str(play)],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible"), **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert out.exists(), done.stdout + done.stderr
    return json.loads(out.read_text()), done.stdout


@pytest.mark.parametrize(
    ("bind", "listens", "asked"),
    [
        ("127.0.0.1", "127.0.0.1:4000", "http://127.0.0.1:4000"),
        ("0.0.0.0", "0.0.0.0:4000", "http://127.0.0.1:4000"),
        ("::", "[::]:4000", "http://[::1]:4000"),
        ("fd00::7", "[fd00::7]:4000", "http://[fd00::7]:4000"),
    ],
)
def test_where_it_listens_and_where_it_is_asked(
    tmp_path: Path, bind: str, listens: str, asked: str
) -> None:
    (address, _, socket, _), _ = playbook(tmp_path, {"gateway_bind": bind})
    assert address == asked
    assert f"ListenStream={listens}\n" in socket
    assert "FreeBind=yes\n" in socket  # a boot does not wait for the address


def test_the_gateway_s_own_key_may_come_from_the_environment(tmp_path: Path) -> None:
    exported = {"LITELLM_MASTER_KEY": "sk-exported", "A_KEY": "a", "UNASKED": "x"}
    given: dict[str, Any] = {"gateway_variables": [{"name": "A_KEY"}]}
    (_, values, _, _), _ = playbook(tmp_path, given, **exported)
    assert values == {"LITELLM_MASTER_KEY": "sk-exported", "A_KEY": "a"}
    given["gateway_secrets"] = {"LITELLM_MASTER_KEY": "sk-vault"}
    (_, values, _, _), _ = playbook(tmp_path, given, **exported)
    assert values["LITELLM_MASTER_KEY"] == "sk-vault"


def test_systemd_does_not_kill_a_stop_that_is_allowed(tmp_path: Path) -> None:
    (_, _, _, service), _ = playbook(tmp_path, {})
    assert "TimeoutStopSec=15\n" in service  # the user's systemd itself has 20
    longer = {"gateway_stop_seconds": 30, "run": True, "user_service_account": {}}
    _, said = playbook(tmp_path, longer)
    assert "Set user_service_stop_timeout to more than 35" in said
