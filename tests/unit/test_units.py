# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit and environment files, and what is read out of a failed unit."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import (
    diagnosis,
    listeners,
    sandbox,
    unit_files,
    unit_options,
    units,
    user_manager,
)
from hypothesis import given
from hypothesis import strategies as st

QUOTED = [
    ("plain", "plain"),
    ("/a/b-c_d.e", "/a/b-c_d.e"),
    ("two words", '"two words"'),
    ("", '""'),
    ("50%", "50%%"),
    ("a % b", '"a %% b"'),
    ('say "hi"', r'"say \"hi\""'),
    ("back\\slash", r'"back\\slash"'),
    ("it's", '"it\'s"'),
    ("$HOME", '"$HOME"'),
    (";", '";"'),
    ("line\nbreak\ttab", r'"line\nbreak\ttab"'),
    ("bell\x07", r'"bell\x07"'),
    ("héllo wörld", '"héllo wörld"'),
]


@pytest.mark.parametrize(("word", "expected"), QUOTED)
def test_a_word_is_quoted_for_systemd(word: str, expected: str) -> None:
    assert units.quote(word) == expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["/bin/x"], ":/bin/x"),
        (["/bin/x", "--a", "b c"], ':/bin/x --a "b c"'),
        (["/my programs/x", "$A"], '":/my programs/x" "$A"'),
    ],
)
def test_a_command_expands_nothing(argv: list[str], expected: str) -> None:
    assert units.command(argv) == expected


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (lambda: units.command([]), "program"),
        (lambda: units.command(["x"]), "absolute"),
        (lambda: units.command(['/a"b']), "quotes"),
        (lambda: units.quote("a\0b"), "NUL"),
        (lambda: units.quote("\ud800"), "valid text"),
        (lambda: units.text("a\nb"), "line break"),
        (lambda: units.text(" a"), "space"),
        (lambda: units.text("a\\"), "backslash"),
        (lambda: units.render({"Ser vice": {}}), "section"),
        (lambda: units.render({"Service": {"Exec=": "x"}}), "key"),
        (lambda: units.render({"Service": {"ExecStart": "/bin/x"}}), "list of words"),
        (lambda: units.render({"Service": {"Environment": {"1A": "x"}}}), "variable"),
        (lambda: units.environment_file({"A-B": "x"}), "variable"),
        (lambda: units.environment_file({"A": "x\ny"}), "line break"),
        (lambda: units.unit_name("s-", "x" * 300), "255"),
    ],
)
def test_what_a_unit_cannot_carry_is_refused(broken, word: str) -> None:
    with pytest.raises(units.UnitError, match=word):
        broken()


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(units.UnitError) as refused:
        units.environment_file({"KEY": "sk-very-secret\n"})
    assert "sk-very" not in str(refused.value)
    assert "KEY" in str(refused.value)


