# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""user_service and llama_cpp on a lab host: real systemd, real llama-server.

They run as a user of their own, on ports of their own, so that what else is in the lab goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.backend_under_test import HOST, BackendHost, Result

pytestmark = pytest.mark.lab

USER, HOME = "llmtest", "/var/lib/llmtest"
KEY = "sk-very\"secret$HOME`x`\\ %n 'y' 9"
NASTY = ["plain", "two words", "50% $HOME ${X}", 'a"b', "it's", "back\\slash", "%n", ";", "é", "\t"]


class Backend(BackendHost):
    """The host under test, and its instances of llama.cpp."""

    def play(self, *words: str, under_test: str = "llama_cpp", **variables: Any) -> Result:
        return super().play(*words, under_test=under_test, **variables)

    def spec(self, provider: str, port: int, **changes: Any) -> dict[str, Any]:
        model = self.served["model"]
        source = {"url": model["url"], "sha256": changes.pop("sha256", model["sha256"])}
        return {
            "provider": provider,
            "engine": "llama_cpp",
            "host": HOST,
            "address": self.address,
            "bind": self.address,
            "port": port,
            "version": None,
            "unit": f"llama-server-{provider}.service",
            "models": [{"name": "smollm2-135m", "source": source}],
            "options": {"ctx_size": 2048, "threads": 1},
            "environment": {},
            "limits": {},
            "gpus": [],
            "key_variable": None,
            "health_url": f"http://{self.address}:{port}/health",
            **changes,
        }

    def both(self, **changes: Any) -> dict[str, Any]:
        return {
            "llama_cpp_services": [
                self.spec("t1", 18081, **changes),
                self.spec("t2", 18082, key_variable="T2_KEY"),
            ],
            "llama_cpp_secrets": {"T2_KEY": KEY},
        }


