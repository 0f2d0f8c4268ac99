# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ollama: from service specs to units and models, and the models through its API.

The API is that of a stand-in (tests/tools/ollama_stand_in.py): no real Ollama can be had where
these tests run.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.engines.common import EngineError
from ansible_collections.lab.llm.plugins.module_utils.engines.files import unneeded
from ansible_collections.lab.llm.plugins.module_utils.engines.ollama import host_plan
from ansible_collections.lab.llm.plugins.module_utils.host import units
from ansible_collections.lab.llm.plugins.module_utils.host.ollama_api import Api
from ansible_collections.lab.llm.plugins.module_utils.host.ollama_models import (
    NOTE,
    ensure,
    on_disk,
)
from ansible_collections.lab.llm.plugins.module_utils.planning.services import (
    merged,
    notes_of,
    plan_host,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from ollama_stand_in import serve
from ollama_stand_in_models import offer

SHA = "b1" * 32
SETTINGS: dict[str, Any] = {
    "home": "/var/lib/llm",
    "install": "archive",
    "version": "0.13.5",
    "archive_url": "http://mirror/ollama-linux-amd64.tar.zst",
    "archive_sha256": "a0" * 32,
    "rocm_url": "",
    "rocm_sha256": "",
    "archive_binary": "bin/ollama",
    "releases": {},
    "binary": "",
    "packaged_binary": "",
    "sandbox": True,
    "ready_timeout": 120,
    "shared_models": False,
    "secrets_name": "ollama_secrets",
}
TAG = {"name": "llama3.1:8b", "source": {"ollama": "llama3.1:8b"}}
HOME = "/var/lib/llm/ollama/stores/gpu"


def spec(**changes: Any) -> dict[str, Any]:
    return {
        "provider": "gpu",
        "engine": "ollama",
        "host": "h1",
        "bind": "10.0.0.1",
        "port": 11434,
        "version": None,
        "unit": units.unit_name("ollama-", changes.get("provider", "gpu")),
        "models": [TAG],
        "options": {},
        "environment": {},
        "limits": {},
        "gpus": None,
        "key_variable": None,
        **changes,
    }


def plan(*specs: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return host_plan(specs, {**SETTINGS, **settings}, {})


def environment(made: dict[str, Any], number: int = 0) -> dict[str, str]:
    return made["units"][number]["sections"]["Service"]["Environment"]


def test_one_instance() -> None:
    made = plan(spec())
    (unit,) = made["units"]
    binary = "/var/lib/llm/ollama/0.13.5-a0a0a0a0/bin/ollama"
    assert unit["sections"]["Service"]["ExecStart"] == [binary, "serve"]
    assert environment(made) == {
        "HOME": HOME,
        "OLLAMA_HOST": "10.0.0.1:11434",
        "OLLAMA_MODELS": f"{HOME}/models",
    }
    assert unit["ready"] == [{"url": "http://10.0.0.1:11434/api/version"}]
    assert f"{HOME}/models" in unit["sandbox"]["ReadWritePaths"]
    assert made["folders"] == [HOME, f"{HOME}/models"]
    assert made["instances"][0]["models"] == [
        {"name": "llama3.1:8b", "tag": "llama3.1:8b", "file": "", "modelfile": {}, "adapters": []}
    ]
    assert units.render(unit["sections"])


@pytest.mark.parametrize(
    ("options", "variable", "text"),
    [
        ({"keep_alive": "30m"}, "OLLAMA_KEEP_ALIVE", "30m"),
        ({"keep_alive": -1}, "OLLAMA_KEEP_ALIVE", "-1"),
        ({"num_parallel": 4}, "OLLAMA_NUM_PARALLEL", "4"),
        ({"flash_attention": True}, "OLLAMA_FLASH_ATTENTION", "1"),
        ({"debug": False}, "OLLAMA_DEBUG", "0"),
        ({"origins": ["http://a", "http://b"]}, "OLLAMA_ORIGINS", "http://a,http://b"),
    ],
)
def test_options_are_variables(options: dict[str, Any], variable: str, text: str) -> None:
    assert environment(plan(spec(options=options)))[variable] == text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"options": {"keep_alife": 1}}, "did you mean keep_alive?"),
        ({"options": {"host": "::"}}, "set by deploy.bind and deploy.port"),
        ({"key_variable": "GPU_KEY"}, "Ollama cannot demand a key (GPU_KEY)"),
    ],
)
def test_what_ollama_cannot_do_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError, match=re.escape(said)):
        plan(spec(**changes))


def test_another_model_is_no_other_unit() -> None:
    other = {"name": "other", "source": {"ollama": "other"}}
    assert plan(spec(models=[TAG, other]))["units"] == plan(spec())["units"]


def test_gpus_and_addresses() -> None:
    assert environment(plan(spec(gpus=[])))["CUDA_VISIBLE_DEVICES"] == "-1"
    assert environment(plan(spec(gpus=[1])))["CUDA_VISIBLE_DEVICES"] == "1"
    assert environment(plan(spec(bind="fd00::1")))["OLLAMA_HOST"] == "[fd00::1]:11434"


