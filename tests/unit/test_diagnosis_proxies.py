# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy between LiteLLM and a provider: which one it takes, and whether it lets through."""

from __future__ import annotations

import base64
import http.server
import socket
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from ansible_collections.lab.llm.plugins.module_utils.diagnosing import answers, proxies
from ansible_collections.lab.llm.plugins.module_utils.gateway.asking import Asker

PROXY = {"https_proxy": "http://px:3128"}
CHOSEN = [
    ("https://api.openai.com/v1", {}, ""),
    ("https://api.openai.com/v1", PROXY, "http://px:3128"),
    ("http://10.0.0.2:8000/v1", PROXY, ""),
    ("http://10.0.0.2:8000/v1", {"ALL_PROXY": "px:3128"}, "http://px:3128"),
    ("https://api.openai.com/v1", {"HTTPS_PROXY": "http://big:1", **PROXY}, "http://px:3128"),
    ("https://api.openai.com/v1", {**PROXY, "NO_PROXY": "openai.com"}, ""),
    ("http://10.0.0.2:80/v1", {"http_proxy": "http://px:1", "no_proxy": "10.0.0.2,b"}, ""),
    ("https://api.openai.com/v1", {**PROXY, "no_proxy": "*"}, ""),
    ("https://api.openai.com/v1", {**PROXY, "DISABLE_AIOHTTP_TRUST_ENV": "True"}, ""),
]


@pytest.mark.parametrize(("url", "environment", "proxy"), CHOSEN)
def test_the_variables_choose_the_proxy(url: str, environment: dict[str, str], proxy: str) -> None:
    assert proxies.proxy_for(url, environment) == proxy


class Door(http.server.BaseHTTPRequestHandler):
    """A provider, and a proxy that lets through what is asked of it, or says `status`."""

    status, seen = 0, []

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Proxy-Authorization", "")))
        if not self.path.startswith("http"):
            body = b'{"data": [{"id": "m"}]}'
            self.say(200, body)
        elif self.status:
            self.say(self.status, b"")
        else:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(self.path, timeout=10) as answer:
                self.say(200, answer.read())

    def do_CONNECT(self) -> None:
        self.seen.append((self.path, self.headers.get("Proxy-Authorization", "")))
        self.say(407, b"")

    def say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Door.status, Door.seen = 0, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_proxy_is_shown_as_it_was_written_but_for_its_password() -> None:
    for proxy in ("http://u:p%40@[::1]:3128", "http://u:p%40@h:abc", "http://h"):
        assert proxies.shown(proxy) == proxy.replace("u:p%40@", "")


def test_a_list_of_models_is_asked_through_the_proxy(address: str) -> None:
    url = f"http://{address}/v1/models"
    found = answers.models(url, {}, ["m"], proxy=f"http://user:pass%21@{address}")
    assert (found["ok"], found["seen"]) == (True, "200, lists m")
    shown = "Basic " + base64.b64encode(b"user:pass!").decode()
    assert Door.seen == [(url, shown), ("/v1/models", "")]


def test_through_a_tunnel_the_proxy_alone_is_shown_its_password(address: str) -> None:
    answer = Asker("https://api.lab/v1", {"X": "y"}, 10, f"http://u:p@{address}").ask("")
    assert answer.status == 0
    assert "407" in answer.error
    assert Door.seen == [("api.lab:443", "Basic dTpw")]


@pytest.mark.parametrize(
    ("status", "fault", "words"),
    [
        (0, "", "it lets through: 200"),
        (401, "", "it lets through: 401"),
        (403, "between", "403; without it: 200"),
        (407, "between", "407; without it: 200"),
        (503, "between", "503; without it: 200"),
    ],
)
def test_whether_a_proxy_lets_through(address: str, status: int, fault: str, words: str) -> None:
    Door.status = status
    found = proxies.on_the_way(f"http://{address}/v1/models", f"http://u:p@{address}", {})
    assert (found["fault"], words in found["seen"]) == (fault, True), found
    assert found["about"]["proxy"] == f"http://{address}"
    assert "u:p" not in str(found)


def test_a_proxy_that_is_gone_and_one_that_refuses(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = f"127.0.0.1:{server.getsockname()[1]}"
    gone = proxies.on_the_way(f"http://{address}/", f"http://{free}", {})
    assert (gone["fault"], gone["seen"]) == ("gone", "connection refused")
    Door.status = 407
    refused = proxies.on_the_way(f"http://{free}/", f"http://{address}", {})
    assert refused["fault"] == "refuses"
    assert proxies.on_the_way("https://a.lab", "socks5://px:1080", {})["ok"] is None
