"""No key's value anywhere but in the two files that are for it: -vvv and --diff included."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
Lab = Callable[..., subprocess.CompletedProcess[str]]
Play = Callable[..., subprocess.CompletedProcess[str]]

BACKEND_KEY = f"canary-{secrets.token_hex(16)}"
HEADER_MARK = f"canary-{secrets.token_hex(8)}"
HEADER_PART = f"{HEADER_MARK} \"with' $HOME %h \\ signs"  # what quoting could get wrong
ENVIRONMENT = {"LAB_BACKEND_KEY": BACKEND_KEY, "LAB_HEADER_PART": HEADER_PART}

# The same llama-server twice: as a backend of ours that demands a key, and as if it were somebody
# else's, reached with that key and a header that is composed of text and another secret.
SECOND = """
providers:
  elsewhere:
    type: custom
    base_url: http://10.89.7.11:8080
    health_endpoint: /health
    custom_config:
      auth_method: bearer_token
      headers:
        Authorization: "Bearer ${LAB_BACKEND_KEY}"
        X-Lab: "text ${LAB_HEADER_PART} text"
    models: [smollm2-135m]
"""


@pytest.fixture(scope="module")
def said(the_lab: Lab, play: Play, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """All that is printed while these keys are deployed, a provider is added, and all is proven."""
    registry = tmp_path_factory.mktemp("registry")
    first = (ROOT / "inventories/demo/registry/smollm.yaml").read_text()
    keyed = first.replace("status: active\n", "status: active\n    env_var: LAB_BACKEND_KEY\n")
    assert keyed != first
    (registry / "smollm.yaml").write_text(keyed)
    second = tmp_path_factory.mktemp("add") / "elsewhere.yaml"
    second.write_text(SECOND)
    commands = [
        ("site.yml",),
        ("add_provider.yml", "-e", f"file={second}"),
        ("validate.yml",),
    ]
    output = ""
    for playbook, *arguments in commands:
        here = ("-e", f"llm_registry={registry}", "-vvv", "--diff", *arguments)
        done = play(playbook, *here, env=ENVIRONMENT)
        output += done.stdout + done.stderr
        assert done.returncode == 0, f"{playbook}\n{_hidden(output[-6000:])}"
    yield output
    assert play("site.yml").returncode == 0


def _hidden(text: str) -> str:
    """For a failure's message, which is output too."""
    return text.replace(BACKEND_KEY, "<key>").replace(HEADER_PART, "<header>")


def test_nothing_that_is_printed_holds_a_key(said: str) -> None:
    assert "Prove the gateway" in said
    assert "LAB_BACKEND_KEY" in said, "the names of variables are no secret"
    assert BACKEND_KEY not in said
    assert HEADER_MARK not in said


# Where a value may stand: read by systemd alone, 0600, the service user's.
ALLOWED = {
    "gateway1": {"/var/lib/llm/gateway/secrets.env"},
    "backend1": {"/var/lib/llm/.config/lab-llm/llama-server-smollm.service.env"},
}


@pytest.mark.parametrize("host", ["gateway1", "backend1", "backend2"])
def test_no_file_holds_a_key_but_those_that_are_for_it(host: str, said: str, the_lab: Lab) -> None:
    # The patterns go through standard input: sudo writes arguments into the journal.
    places = ["/var/lib/llm", "/etc", "/home", "/tmp", "/run/user", "/var/log"]
    search = ["sudo", "grep", "-rlaFf", "/dev/stdin", "--devices=skip", *places]
    done = the_lab("ssh", host, *search, stdin=f"{BACKEND_KEY}\n{HEADER_MARK}\n", check=False)
    found = done.stdout.split()
    assert set(found) == ALLOWED.get(host, set())
    for name in found:
        mode = the_lab("ssh", host, "sudo", "stat", "-c", "'%a %U'", name).stdout.split()
        assert mode == ["600", "llm"]


@pytest.mark.parametrize("host", ["gateway1", "backend1"])
def test_no_process_and_no_log_line_shows_a_key(host: str, said: str, the_lab: Lab) -> None:
    words = the_lab(
        "ssh", host, "sudo", "sh", "-c", "\"cat /proc/[0-9]*/cmdline | tr '\\0' ' '\""
    ).stdout
    assert "/var/lib/llm" in words
    log = the_lab("ssh", host, "sudo", "journalctl", "--no-pager", "-o", "cat").stdout
    assert "systemd" in log
    units = the_lab(
        "ssh", host, "sudo", "systemctl", "--user", "--machine=llm@.host", "show", "'*'"
    ).stdout
    assert "LoadState=loaded" in units
    for text in (words, log, units):
        assert BACKEND_KEY not in text
        assert HEADER_MARK not in text


def test_a_missing_key_stops_a_deploy_before_any_host(
    play: Play, said: str, tmp_path: Path
) -> None:
    (tmp_path / "second.yaml").write_text(SECOND)
    done = play("site.yml", "-e", f"llm_registry={tmp_path}")
    assert done.returncode != 0
    assert "error[missing-secret]" in done.stdout
    assert "No host was touched." in done.stdout
    assert "Gateway" not in done.stdout