def test_what_is_for_rocm_is_unpacked_over_the_rest() -> None:
    base = "/var/lib/llm/ollama/0.13.5-a0a0a0a0"
    given = {"rocm_url": "http://mirror/ollama-linux-amd64-rocm.tar.zst", "rocm_sha256": "c2" * 32}
    made = plan(spec(), **given)
    place = f"{base}-rocm-c2c2c2c2"
    assert [(a["unpack"], a.get("over")) for a in made["artifacts"]] == [
        (base, None),
        (place, base),
    ]
    (unit,) = made["units"]
    assert unit["sections"]["Service"]["ExecStart"] == [f"{place}/bin/ollama", "serve"]
    assert all(mark.startswith(f"{place}/") for mark in unit["watch"])
    gone = unneeded(host_plan, [spec()], [], {**SETTINGS, **given}, False, True)
    assert gone == [base, place]
    with pytest.raises(EngineError, match="ollama_rocm_sha256 is missing"):
        plan(spec(), rocm_url="http://mirror/rocm.tar.zst")
    other = {"url": "http://mirror/x.tar.zst", "sha256": "d3" * 32}
    made = plan(spec(version="1"), releases={"1": other}, **given)
    assert len(made["artifacts"]) == 1


def test_instances_have_stores_of_their_own_unless_they_share_one() -> None:
    two = spec(), spec(provider="other", port=11435)
    assert plan(*two)["stores"] == [HOME, "/var/lib/llm/ollama/stores/other"]
    made = plan(*two, shared_models=True)
    assert made["stores"][1] == "/var/lib/llm/ollama/models"
    assert environment(made)["OLLAMA_NOPRUNE"] == "1"


def test_a_model_from_a_file_brings_it_and_takes_it_along() -> None:
    source = {
        "url": "http://mirror/m.gguf",
        "sha256": SHA,
        "modelfile": {"system": "Brief.", "adapters": [{"path": "/srv/a.gguf"}]},
    }
    one = spec(models=[{"name": "org/small", "source": source}])
    made = plan(one)
    (model,) = made["instances"][0]["models"]
    assert model["modelfile"] == {"system": "Brief."}
    assert [model["file"], *model["adapters"]] == [a["dest"] for a in made["artifacts"][-1:0:-1]]
    assert unneeded(host_plan, [one], [spec()], SETTINGS, True, True)[0].endswith(".gguf")


class Stand:
    """A stand-in that serves, with its library and its store."""

    def __init__(self, folder: Path) -> None:
        self.store, self.library = folder / "store", folder / "library"
        self.library.mkdir()
        self.server = serve("127.0.0.1", 0, self.store, str(self.library))
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def offers(self, name: str, *layers: int, **how: Any) -> None:
        offer(self.library, name, *(layers or (b"GGUF" + bytes(3000), b"template")), **how)

    def ensure(
        self, *models: dict[str, Any], check: bool = False, remove: bool = False, stall: float = 5
    ) -> dict[str, Any]:
        whole = [{"tag": "", "file": "", "modelfile": {}, "adapters": [], **m} for m in models]
        instance = {"provider": "p", "base": self.base, "store": str(self.store), "runs": True}
        given = {"stall_timeout": stall, "remove": remove}
        return ensure([{**instance, "models": whole}], given, check)

    def names(self) -> list[str]:
        return [one["name"] for one in self.server.RequestHandlerClass.store.tags()]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


def done(result: dict[str, Any]) -> list[str]:
    assert not result.get("failed"), result["msg"]
    return result["instances"]["p"]["done"]


TERSE = {"name": "terse", "tag": "small:1b", "modelfile": {"system": "Brief."}}


def test_models_are_pulled_named_and_made_once(stand: Stand, tmp_path: Path) -> None:
    stand.offers("small:1b")
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF and more")
    models = (
        {"name": "small:1b", "tag": "small:1b"},
        {"name": "org/alias", "tag": "small:1b"},
        TERSE,
        {"name": "own", "file": str(file), "adapters": [str(file)]},
    )
    wished = [
        "pulled small:1b",
        "made org/alias:latest, another name of small:1b",
        "made terse:latest from small:1b",
        "made own:latest from m.gguf",
    ]
    assert done(stand.ensure(*models, check=True)) == [
        "small:1b is pulled",
        "org/alias:latest is made, another name of small:1b",
        "terse:latest is made from small:1b",
        "own:latest is made from m.gguf",
    ]
    assert stand.names() == []
    assert [one.partition(" (")[0] for one in done(stand.ensure(*models))] == wished
    assert set(stand.names()) == {"small:1b", "org/alias:latest", "terse:latest", "own:latest"}
    again = stand.ensure(*models)
    assert again["changed"] is False
    assert again["diff"] == {}
    assert stand.ensure(*models, check=True)["changed"] is False
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (stand.store / "blobs" / f"sha256-{digest}").exists()