def test_a_unit_is_rendered_in_the_order_given() -> None:
    text = units.render(
        {
            "Unit": {"Description": "100 % ours", "After": ["a.service", "b.service"]},
            "Service": {
                "ExecStart": ["/bin/x", "a b"],
                "Environment": {"A": "1 2", "B": "%n"},
                "PrivateTmp": True,
                "RestartSteps": 5,
                "ReadWritePaths": "/a b",
                "User": None,
            },
        }
    )
    assert text.splitlines()[1:] == [
        "",
        "[Unit]",
        "Description=100 %% ours",
        "After=a.service",
        "After=b.service",
        "",
        "[Service]",
        'ExecStart=:/bin/x "a b"',
        'Environment="A=1 2"',
        "Environment=B=%%n",
        "PrivateTmp=yes",
        'ReadWritePaths="/a b"',
    ]
    assert units.is_ours(text)
    assert "RestartSteps=5" in units.render({"Service": {"RestartSteps": 5}}, systemd=257)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpu-1", "s-gpu-1.service"),
        ("a.b_c", "s-a.b_c.service"),
        ("a b/c", "s-a\\x20b\\x2fc.service"),
        ("é", "s-\\xc3\\xa9.service"),
    ],
)
def test_a_unit_name_is_escaped(name: str, expected: str) -> None:
    assert units.unit_name("s-", name) == expected


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]).filter(lambda c: c != "\0")
    )
)
def test_an_environment_value_survives_a_shell_too(value: str) -> None:
    """systemd's quoting is the shell's here, so a shell can be the judge of every text."""
    line = units.environment_file({"A": value}).split("\n", 1)[1].rstrip("\n")
    assert shlex.split(line.replace("\\$", "$").replace("\\`", "`")) == [f"A={value}"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd's own reader")
@pytest.mark.parametrize("word", [word for word, _ in QUOTED if word])
def test_systemd_accepts_the_unit(tmp_path: Path, word: str) -> None:
    unit = tmp_path / "nasty.service"
    description = word if word.isprintable() else "x"
    unit.write_text(
        units.render(
            {
                "Unit": {"Description": description},
                "Service": {"ExecStart": ["/bin/true", word], "Environment": {"A": word}},
            }
        )
    )
    seen = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert "nasty.service" not in seen.stderr
    assert "rror" not in seen.stdout


STATES = [
    ({"Result": "oom-kill"}, [], "memory ran out"),
    ({"Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "203"}, [], "cannot be exec"),
    ({"Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "226"}, [], "sandbox"),
    ({"Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "7"}, [], "exit code 7"),
    ({"Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "9"}, [], "memory"),
    ({"Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "4"}, [], "processor lacks"),
    ({"Result": "start-limit-hit"}, [], "died too often"),
    ({"Result": "exit-code"}, ["E couldn't bind HTTP server socket"], "port is taken"),
    (
        {"Result": "exit-code"},
        ["x: error while loading shared libraries: libgomp.so.1: no"],
        "libgomp",
    ),
    ({"Result": "exit-code"}, ["error: invalid argument: --thread"], "option --thread"),
    ({"Result": "exit-code"}, ["llama: failed to load model '/x'"], "model file"),
    ({"Result": "exit-code"}, ["version `GLIBC_2.38' not found"], "GLIBC_2.38"),
    ({"Result": "success", "ActiveState": "inactive"}, [], "ended by itself"),
]


@pytest.mark.parametrize(("properties", "lines", "expected"), STATES)
def test_a_dead_unit_has_a_cause(properties: dict, lines: list[str], expected: str) -> None:
    assert expected in diagnosis.cause(user_manager.State("x.service", properties), lines)


def test_listeners_are_found_by_port() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
        "   0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0  1001        0 777 1 0 100 0 0 10 0\n"
        "   1: 0100007F:1F90 0100007F:9999 01 0:0 00:0 0  1001        0 778 1 0 100 0 0 10 0\n"
        "   2: 0100007F:1F91 00000000:0000 0A 0:0 00:0 0  0        0 779 1 0 100 0 0 10 0\n"
    )
    assert listeners.listening(table, 8080) == {"777": 1001}


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.service"
    theirs.write_text("[Service]\nExecStart=/bin/true\n")
    wish = unit_files.FileWish(theirs, units.HEADER, "theirs.service")
    with pytest.raises(units.UnitError, match="left alone"):
        unit_files.changes([wish])


def test_a_secret_file_is_private_and_its_diff_shows_names_only(tmp_path: Path) -> None:
    path = tmp_path / "conf" / "x.env"
    text = units.environment_file({"KEY": "sk-old", "OTHER": "same"})
    wish = unit_files.FileWish(path, text, "x.service", 0o600, secret=True)
    (change,) = unit_files.changes([wish])
    change.apply()
    assert path.stat().st_mode & 0o777 == 0o600
    assert unit_files.changes([wish]) == []
    new = unit_files.FileWish(
        path,
        units.environment_file({"KEY": "sk-new", "OTHER": "same"}),
        "x.service",
        0o600,
        secret=True,
    )
    diff = unit_files.changes([new])[0].diff()
    assert diff["before"] == "KEY=(hidden, differs)\nOTHER=(hidden)\n"
    assert "sk-" not in str(diff)


def test_a_change_can_be_undone(tmp_path: Path) -> None:
    path = tmp_path / "x.service"
    path.write_text(units.HEADER)
    (change,) = unit_files.changes([unit_files.FileWish(path, None, "x.service")])
    change.apply()
    assert not path.exists()
    change.undo()
    assert path.read_text() == units.HEADER


OPTIONS = {
    "name": "x.service",
    "sections": {"Service": {"ExecStart": ["/bin/x"]}},
    "content": None,
    "sandbox": {"PrivateUsers": True},
    "secrets": None,
    "mode": "0644",
    "state": "started",
    "enabled": None,
    "restart": True,
    "trigger": "",
    "watch": [],
    "port": None,
    "ready": [],
    "ready_timeout": 10,
}


def test_options_make_a_unit_that_reads_its_secrets() -> None:
    unit = unit_options.unit_of({**OPTIONS, "secrets": {"K": "v"}}, Path("/h"), 252, bool)
    assert "EnvironmentFile=/h/.config/lab-llm/x.service.env\n" in (unit.text or "")
    assert unit.environment_file == units.HEADER + 'K="v"\n'
    assert unit.enabled
    assert "PrivateUsers=yes\n" in (unit.text or "")


def test_a_sandbox_is_tried_as_systemd_reads_it(tmp_path: Path) -> None:
    tried: list[str] = []

    class Seen(user_manager.Manager):
        def tries(self, properties: Iterable[str]) -> bool:
            tried.extend(properties)
            return True

    keys = {"PrivateUsers": True, "ReadWritePaths": ["-/a", "-/b"], "ProtectSystem": "strict"}
    assert sandbox.allowed(Seen(), tmp_path, keys, check=True)
    assert tried == [
        "PrivateUsers=yes",
        "ReadWritePaths=-/a",
        "ReadWritePaths=-/b",
        "ProtectSystem=strict",
    ]


def test_a_sandbox_that_the_host_refuses_is_left_out() -> None:
    unit = unit_options.unit_of(OPTIONS, Path("/h"), 252, lambda _: False)
    assert "PrivateUsers" not in (unit.text or "")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": "x"}, "suffix"),
        ({"content": "[Service]"}, "either"),
        ({"mode": "rw"}, "octal"),
        ({"ready": [{"url": "u", "status": 200, "model": "", "key_variable": "K"}]}, "secrets"),
    ],
)
def test_options_that_do_not_fit_are_refused(change: dict, word: str) -> None:
    with pytest.raises(units.UnitError, match=word):
        unit_options.unit_of({**OPTIONS, **change}, Path("/h"), 252, bool)
