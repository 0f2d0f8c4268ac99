"""add_provider.yml when it must not succeed: registry, gateway and hosts stay as before."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
Lab = Callable[..., subprocess.CompletedProcess[str]]
Play = Callable[..., subprocess.CompletedProcess[str]]

# A name of its own each time: a model's file stays on the host, and would be there already.
NAME = f"newcomer-{secrets.token_hex(4)}"
MODEL = "http://10.89.7.5/models/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
BACKEND = """
providers:
  newcomer:
    type: llama_cpp
    deploy: {{hosts: backend2, port: 8099, options: {{ctx_size: 1024, threads: 1}}}}
    models:
      - name: {name}
        source: {{url: "{url}", sha256: {sha256}}}
"""
# Healthy, but nothing like a model answers there: only the proof can find out.
NO_MODEL = """
  mute:
    type: openai_compatible
    base_url: http://10.89.7.5
    health_endpoint: /models/
    models: [mute-model]
"""


@pytest.fixture(scope="module")
def registry(the_lab: Lab, play: Play, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of its own that is live, with one provider."""
    folder = tmp_path_factory.mktemp("registry")
    shutil.copy(ROOT / "inventories/demo/registry/smollm.yaml", folder)
    done = play("site.yml", "-e", f"llm_registry={folder}")
    assert done.returncode == 0, done.stdout
    return folder


def state(lab: Lab, registry: Path) -> tuple[object, ...]:
    """What must be the same afterwards: the registry, what serves, the units of backend2."""
    current = lab("ssh", "gateway1", "sudo", "readlink", "/var/lib/llm/gateway/current").stdout
    # The folder is not there yet on a host that is new.
    text = "'cd /var/lib/llm/.config/systemd/user 2>/dev/null && tail -n +1 *.service || true'"
    units = lab("ssh", "backend2", "sudo", "sh", "-c", text).stdout
    files = {path.name: path.read_text() for path in registry.iterdir()}
    return current, units, files


CASES = [
    # what the file declares, and what the output says
    ("unsound", "providers:\n  new:\n    type: olama\n", "Did you mean 'ollama'?"),
    ("wrong sum", BACKEND.format(name=NAME, url=MODEL, sha256="0" * 64), "sha256"),
    ("no such file", BACKEND.format(name=NAME, url=f"{MODEL}.not", sha256=SHA256), "404"),
    (
        "mute",
        BACKEND.format(name=NAME, url=MODEL, sha256=SHA256) + NO_MODEL,
        "❌ Model routing working",
    ),
]


@pytest.mark.parametrize(("text", "said"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_provider_that_fails_leaves_all_as_before(
    text: str, said: str, registry: Path, the_lab: Lab, play: Play, tmp_path: Path
) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(text)
    before = state(the_lab, registry)
    done = play("add_provider.yml", "-e", f"llm_registry={registry}", "-e", f"file={file}")
    assert done.returncode != 0
    assert said in done.stdout, done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert state(the_lab, registry) == before


def test_check_mode_adds_nothing(registry: Path, the_lab: Lab, play: Play, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(BACKEND.format(name=NAME, url=MODEL, sha256=SHA256))
    before = state(the_lab, registry)
    arguments = ("-e", f"llm_registry={registry}", "-e", f"file={file}", "--check", "--diff")
    done = play("add_provider.yml", *arguments)
    assert done.returncode == 0, done.stdout
    assert f"+- model_name: {NAME}" in done.stdout
    assert state(the_lab, registry) == before
