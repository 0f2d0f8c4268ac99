# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong with Ollama on a lab host: the run says why, and the earlier state serves on."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from tools.ollama_stand_in_models import offer
from tools.ollama_under_test import HOME, PORT, STORE, OllamaHost, tagged

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

BACK = "put back to its earlier form, which runs"
CASES = [
    # what it is, what is declared, what the run says
    ("a wrong sum", {"ollama_archive_sha256": "ab" * 32}, [f"expected {'ab' * 32}"]),
    ("no such release", {"ollama_archive_url": "{mirror}/none.tar.zst", "ollama_version": "9",
                         "ollama_archive_sha256": "cd" * 32}, ["404"]),
    ("a truncated archive", {"ollama_archive_url": "{mirror}/ollama-library/cut.tar.zst",
                             "ollama_archive_sha256": "{cut}", "ollama_version": "cut"},
     ["cut.tar.zst is damaged or cut short"]),
    ("a full disk, for the archive", {"full": 20, "earlier": True},
     [f"no space in {HOME}/ollama", "are needed"]),
    ("a full disk, for a file", {"full": 20, "models": [{"name": "own", "source": "{file}"}]},
     [f"no space in {HOME}: 98 MB are needed"]),
    ("a full disk, for a pull", {"models": [tagged("large:70b")]},
     [f"no space in {STORE}: large:70b needs 10000000 MB more"]),
    ("a port that is taken", {"port": 18185},
     ["its port 18185 is held by", "squatter.service", BACK]),
    ("no such model", {"models": [tagged("smolm2:135m")]},
     ["pulling smolm2:135m: pull model manifest: file does not exist"]),
    ("an error inside of the stream", {"models": [tagged("gone:1b")]},
     ["pulling gone:1b: max retries exceeded: EOF"]),
    ("a pull that stands still", {"models": [tagged("slow:1b")], "ollama_stall_timeout": 2},
     ["pulling slow:1b: no progress for 2 s"]),
    ("a file that is no model", {"models": [{"name": "own", "source": {"path": "/etc/hostname"}}]},
     ["making own:latest: POST /api/create: 400: unknown type"]),
    ("a start that never ends", {"environment": {"STAND_IN_FAULT": "hang"},
                                 "ollama_ready_timeout": 4}, ["is not ready after 4 s", BACK]),
    # In the lab's containers the journal may lack the words of a process that ends at once.
    ("one that dies again and again", {"environment": {"STAND_IN_FAULT": "die"}},
     ["does not run: its program ended with exit code 1", BACK]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_fails_says_why_and_the_earlier_state_serves(
    given: dict[str, Any], said: list[str], ollama: OllamaHost
) -> None:
    changes = dict(given)
    if changes.pop("earlier", False):
        changes |= {**ollama.earlier(), "ollama_version": "0.0.1"}
    before = (ollama.names(), ollama.version())
    with _the_trouble(ollama, changes.pop("full", 0), changes.get("port", 0)):
        done = ollama.run(**_filled(changes, _known(ollama)))
        assert done.code != 0, done.output
        for text in said:
            assert text in done.output, done.output
        assert "Traceback" not in done.output
        assert (ollama.names(), ollama.version()) == before
        assert "Paris" in ollama.says()
    assert not {"0.0.1", "9", "cut"} & set(ollama.shell(f"ls -A {HOME}/ollama").split("-"))
    again = ollama.run()
    assert (again.code, again.changed) == (0, 0), again.output


@contextlib.contextmanager
def _the_trouble(ollama: OllamaHost, left: int, port: int) -> Iterator[None]:
    """A disk with so many MB left, or a port that somebody has."""
    if left:
        free = f"$(df -m --output=avail {HOME} | tail -1)"
        ollama.shell(f"rm -rf {HOME}/models; fallocate -l $(({free} - {left}))MiB {HOME}/ballast")
    if port:
        ollama.shell(f"systemd-run --quiet --unit=squatter python3 -m http.server {port}")
    try:
        yield
    finally:
        ollama.shell(f"rm -f {HOME}/ballast; systemctl stop squatter 2>/dev/null; true")


def _known(ollama: OllamaHost) -> dict[str, Any]:
    """What stands for {...} in a row: the mirror, an archive that is cut short, a model's file."""
    release = ollama.release["url"].removeprefix(ollama.mirror)
    cut = ollama.library / "cut.tar.zst"
    cut.write_bytes((ollama.library.parent / release.lstrip("/")).read_bytes()[:900_000])
    file = {key: ollama.served["model"][key] for key in ("url", "sha256")}
    return {
        "{mirror}": ollama.mirror,
        "{cut}": hashlib.sha256(cut.read_bytes()).hexdigest(),
        "{file}": file,
    }


def _filled(value: Any, known: dict[str, Any]) -> Any:
    """The same with what is only known here in the place of {...}."""
    if isinstance(value, dict):
        return {key: _filled(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    if not isinstance(value, str) or value in known:
        return known.get(value, value) if isinstance(value, str) else value
    for name, text in known.items():
        value = value.replace(name, text) if isinstance(text, str) else value
    return value


def test_a_model_that_is_never_loaded_is_told_by_the_one_that_asks(ollama: OllamaHost) -> None:
    """Ollama loads a model when it is asked for; until then its instance is healthy."""
    offer(ollama.library, "broken:1b", b"GGUF and no more")
    done = ollama.run(models=[tagged("smollm2:135m"), tagged("broken:1b")])
    assert done.code == 0, done.output
    asked = {"model": "broken:1b", "messages": [{"role": "user", "content": "Hi"}]}
    assert ollama.ask(PORT, "/api/chat", asked)[0] == 500
    assert "Paris" in ollama.says()
    assert ollama.run(ollama_prune_models=True).changed == 1