@pytest.fixture(scope="module")
def bare(the_lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The host without the user under test."""
    backend = Backend(tmp_path_factory.mktemp("backend"), USER)
    backend.remove()
    yield backend
    backend.remove()


@pytest.fixture(scope="module")
def backend(bare: Backend) -> Backend:
    """The host with two instances, put there from nothing."""
    preview = bare.play("--check", "--diff", **bare.both())
    assert preview.code == 0, preview.output
    assert preview.changed == 3
    assert "ExecStart=" in preview.output
    assert bare.shell(f"getent passwd {USER} || echo none") == "none\n"
    done = bare.play("--diff", "-vvv", **bare.both())
    assert done.code == 0, done.output
    assert KEY not in done.output
    assert json.dumps(KEY)[1:-1] not in done.output
    return bare


def test_two_instances_answer_one_of_them_only_with_its_key(backend: Backend) -> None:
    question = {
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "What is the capital of France?"},
        ],
        "max_tokens": 20,
        "temperature": 0,
    }
    status, answer = backend.ask(18081, "/v1/chat/completions", question)
    assert status == 200
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert backend.ask(18082, "/v1/models")[0] == 401
    status, answer = backend.ask(18082, "/v1/models", key=KEY)
    assert (status, answer["data"][0]["id"]) == (200, "smollm2-135m")


def test_the_file_system_is_closed_to_them(backend: Backend) -> None:
    words = "-p ProtectSystem -p PrivateUsers -p ProtectHome --value llama-server-t1"
    seen = backend.systemctl(f"systemctl --user show {words}").split()
    assert sorted(seen) == ["read-only", "strict", "yes"]


def test_a_second_run_changes_nothing(backend: Backend) -> None:
    before = backend.systemctl("systemctl --user show -p MainPID llama-server-t1 llama-server-t2")
    for words in (["--diff"], ["--check", "--diff"]):
        again = backend.play(*words, **backend.both())
        assert (again.code, again.changed) == (0, 0), again.output
    after = backend.systemctl("systemctl --user show -p MainPID llama-server-t1 llama-server-t2")
    assert after == before


def test_the_key_is_in_one_private_file_only(backend: Backend) -> None:
    assert (
        backend.shell(f"grep -rlF 'very' {HOME} --include=*.service --include=*.json; true") == ""
    )
    file = f"{HOME}/.config/lab-llm/llama-server-t2.service.env"
    assert backend.shell(f"stat -c '%a %U' {file}").strip() == f"600 {USER}"
    assert "very" not in backend.shell("ps axww -o args")
    assert "sk-very" not in backend.shell(f"journalctl _UID=$(id -u {USER}) | cat")


def test_the_user_has_no_password_and_no_shell(backend: Backend) -> None:
    assert backend.shell(f"getent passwd {USER}").strip().endswith(":/usr/sbin/nologin")
    assert backend.shell(f"getent shadow {USER}").split(":")[1].startswith("!")
    assert "server" in backend.systemctl("journalctl --user -u llama-server-t1 -o cat | cat")


def test_only_what_changed_is_restarted_and_a_drop_in_survives(backend: Backend) -> None:
    drop_in = f"{HOME}/.config/systemd/user/llama-server-t1.service.d/mine.conf"
    backend.shell(
        f"install -D -o {USER} /dev/stdin {drop_in} <<'E'\n[Service]\nEnvironment=MINE=1\nE\n"
    )
    other = backend.systemctl("systemctl --user show -p MainPID llama-server-t2")
    options = {"ctx_size": 1024, "threads": 1}
    done = backend.play(**backend.both(options=options))
    assert (done.code, done.changed) == (0, 1), done.output
    assert backend.systemctl("systemctl --user show -p MainPID llama-server-t2") == other
    assert "MINE=1" in backend.systemctl("systemctl --user show -p Environment llama-server-t1")
    assert backend.play(**backend.both()).changed == 1
    assert backend.shell(f"cat {drop_in}").startswith("[Service]")


def test_a_deleted_unit_and_a_changed_program_are_mended_in_one_run(backend: Backend) -> None:
    backend.shell(
        f"rm {HOME}/.config/systemd/user/llama-server-t2.service\n"
        f"for file in {HOME}/llama.cpp/*/llama-server; do echo broken >> $file; done\n"
    )
    done = backend.play(**backend.both())
    assert (done.code, done.changed) == (0, 2), done.output
    assert backend.play("--check", **backend.both()).changed == 0


def test_a_run_that_was_cut_off_is_finished(backend: Backend) -> None:
    """The unit was written and the host died before the restart."""
    unit = f"{HOME}/.config/systemd/user/llama-server-t1.service"
    backend.shell(f"sed -i 's/--ctx-size 2048/--ctx-size 512/' {unit}")
    options = {"ctx_size": 512, "threads": 1}
    done = backend.play("-v", **backend.both(options=options))
    assert (done.code, done.changed) == (0, 1), done.output
    assert '"llama-server-t1.service": ["restarted"]' in done.output
    assert backend.play(**backend.both()).code == 0


def test_a_wrong_sum_installs_nothing_and_the_old_one_serves(backend: Backend) -> None:
    done = backend.play(**backend.both(sha256="ab" * 32))
    assert done.code != 0
    assert backend.served["model"]["sha256"] in done.output
    assert f"expected {'ab' * 32}" in done.output
    assert backend.ask(18081, "/health")[0] == 200
    assert "abab" not in backend.shell(f"ls -A {HOME}/models")


def test_a_release_stands_beside_the_one_before(backend: Backend) -> None:
    done = backend.play(llama_cpp_version="next", **backend.both())
    assert (done.code, done.changed) == (0, 2), done.output
    release = backend.served["llama_cpp"]
    folders = backend.shell(f"ls {HOME}/llama.cpp").split()
    assert folders == [f"{name}-{release['sha256'][:8]}" for name in (release["version"], "next")]
    back = backend.play(**backend.both())
    assert (back.code, back.changed) == (0, 1), back.output  # the units; nothing is downloaded


def test_a_truncated_release_installs_nothing_and_the_old_one_serves(backend: Backend) -> None:
    cut = "/var/tmp/cut.tar.gz"
    seen = backend.shell(
        f"head -c 5000000 {HOME}/models/*.gguf | gzip -1 | head -c 900000 > {cut}; sha256sum {cut}"
    )
    done = backend.play(
        llama_cpp_version="cut",
        llama_cpp_archive_url=f"file://{cut}",
        llama_cpp_archive_sha256=seen.split()[0],
        **backend.both(),
    )
    backend.shell(f"rm {cut}")
    assert done.code != 0
    assert "cut.tar.gz is damaged or cut short" in done.output
    assert "cut" not in backend.shell(f"ls -A {HOME}/llama.cpp")
    assert backend.ask(18081, "/health")[0] == 200


def test_a_taken_port_is_told_with_its_holder_and_the_old_one_serves(backend: Backend) -> None:
    backend.shell("systemd-run --quiet --unit=squatter python3 -m http.server 18083")
    try:
        services = backend.both()
        services["llama_cpp_services"][0]["port"] = 18083
        done = backend.play(**services)
        assert done.code != 0
        assert "its port 18083 is held by" in done.output
        assert "python3 (pid " in done.output
        assert "squatter.service" in done.output
        assert "put back to its earlier form, which runs" in done.output
        assert backend.ask(18081, "/health")[0] in (200, 503)
    finally:
        backend.shell("systemctl stop squatter")
    assert backend.play(**backend.both()).changed == 0


def test_a_program_that_does_not_come_up_is_explained(backend: Backend) -> None:
    options = {"ctx_size": 2048, "thread_count": 1}
    done = backend.play(**backend.both(options=options))
    assert done.code != 0
    assert "does not know the option --thread-count" in done.output
    assert backend.play(**backend.both()).changed == 0


@pytest.mark.nightly
def test_a_killed_manager_comes_back_with_its_services(backend: Backend) -> None:
    backend.shell(f"kill -9 $(systemctl show -P MainPID user@$(id -u {USER}).service)")
    # On a host that is told when a service's processes have ended this is seconds; in a container
    # with cgroup v1 it is TimeoutStopSec of the manager.
    backend.shell(
        f"uid=$(id -u {USER}); timeout 60 sh -c "
        f'"until systemctl is-active -q user@$uid.service; do sleep 0.5; done"'
    )
    done = backend.play(**backend.both())
    assert (done.code, done.changed) == (0, 0), done.output
    assert backend.ask(18081, "/health")[0] == 200


@pytest.mark.nightly
def test_of_two_in_a_slot_one_is_down_before_the_other_starts(backend: Backend) -> None:
    def slot(runs: str) -> dict[str, Any]:
        units = ["llama-server-s1.service"]
        # One port for both: the second could not listen while the first does.
        return {
            "llama_cpp_services": [
                backend.spec("s1", 18085, slot="gpu0", runs=runs == "s1", conflicts=[]),
                backend.spec("s2", 18085, slot="gpu0", runs=runs == "s2", conflicts=units),
            ],
            "llama_cpp_partial": True,
        }

    def states() -> list[str]:
        return backend.systemctl(
            "sh -c 'systemctl --user is-active llama-server-s1 llama-server-s2 || true'"
        ).split()

    assert backend.play(**slot("s1")).code == 0
    assert states() == ["active", "inactive"]
    assert backend.play(**slot("s2")).code == 0
    assert states() == ["inactive", "active"]
    assert backend.play(**slot("s2")).changed == 0
    # By hand, against the order of the files.
    backend.systemctl("systemctl --user start llama-server-s1")
    assert states() == ["active", "inactive"]
    backend.systemctl("systemctl --user stop llama-server-s1")


@pytest.mark.nightly
def test_of_several_models_the_broken_one_is_named(backend: Backend) -> None:
    bad = f"{HOME}/cut-short.gguf"
    backend.shell(f"head -c 3000000 $(ls {HOME}/models/*.gguf | head -1) >{bad}; chmod 644 {bad}")
    one = backend.spec("several", 18086)
    models = [
        {**one["models"][0], "name": "a:7b", "options": {"ctx_size": 512}},
        {"name": "b", "source": {"path": bad}},
    ]
    several = {"llama_cpp_services": [{**one, "models": models}], "llama_cpp_partial": True}
    done = backend.play(**several)
    assert done.code != 0
    assert "'b' could not be loaded: the model file is damaged or cut short" in done.output
    models[1]["source"] = one["models"][0]["source"]
    assert backend.play(**several).code == 0
    asked = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
    answers = [
        backend.ask(18086, "/v1/chat/completions", {**asked, "model": name})[0]
        for name in ("a:7b", "b")
    ]
    assert answers == [200, 200]
    assert backend.play(**several).changed == 0
    backend.systemctl("systemctl --user stop llama-server-several")


def test_what_is_declared_no_more_is_told_and_pruned_on_request(backend: Backend) -> None:
    one = backend.both()
    one["llama_cpp_services"] = one["llama_cpp_services"][1:]
    done = backend.play(**one)
    assert (done.code, done.changed) == (0, 0), done.output
    assert "llama-server-t1.service is ours, still there and declared no more" in done.output
    assert "no more" not in backend.play(llama_cpp_leftovers="ignore", **one).output
    done = backend.play(llama_cpp_leftovers="remove", **one)
    assert (done.code, done.changed) == (0, 1), done.output
    left = backend.shell(f"find {HOME}/.config -name '*t1*'").split()
    assert [Path(path).name for path in left] == ["llama-server-t1.service.d"]
    assert backend.ask(18082, "/health")[0] == 200


DUMP = (
    "import json, os, sys; "
    "open(os.environ['OUT'], 'w').write(json.dumps([sys.argv[1:], dict(os.environ)]))"
)


def test_every_text_arrives_in_a_real_service_as_it_was_given(backend: Backend) -> None:
    values = {f"V{number}": text for number, text in enumerate(NASTY)}
    secrets = {f"S{number}": text for number, text in enumerate([*NASTY, KEY, " x ", "#no"])}
    unit = {
        "name": "nasty.service",
        "sections": {
            "Unit": {"Description": "100% \"nasty\" $HOME %n 'x'"},
            "Service": {
                "Type": "oneshot",
                "RemainAfterExit": True,
                "ExecStart": ["/usr/bin/python3", "-c", DUMP, *NASTY, "line\nbreak", ""],
                "Environment": {**values, "OUT": f"{HOME}/nasty.json"},
            },
        },
        "secrets": secrets,
        "enabled": False,
    }
    done = backend.play(under_test="units", user_service_units=[unit])
    assert done.code == 0, done.output
    argv, environment = json.loads(backend.shell(f"cat {HOME}/nasty.json"))
    assert argv == [*NASTY, "line\nbreak", ""]
    assert {name: environment.get(name) for name in values} == values
    assert {name: environment.get(name) for name in secrets} == secrets
    description = backend.systemctl("systemctl --user show -P Description nasty.service")
    assert description.strip() == unit["sections"]["Unit"]["Description"]
    done = backend.play(
        under_test="units", user_service_units=[{"name": "nasty.service", "state": "absent"}]
    )
    assert (done.code, done.changed) == (0, 1), done.output
    assert backend.shell(f"find {HOME}/.config -name 'nasty*'") == ""


def test_a_unit_of_somebody_else_is_left_alone(backend: Backend) -> None:
    backend.shell(
        f"printf '[Service]\\nExecStart=/bin/true\\n' > {HOME}/.config/systemd/user/theirs.service"
    )
    unit = {"name": "theirs.service", "sections": {"Service": {"ExecStart": ["/bin/false"]}}}
    done = backend.play(under_test="units", user_service_units=[unit])
    assert done.code != 0
    assert "was not written by lab.llm and is left alone" in done.output
