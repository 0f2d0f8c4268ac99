# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work that is done as another user, in a real child process."""

from __future__ import annotations

import os
import pwd

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host.account import (
    AccountError,
    as_user,
    end_as_user,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


@as_root
def test_the_work_is_done_as_the_user_and_root_stays_root() -> None:
    nobody = pwd.getpwnam("nobody")
    seen = as_user(
        "nobody",
        lambda home: {
            "ids": [os.getuid(), os.getgid(), os.geteuid()],
            "groups": os.getgroups(),
            "home": home,
            "runtime": os.environ["XDG_RUNTIME_DIR"],
            "big": "x" * 1_000_000,
        },
    )
    assert seen["ids"] == [nobody.pw_uid, nobody.pw_gid, nobody.pw_uid]
    assert 0 not in seen["groups"]
    assert seen["home"] == nobody.pw_dir
    assert seen["runtime"] == f"/run/user/{nobody.pw_uid}"
    assert len(seen["big"]) == 1_000_000
    assert os.geteuid() == 0


@as_root
def test_there_is_no_way_back_to_root() -> None:
    def work(_home: str | None) -> dict[str, bool]:
        try:
            os.setuid(0)
        except PermissionError:
            return {"refused": True}
        return {"refused": False}

    assert as_user("nobody", work) == {"refused": True}


@as_root
def test_what_nobody_had_thought_of_is_told_with_its_place() -> None:
    with pytest.raises(AccountError, match=r"(?s)runs as nobody failed: .*test_account.*ZeroDiv"):
        as_user("nobody", lambda _: {"x": 1 // 0})


def test_without_a_user_the_work_is_done_right_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, "")
    assert as_user(None, lambda home: {"pid": os.getpid(), "home": home}) == {
        "pid": os.getpid(),
        "home": pwd.getpwuid(os.geteuid()).pw_dir,
    }


def test_a_user_that_is_not_there_has_no_home() -> None:
    assert as_user("no-such-user", lambda home: {"home": home}) == {"home": None}


class Module:
    """What of an Ansible module is used: its parameters, and its two ends."""

    def __init__(self, user: str) -> None:
        self.params, self.ends = {"user": user}, []

    def exit_json(self, **result: object) -> None:
        self.ends.append(("exit", result))

    def fail_json(self, **result: object) -> None:
        self.ends.append(("fail", result))


@pytest.mark.parametrize(
    ("result", "end"),
    [
        ({"x": 1}, ("exit", {"changed": False, "x": 1})),
        ({"changed": True}, ("exit", {"changed": True})),
        ({"failed": True, "msg": "no"}, ("fail", {"changed": False, "failed": True, "msg": "no"})),
    ],
)
def test_a_module_ends_once_with_what_was_done(result: dict, end: tuple) -> None:
    module = Module(pwd.getpwuid(os.geteuid()).pw_name)
    end_as_user(module, lambda home: result)
    assert module.ends == [end]


@as_root
def test_a_crash_as_the_user_is_a_failure_of_the_module() -> None:
    module = Module("nobody")
    end_as_user(module, lambda home: {"x": 1 / 0}, shown="it")
    [(how, said)] = module.ends
    assert (how, said["failed"], said["shown"]) == ("fail", True, "it")
    assert "ZeroDivisionError" in said["msg"]
