# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doing a module's work as the service's user, in a child of the module that root started.

Ansible's own step from one unprivileged user to another needs pipelining or ACLs, fails with
`su` where the shell is nologin, and fails in check mode as long as the user does not exist.
"""

from __future__ import annotations

import json
import os
import pwd
import sys
import traceback
from collections.abc import Callable
from typing import Any

Work = Callable[["str | None"], dict[str, Any]]


class AccountError(Exception):
    """The process cannot act as the user that was asked for."""


def as_user(name: str | None, work: Work) -> dict[str, Any]:
    """Run `work(home)` as the user `name` and return what it returns, which must suit JSON.

    `home` is None if there is no such user (yet). With no name, or the name of whoever runs this,
    the work is done right here.
    """
    try:
        entry = pwd.getpwnam(name) if name else pwd.getpwuid(os.geteuid())
    except KeyError:
        return work(None)
    if entry.pw_uid == os.geteuid():
        _settle(entry)
        return work(entry.pw_dir)
    if os.geteuid() != 0:
        raise AccountError(
            f"this runs as uid {os.geteuid()} and cannot act as {name}: use `become: true`"
        )
    return _in_child(entry, work)


def end_as_user(module: Any, work: Work, **shown: object) -> None:  # noqa: ANN401 - Ansible's own
    """End a module with what `work(home)` returns as the user of its parameter `user`.

    A result with a true `failed` ends it as a failure; without `changed` nothing was. `shown` goes
    into the result besides.
    """
    try:
        result = as_user(module.params["user"], work)
    except AccountError as error:
        result = {"failed": True, "msg": str(error)}
    end = module.fail_json if result.get("failed") else module.exit_json
    end(**{"changed": False, **shown, **result})


def _in_child(entry: pwd.struct_passwd, work: Work) -> dict[str, Any]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            with os.fdopen(writer, "w") as answer:
                answer.write(_answer(entry, work))
        finally:
            os._exit(0)  # not sys.exit: the module's own clean-up belongs to the parent
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    status = os.waitpid(child, 0)[1]
    known = json.loads(text) if text else {"crash": f"it ended with status {status}"}
    if "crash" in known:
        raise AccountError(f"the part that runs as {entry.pw_name} failed: {known['crash']}")
    return dict(known)


def _answer(entry: pwd.struct_passwd, work: Work) -> str:
    """In the child: the result as JSON, or what went wrong that nobody had thought of."""
    try:
        _become(entry)
        _settle(entry)
        return json.dumps(work(entry.pw_dir))
    except Exception:  # the parent shall tell it: a child's own traceback would be lost
        return json.dumps({"crash": traceback.format_exc()})


def _become(entry: pwd.struct_passwd) -> None:
    os.chdir("/")
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    # Ansible's zip of this module is root's: looking into it for a late import would fail.
    sys.path[:] = [path for path in sys.path if os.access(path, os.R_OK)]


def _settle(entry: pwd.struct_passwd) -> None:
    os.umask(0o022)
    os.environ.update(
        HOME=entry.pw_dir,
        USER=entry.pw_name,
        LOGNAME=entry.pw_name,
        XDG_RUNTIME_DIR=f"/run/user/{entry.pw_uid}",
    )
    for variable in ("DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        os.environ.pop(variable, None)
