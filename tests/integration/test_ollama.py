# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ollama on a lab host: a real archive, real systemd, real models and answers.

What is in the archive is a stand-in (tests/tools/ollama_stand_in.py), which is labelled so and is
not Ollama. What goes wrong stands in test_ollama_failures.py.
"""

from __future__ import annotations

import hashlib
import re
import urllib.request

import pytest
from tools.ollama_under_test import HELPFUL, HOME, PORT, STORE, UNIT, USER, OllamaHost, tagged

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

BLOCK = {"system": HELPFUL, "parameters": {"num_ctx": 1024}}


def test_the_model_answers_and_a_second_run_changes_nothing(ollama: OllamaHost) -> None:
    assert ollama.version() == f"{ollama.release['version']}-stand-in"
    assert ollama.names() == ["smollm2:135m"]
    assert "Paris" in ollama.says()
    pid = ollama.pid()
    for words in (["--diff"], ["--check", "--diff"]):
        again = ollama.run(*words)
        assert (again.code, again.changed) == (0, 0), again.output
    assert ollama.pid() == pid


def test_the_sum_is_the_one_of_the_releases_list(ollama: OllamaHost) -> None:
    folder = ollama.release["url"].rpartition("/")[0]
    with urllib.request.urlopen(f"{folder}/sha256sum.txt") as answer:
        listed = answer.read().decode()
    assert f"{ollama.release['sha256']}  ./ollama-linux-" in listed


def test_models_are_made_named_and_removed_as_they_are_declared(ollama: OllamaHost) -> None:
    file = ollama.served["model"]
    own = {"name": "own", "source": {"url": file["url"], "sha256": file["sha256"]}}
    models = [tagged("smollm2:135m"), tagged("smollm2:135m", "helpful", **BLOCK), own]
    models.append(tagged("smollm2:135m", "lab/Alias"))
    plan = ollama.run(under_test="ollama_plan", models=models)
    assert (plan.code, plan.changed) == (0, 0), plan.output
    assert ollama.names() == ["smollm2:135m"]
    done = ollama.run(models=models)
    assert done.code == 0, done.output
    wanted = ["helpful:latest", "lab/Alias:latest", "own:latest", "smollm2:135m"]
    assert sorted(ollama.names()) == sorted(wanted)
    assert "Paris" in ollama.says("helpful", system="")
    for name in ("own", "lab/alias"):
        assert "Paris" in ollama.says(name), name
    assert ollama.run(models=models).changed == 0
    # The one file is there once, whoever has it.
    assert len(ollama.shell(f"find {STORE}/blobs -size +50M").split()) == 1
    other = {"system": "You are a poet.", "parameters": {"num_ctx": 1024}}
    models[1] = tagged("smollm2:135m", "helpful", **other)
    done = ollama.run("--diff", models=models)
    assert (done.code, done.changed) == (0, 1), done.output
    left = ollama.run()
    assert (left.code, left.changed) == (0, 0), left.output
    assert sorted(ollama.names()) == sorted(wanted)
    done = ollama.run(ollama_prune_models=True)
    assert (done.code, done.changed) == (0, 1), done.output
    assert ollama.names() == ["smollm2:135m"]


def test_an_embedding(ollama: OllamaHost) -> None:
    asked = {"model": "smollm2:135m", "input": ["one", "two"]}
    status, answer = ollama.ask(PORT, "/api/embed", asked)
    assert status == 200
    assert [len(row) for row in answer["embeddings"]] == [576, 576]


def test_releases_stand_side_by_side_and_a_drop_in_survives(ollama: OllamaHost) -> None:
    drop_in = f"{HOME}/.config/systemd/user/{UNIT}.d/mine.conf"
    ollama.shell(
        f"install -D -o {USER} /dev/stdin {drop_in} <<'E'\n[Service]\nEnvironment=MINE=1\nE\n"
    )
    done = ollama.run(**ollama.earlier())
    assert done.code == 0, done.output
    assert ollama.version() == f"{ollama.release['earlier']['version']}-stand-in"
    assert "Paris" in ollama.says()
    folders = ollama.shell(f"ls {HOME}/ollama").split()
    assert len([name for name in folders if name.startswith("0.")]) == 2
    # Back, though nobody has the archive any more.
    back = ollama.run(ollama_archive_url="http://127.0.0.1:9/ollama-linux-amd64.tar.zst")
    assert (back.code, back.changed) == (0, 1), back.output
    assert ollama.version() == f"{ollama.release['version']}-stand-in"
    assert "MINE=1" in ollama.systemctl(f"systemctl --user show -P Environment {UNIT}")
    assert ollama.shell(f"cat {drop_in}").startswith("[Service]")
    ollama.shell(f"rm -r {drop_in.rpartition('/')[0]}")


def test_a_changed_program_is_mended(ollama: OllamaHost) -> None:
    label = f"{HOME}/ollama/{ollama.release['version']}-*/lib/ollama/STAND-IN.txt"
    ollama.shell(f"for file in {label}; do echo broken >>$file; done")
    done = ollama.run()
    assert done.code == 0, done.output
    assert done.changed == 2, done.output
    assert ollama.run().changed == 0


def test_a_file_of_the_store_is_named_by_its_sum(ollama: OllamaHost) -> None:
    digest = hashlib.sha256(ollama.model.read_bytes()).hexdigest()
    assert digest in ollama.shell(f"ls {STORE}/blobs")


def test_one_that_waits_in_a_slot_pulls_once_it_runs(ollama: OllamaHost) -> None:
    models = [tagged("smollm2:135m"), tagged("smollm2:135m", "later")]
    slot = {"models": models, "slot": "gpu0", "conflicts": []}
    waiting = ollama.run(runs=False, **slot)
    assert waiting.code == 0, waiting.output
    state = ollama.systemctl(f"sh -c 'systemctl --user is-active {UNIT} || true'")
    assert state.strip() == "inactive"
    assert ollama.run(runs=False, **slot).changed == 0
    running = ollama.run(runs=True, **slot)
    assert running.code == 0, running.output
    assert "later:latest" in ollama.names()
    assert ollama.run(ollama_prune_models=True).code == 0


def test_how_far_a_pull_is_can_be_seen(ollama: OllamaHost) -> None:
    done = ollama.run(models=[tagged("smollm2:135m"), tagged("creeping:1b")])
    assert done.code == 0, done.output
    seen = re.findall(r"backend2: o1: pulling creeping:1b: (\d+) MB of 20 MB, ", done.output)
    assert seen, done.output
    assert ollama.shell(f"ls {STORE}").split() == ["blobs", "lab-llm-models.json", "manifests"]
    assert ollama.run(ollama_prune_models=True).code == 0


def test_the_archive_for_rocm_is_unpacked_over_the_other(ollama: OllamaHost) -> None:
    rocm = ollama.release["rocm"]
    given = {"ollama_rocm_url": rocm["url"], "ollama_rocm_sha256": rocm["sha256"]}
    done = ollama.run(**given)
    assert done.code == 0, done.output
    program = ollama.systemctl(f"systemctl --user show -P ExecStart {UNIT}")
    folder = program.split("path=")[1].split("/bin/ollama")[0]
    assert f"-rocm-{rocm['sha256'][:8]}" in folder
    assert "STAND-IN.txt" in ollama.shell(f"ls {folder}/lib/ollama/rocm_v*")
    assert "Paris" in ollama.says()
    assert ollama.run(**given).changed == 0
    back = ollama.run()
    assert (back.code, back.changed) == (0, 1), back.output