def test_what_changes_is_made_anew_and_what_somebody_changed_too(stand: Stand) -> None:
    stand.offers("small:1b")
    stand.ensure(TERSE)
    other = {**TERSE, "modelfile": {"system": "Briefer."}}
    assert done(stand.ensure(other)) == ["made terse:latest from small:1b"]
    stand.server.RequestHandlerClass.store.put("terse", {"layers": []})
    result = stand.ensure(other)
    assert done(result) == ["made terse:latest from small:1b"]
    assert result["diff"]["before"] != result["diff"]["after"]


def test_only_ours_go_and_only_on_request(stand: Stand) -> None:
    stand.offers("small:1b")
    stand.offers("large:70b")
    stand.ensure(TERSE, {"name": "large:70b", "tag": "large:70b"})
    stand.server.RequestHandlerClass.store.put("theirs", {"layers": []})
    left = stand.ensure(TERSE)
    assert left["changed"] is False
    assert left["instances"]["p"]["leftover"] == ["large:70b"]
    assert done(stand.ensure(TERSE, remove=True)) == ["removed large:70b"]
    assert "theirs:latest" in stand.names()
    assert "large:70b" not in stand.names()
    assert "large:70b" not in json.loads((stand.store / NOTE).read_text())


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"error": "max retries exceeded: EOF"}, "pulling small:1b: max retries exceeded: EOF"),
        (None, "pulling small:1b: pull model manifest: file does not exist"),
        ({"stall": 30}, "pulling small:1b: no progress for 1 s"),
        ({"layers": 10**18, "stall": 2}, "no space in "),
    ],
)
def test_a_pull_that_fails_says_why(stand: Stand, how: dict[str, Any] | None, said: str) -> None:
    if how is not None:
        sizes = [how.pop("layers")] if "layers" in how else []
        stand.offers("small:1b", *sizes, **how)
    result = stand.ensure({"name": "small:1b", "tag": "small:1b"}, stall=1)
    assert result["failed"]
    assert said in result["msg"]
    assert "provider p" in result["msg"]
    assert stand.names() == []


def test_what_is_refused_at_once_says_why(stand: Stand, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"no such thing")
    result = stand.ensure({"name": "own", "file": str(file)})
    assert "making own:latest: POST /api/create: 400: unknown type" in result["msg"]


def test_names_are_one_as_ollama_sees_them(stand: Stand) -> None:
    stand.offers("small:1b")
    stand.offers("Org/Large")
    models = (
        {"name": "Small:1B", "tag": "registry.ollama.ai/library/small:1b"},
        {"name": "Org/Large", "tag": "Org/Large"},
    )
    assert len(done(stand.ensure(*models))) == 2
    assert done(stand.ensure(*models)) == []
    assert stand.names() == ["Org/Large:latest", "small:1b"]
    held = Api(stand.base, 5).digests()
    assert on_disk(stand.store).keys() == held.keys()
    assert [one[0] for one in on_disk(stand.store).values()] == [one[0] for one in held.values()]


def test_a_pull_that_breaks_off_goes_on(stand: Stand) -> None:
    stand.offers("small:1b", cut=True)
    assert done(stand.ensure({"name": "small:1b", "tag": "small:1b"})) == ["pulled small:1b (0 MB)"]


def test_who_waits_in_a_slot_is_left_alone_and_nobody_there_is_told(tmp_path: Path) -> None:
    one = {"provider": "p", "base": "http://127.0.0.1:9", "store": str(tmp_path), "models": [TERSE]}
    given = {"stall_timeout": 1, "remove": False}
    for runs in (False, None):
        waiting = ensure([{**one, "runs": runs}], given, False)
        assert waiting["changed"] is False
        told = {"waits": True, "done": [], "leftover": [], "lacks": ["terse"]}
        assert waiting["instances"]["p"] == told
    assert "gives no answer" in ensure([{**one, "runs": True}], given, False)["msg"]


def test_the_plan_says_what_becomes_of_models() -> None:
    service: dict[str, Any] = {"account": [], "programs": [], "artifacts": [], "units": {}}
    runs = {"done": ["a:1b is pulled", "b is removed"], "waits": False, "lacks": []}
    waits = {"done": [], "waits": True, "lacks": ["c"], "leftover": []}
    models = {"models": {"p": {**runs, "leftover": ["d"]}, "q": waits}}
    found = merged([{**service, "texts": {}, "leftover": []}, models])
    assert [(one.verb, one.text) for one in plan_host(found, [])] == [
        ("add", "p: a:1b is pulled"),
        ("remove", "p: b is removed"),
    ]
    assert list(notes_of("h1", found)) == [
        "p on h1 still holds d, declared no more: ollama_prune_models removes what we brought.",
        "q waits for its turn in a slot on h1: c will be brought when it runs.",
    ]
