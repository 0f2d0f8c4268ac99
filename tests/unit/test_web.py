# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking servers that are strange, with addresses and tokens that are."""

from __future__ import annotations

import base64
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import downloads, huggingface
from ansible_collections.lab.llm.plugins.module_utils.host.artifact_options import (
    SUBOPTIONS,
    wish_of,
)
from ansible_collections.lab.llm.plugins.module_utils.host.downloads import Origin, download
from ansible_collections.lab.llm.plugins.module_utils.host.fetch import FetchError
from ansible_collections.lab.llm.plugins.module_utils.host.readiness import Probe, answer_problem
from tools.mirror import Mirror, in_a_hurry, sha

DATA = b"weights"


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    with in_a_hurry(monkeypatch) as state:
        yield state


@contextlib.contextmanager
def speaking(*parts: bytes, pause: float = 0.0) -> Iterator[str]:
    """The address of a server that says this to everybody, and hangs up."""

    def speak() -> None:
        with contextlib.suppress(OSError):
            for _each in itertools.count():
                peer, _address = server.accept()
                with peer, contextlib.suppress(OSError):
                    peer.recv(4096)
                    for part in parts:
                        peer.sendall(part)
                        time.sleep(pause)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=speak, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def options(**given: object) -> dict[str, object]:
    defaults = {key: one.get("default") for key, one in SUBOPTIONS.items()}
    return {**defaults, "name": "m", "sha256": "a" * 64, "dest": "/m", **given}


@pytest.mark.parametrize("login", ["me:s3cret", "me:p%40ss"])
def test_credentials_in_an_address_are_sent_as_such(
    mirror: Mirror, tmp_path: Path, login: str
) -> None:
    """Without a port, too, where Python takes the password for one and says it."""
    url = mirror.url("m", DATA).replace("//", f"//{login}@")
    download(Origin(url, sha(DATA)), tmp_path / "m", 1)
    plain = login.replace("%40", "@").encode()
    assert mirror.tokens_seen == [f"Basic {base64.b64encode(plain).decode()}"]


def test_a_password_is_not_shown_where_nobody_answers(tmp_path: Path) -> None:
    origin = Origin("http://me:s3cret@models.invalid/m", sha(DATA))
    with pytest.raises(FetchError) as refused:
        download(origin, tmp_path / "m", 1)
    assert "s3cret" not in str(refused.value)
    assert "models.invalid/m cannot be reached" in str(refused.value)


@pytest.mark.parametrize("name", ["größe", "two words", "a%20b"])
def test_a_name_is_asked_for_as_the_web_writes_it(
    mirror: Mirror, tmp_path: Path, name: str
) -> None:
    mirror.files.update({"/gr%C3%B6%C3%9Fe": DATA, "/two%20words": DATA, "/a%20b": DATA})
    download(Origin(mirror.url(name), sha(DATA)), tmp_path / "m", 1)
    assert (tmp_path / "m").read_bytes() == DATA


@pytest.mark.parametrize("url", ["http://[::1/m", "http://me:s3/cret@host/m", "http://h:99999/m"])
def test_an_address_that_is_none_is_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"^m: its url is no address") as refused:
        wish_of(options(url=url))
    assert "s3" not in str(refused.value)


def test_the_last_newline_of_a_token_is_none_of_it(mirror: Mirror, tmp_path: Path) -> None:
    given = options(url=mirror.url("m", DATA), sha256=sha(DATA), token_env="HF_TOKEN")
    download(wish_of(given, {"HF_TOKEN": "hf_abc\n"}).origin, tmp_path / "m", 1)
    assert mirror.tokens_seen == ["Bearer hf_abc"]


@pytest.mark.parametrize("token", ["hf_a\nhf_b", "hf_a hf_b", "hf_ä"])
def test_a_token_that_cannot_be_sent_is_named_and_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match=r"the value of HF_TOKEN holds") as refused:
        wish_of(options(url="http://h/m", token_env="HF_TOKEN"), {"HF_TOKEN": token})
    assert "hf_" not in str(refused.value)


def test_a_length_that_is_no_number_is_none(tmp_path: Path) -> None:
    said = b"HTTP/1.0 200 OK\r\nContent-Length: many\r\n\r\n" + DATA
    with speaking(said) as address:
        assert download(Origin(f"{address}/m", sha(DATA)), tmp_path / "m", 1) == len(DATA)


def test_a_server_that_drips_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PATIENCE", 0.2)
    head = b"HTTP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\n"
    begun = time.monotonic()
    with (
        speaking(head, *[b"x"] * 1000, pause=0.02) as address,
        pytest.raises(FetchError, match=r"broke off: less than 64 kB came in 0\.2 s"),
    ):
        download(Origin(f"{address}/m", sha(DATA)), tmp_path / "m", 1)
    assert time.monotonic() - begun < 10


def test_a_list_that_never_ends_is_not_read(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface, "MOST", 1000)
    mirror.repository("a/b", "0f" * 20, {f"f{number}": DATA for number in range(100)})
    with pytest.raises(FetchError, match="says nothing sensible about a/b"):
        huggingface.listing(mirror.url(), "a/b", "0f" * 20)


@pytest.mark.parametrize("path", ["a\0b", ".lab-llm.json", ".lab-llm-installed"])
def test_a_name_that_no_file_may_have_is_refused(mirror: Mirror, path: str) -> None:
    mirror.repository("a/b", "0f" * 20, {path: DATA})
    with pytest.raises(FetchError, match="cannot be kept"):
        huggingface.listing(mirror.url(), "a/b", "0f" * 20)


@pytest.mark.parametrize(
    "said",
    [
        b"220 mail.example ready\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n",
    ],
)
def test_whoever_speaks_no_http_gives_no_answer(said: bytes) -> None:
    with speaking(said) as address:
        assert "gives no answer" in answer_problem(Probe(f"{address}/health"))
