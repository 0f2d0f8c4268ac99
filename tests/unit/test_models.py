# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which models a host needs, which it has, and which may go."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.bundling.report import models_report
from ansible_collections.lab.llm.plugins.module_utils.engines import llama_cpp, models, needs
from ansible_collections.lab.llm.plugins.module_utils.engines.common import EngineError
from ansible_collections.lab.llm.plugins.module_utils.host import shelf as shelf_of_models
from ansible_collections.lab.llm.plugins.module_utils.host.artifact_removal import remove
from ansible_collections.lab.llm.plugins.module_utils.host.artifacts import ensure
from ansible_collections.lab.llm.plugins.module_utils.host.fetch import FetchError
from ansible_collections.lab.llm.plugins.module_utils.host.folders import sign
from ansible_collections.lab.llm.plugins.module_utils.host.shelf import look
from ansible_collections.lab.llm.plugins.module_utils.host.wishes import Artifact
from tools.mirror import mirror as served
from tools.mirror import sha

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"home": "/h"}
COMMIT = "0f" * 20
HUB = {"huggingface": "org/name", "revision": COMMIT}


def folder_of(source: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    artifacts: dict[str, dict[str, Any]] = {}
    place = models.model_folder({"name": "org/m", "source": source}, SETTINGS, artifacts)
    return place, list(artifacts.values())


def test_a_repository_has_a_folder_for_each_state() -> None:
    place, artifacts = folder_of({**HUB, "token_env": "HF_TOKEN"})
    assert place == f"/h/models/org--name-{COMMIT[:12]}"
    wanted = {"name": "model org/m", **HUB, "token_env": "HF_TOKEN", "dest": place}
    assert artifacts == [wanted]
    others = [folder_of(one)[0] for one in ({"huggingface": "org/name"}, {**HUB, "include": ["*"]})]
    assert len({place, *others}) == 3
    assert folder_of({"path": "/srv/m"}) == ("/srv/m", [])


def test_one_file_of_a_repository_is_named_by_its_sum() -> None:
    artifacts: dict[str, dict[str, Any]] = {}
    source = {**HUB, "file": "x/m-q4.gguf", "sha256": "ab" * 32, "token_env": "HF_TOKEN"}
    place = models.model_file({"name": "m", "source": source}, SETTINGS, artifacts)
    assert place == "/h/models/m-abababababab.gguf"
    assert artifacts[place] == {"name": "model m", **source, "dest": place, "link": False}


LLAMA = {
    "home": "/h", "install": "binary", "binary": "/usr/bin/llama-server", "packaged_binary": "",
    "sandbox": False, "ready_timeout": 60, "keep_keys": False, "secrets_name": "x",
}  # fmt: skip


def spec(provider: str, port: int, sum_of: str = "ab") -> dict[str, Any]:
    source = {"url": "https://x/m.gguf", "sha256": sum_of * 32}
    model = {"name": "m", "mode": "chat", "size": None, "context_length": None, "source": source}
    return {
        "provider": provider, "engine": "llama_cpp", "unit": f"llama-server-{provider}.service",
        "host": "h", "address": "10.0.0.1", "bind": "10.0.0.1", "port": port, "version": None,
        "models": [model], "options": {}, "environment": {}, "limits": {}, "gpus": None,
        "key_variable": "A_KEY", "health_url": "",
    }  # fmt: skip


def test_a_place_that_the_service_has_for_itself_is_refused() -> None:
    one, closed = spec("p", 8080), {**LLAMA, "sandbox": True}
    one["models"][0]["source"] = {"path": "/var/tmp/m.gguf"}
    with pytest.raises(EngineError, match="below /var/tmp, of which the service has one"):
        llama_cpp.host_plan([one], closed, {"A_KEY": "k"})
    assert llama_cpp.host_plan([one], LLAMA, {"A_KEY": "k"})["units"]
    one["models"][0]["source"] = {"path": "/var/tmpx/m.gguf"}
    assert llama_cpp.host_plan([one], closed, {"A_KEY": "k"})["units"]


def test_what_two_share_is_needed_once_and_used_by_both() -> None:
    """Also without the keys, and where two that are not both switched on have one port."""
    services = [spec("one", 8080), spec("two", 8080), spec("other", 8081, "cd")]
    found = needs.needs(llama_cpp.host_plan, services, LLAMA, ["llama.cpp"])
    assert [one["providers"] for one in found["artifacts"]] == [["one", "two"], ["other"]]
    assert found["packages"] == [{"name": "llama.cpp", "why": "the distribution brings it"}]
    assert needs.users([found, {"locks": []}]) == {
        "/h/models/m-abababababab.gguf": ["one", "two"],
        "/h/models/m-cdcdcdcdcdcd.gguf": ["other"],
    }


def test_venvs_are_needed_by_their_lock_files() -> None:
    def host_plan(services: Any, settings: Any, secrets: Any) -> dict[str, Any]:
        locked = {"name": "vllm 1", "requirements": "vllm==1", "uv": "uv==1"}
        return {"artifacts": [], "venvs": [locked, {"name": "vllm 2", "packages": ["vllm"]}]}

    tag = {"source": {"ollama": "llama3.1:8b"}}
    found = needs.needs(host_plan, [{**spec("one", 1), "models": [tag]}], {})
    assert [one["text"] for one in found["locks"]] == ["vllm==1", "uv==1"]
    assert [one["name"] for one in found["packages"]] == ["llama3.1:8b", "vllm 2"]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A used and an unused model, a used and an unused link, a user's own, and unfinished ones."""
    folder = tmp_path / "models"
    data = b"weights" * 1000
    (tmp_path / "elsewhere.gguf").write_bytes(data)
    for name in ("used.gguf", "idle.gguf"):
        path = str(tmp_path / "elsewhere.gguf")
        ensure(Artifact(name, sha(data), path=path, dest=str(folder / name)), check=False)
    link = str(tmp_path / "elsewhere.gguf")
    ensure(Artifact("l", path=link, dest=str(folder / "link.gguf"), link=True), check=False)
    (folder / "theirs.gguf").write_bytes(b"mine")
    (folder / ".half.gguf.part").write_bytes(b"half")
    (folder / ".half.gguf.part.json").write_text("{}")
    (folder / ".whole.new").mkdir()
    (folder / ".whole.new/model.safetensors").write_bytes(b"four")
    return folder


def names(found: dict[str, Any], key: str = "removed") -> list[str]:
    return [Path(one).name for one in found[key]]


def test_the_models_are_listed_with_their_users(shelf: Path) -> None:
    found = look(shelf, {str(shelf / "used.gguf"): ["b", "a"]}, False, False)
    told = {Path(one["path"]).name: one for one in found["models"]}
    assert {name: (one["size"], one["used_by"], one["ours"]) for name, one in told.items()} == {
        "idle.gguf": (7000, [], True),
        "link.gguf": (0, [], True),
        "theirs.gguf": (4, [], False),
        "used.gguf": (7000, ["a", "b"], True),
        ".half.gguf.part": (4, [], True),
        ".whole.new": (4, [], True),
    }
    assert not found["changed"]
    assert look(shelf / "none", {}, True, False)["models"] == []


def test_only_what_nobody_uses_goes_and_only_on_request(shelf: Path) -> None:
    used = {str(shelf / "used.gguf"): ["a"], str(shelf / "half.gguf"): ["a"]}
    before = sorted(path.name for path in shelf.iterdir())
    planned = look(shelf, used, True, True)
    assert planned["changed"]
    assert sorted(path.name for path in shelf.iterdir()) == before
    done = look(shelf, used, True, False)
    assert names(done) == names(planned) == ["idle.gguf", "link.gguf", ".whole.new"]
    assert "idle.gguf" in done["diff"][0]["before"]
    assert "idle.gguf" not in done["diff"][0]["after"]
    left = {path.name for path in shelf.iterdir()}
    assert left == {
        "used.gguf", ".used.gguf.lab-llm.json", "theirs.gguf", ".half.gguf.part",
        ".half.gguf.part.json",
    }  # fmt: skip
    assert (shelf.parent / "elsewhere.gguf").exists()
    assert not look(shelf, used, True, False)["changed"]


def test_a_link_of_others_stays(shelf: Path) -> None:
    (shelf / "their-link.gguf").symlink_to("theirs.gguf")
    found = look(shelf, {}, True, False)
    assert names(found) == ["idle.gguf", "link.gguf", "used.gguf", ".half.gguf.part", ".whole.new"]
    assert (shelf / "their-link.gguf").is_symlink()


def test_an_empty_folder_may_go(tmp_path: Path) -> None:
    """It is what is left where the cable was pulled in the very end."""
    (tmp_path / "m").mkdir()
    assert remove(tmp_path / "m", check=False).changed
    assert not (tmp_path / "m").exists()


def test_what_makes_venvs_goes_with_the_last_of_them(tmp_path: Path) -> None:
    for name in ("0.32.0", "0.33.0", ".uv-ab"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "python").touch()
        sign(tmp_path / name, "it")
    for name in (".uv-ab.txt", ".lock"):
        (tmp_path / name).touch()
    left = []
    for name in ("0.32.0", "0.33.0"):
        remove(tmp_path / name, check=False)
        left.append(sorted(one.name for one in tmp_path.iterdir()))
    assert left == [[".lock", ".uv-ab", ".uv-ab.txt", "0.33.0"], [".lock"]]


def test_a_folder_whose_removal_was_cut_off_is_still_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever went first before the cable was pulled."""
    real = os.unlink
    for number in range(5):
        folder = tmp_path / f"m{number}"
        folder.mkdir()
        for name in "abc":
            (folder / name).write_text(name)
        sign(folder, "it")
        left = [number]

        def unlink(*given: object, left: list[int] = left, **named: object) -> None:
            if not left[0]:
                raise OSError(errno.EIO, "the cable is pulled")
            left[0] -= 1
            real(*given, **named)

        with monkeypatch.context() as now:
            now.setattr(os, "unlink", unlink)
            with pytest.raises(OSError, match="cable"):
                remove(folder, check=False)
        assert remove(folder, check=False).changed
        assert not folder.exists()


def test_what_went_before_a_failure_is_a_change(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, check: bool) -> None:
        if path.name == "link.gguf":
            raise FetchError("no")

    monkeypatch.setattr(shelf_of_models, "remove", refused)
    found = look(shelf, {}, True, False)
    assert found["failed"]
    assert names(found) == ["idle.gguf"]
    assert found["changed"]


def test_the_report_says_who_uses_what_and_what_may_go(shelf: Path) -> None:
    used = {str(shelf / "used.gguf"): ["a"]}
    told = models_report({"h": look(shelf, used, False, False)})
    assert told["report"] == [
        "h: 0.0 MB in 6",
        "     0.0 MB  idle.gguf  nobody uses it",
        f"     0.0 MB  link.gguf -> {shelf.parent / 'elsewhere.gguf'}  nobody uses it",
        "     0.0 MB  theirs.gguf  nobody uses it; not brought by us, so it stays",
        "     0.0 MB  used.gguf  used by a",
        "     0.0 MB  .half.gguf.part  nobody uses it; unfinished",
        "     0.0 MB  .whole.new  nobody uses it; unfinished",
        "To remove what nobody uses: playbooks/models.yml -e remove=unreferenced",
    ]
    planned = models_report({"h": look(shelf, used, True, True)}, check=True)["report"]
    assert planned[1].endswith("idle.gguf  nobody uses it; would be removed")
    silent = models_report({"h": {}}, "json")
    assert (silent["ok"], silent["why"]) == (False, "not seen: h")
    assert json.loads(silent["report"])["hosts"] == {"h": {"models": None, "removed": None}}


def test_a_repository_that_is_here_is_ours(tmp_path: Path) -> None:
    """A folder's record lies in it."""
    place = tmp_path / "org--name"
    place.mkdir()
    (place / ".lab-llm.json").write_text('{"sha256": "org/name main", "files": {}}')
    (place / "w.safetensors").write_bytes(bytes(10))
    found = look(tmp_path, {}, True, False)
    assert names(found) == ["org--name"]
    assert not place.exists()


PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    wanted: [{wish}]
  tasks:
    - name: Bring it
      lab.llm.artifact:
        artifacts: "{{{{ wanted }}}}"
        tokens: "{{{{ wanted | lab.llm.token_values }}}}"
        huggingface_endpoint: {endpoint}
"""


def test_a_token_comes_from_the_environment_and_is_in_no_output(tmp_path: Path) -> None:
    """The whole way, with all that Ansible tells at -vvv; once it is right, once it is not."""
    with served() as hub:
        hub.repository("org/name", COMMIT, {"config.json": b"{}"})
        hub.tokens = {"/": "hf_zx81right"}
        wish = {**HUB, "name": "m", "dest": str(tmp_path / "m"), "token_env": "HF_TOKEN"}
        play = tmp_path / "play.yml"
        play.write_text(PLAY.format(wish=json.dumps(wish), endpoint=hub.url()))
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        python, outputs = f"ansible_python_interpreter={sys.executable}", []
        for token in ("hf_zx81wrong", "hf_zx81right"):
            environment = os.environ | {"HF_TOKEN": token, "no_proxy": "127.0.0.1"}
            done = subprocess.run(
                [program, "-i", "localhost,", "-c", "local", "-e", python, "-vvv", str(play)],
                capture_output=True, text=True, check=False, cwd=ROOT, env=environment,
            )  # fmt: skip
            outputs.append(done.stdout + done.stderr)
    assert "the token of HF_TOKEN is not accepted for it" in outputs[0]
    assert (tmp_path / "m/config.json").exists()
    assert not any("zx81" in output for output in outputs)
