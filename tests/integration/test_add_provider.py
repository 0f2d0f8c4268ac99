"""add_provider.yml: what is in the end where it succeeds, and that all is as before where not."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.lab_hosts import the_lab

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
Lab = Callable[..., subprocess.CompletedProcess[str]]
Play = Callable[..., subprocess.CompletedProcess[str]]

# A name of its own each time: a model's file stays on the host, and would be there already.
NAME = f"newcomer-{secrets.token_hex(4)}"
MIRROR = f"http://{the_lab().mirror}"
MODEL = f"{MIRROR}/models/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
BACKEND = """
providers:
  newcomer:
    type: llama_cpp
    description: The newcomer
    features: [CPU only]
    performance: {{time_to_first_token_ms: {first}}}
    deploy: {{hosts: backend2, port: 8099, options: {{ctx_size: 1024, threads: 1}}}}
    models:
      - name: {name}
        size: "135M"
        context_length: 1024
        specialty: chat
        source: {{url: "{url}", sha256: {sha256}}}
"""
# A minute is enough for any machine; nobody answers within a millisecond.
SLOW = 60000
# Healthy, but nothing like a model answers there: only the proof can find out.
NO_MODEL = f"""
  mute:
    type: openai_compatible
    base_url: {MIRROR}
    health_endpoint: /models/
    models: [mute-model]
"""


@pytest.fixture(scope="module")
def registry(the_lab: Lab, play: Play, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of its own that is live, with one provider."""
    folder = tmp_path_factory.mktemp("registry")
    text = (ROOT / "inventories/demo/registry/smollm.yaml").read_text()
    (folder / "smollm.yaml").write_text(text.replace("http://10.89.7.5", MIRROR))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Begin")
    done = play("site.yml", "-e", f"llm_registry={folder}")
    assert done.returncode == 0, done.stdout
    return folder


def git(folder: Path, *words: str) -> str:
    """What git says in a registry's repository."""
    who = ("-c", "user.name=A", "-c", "user.email=a@lab", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def state(lab: Lab, registry: Path) -> tuple[object, ...]:
    """What must be the same afterwards: the registry, what serves, the units of backend2."""
    current = lab("ssh", "gateway1", "sudo", "readlink", "/var/lib/llm/gateway/current").stdout
    # The folder is not there yet on a host that is new.
    text = "'cd /var/lib/llm/.config/systemd/user 2>/dev/null && tail -n +1 *.service || true'"
    units = lab("ssh", "backend2", "sudo", "sh", "-c", text).stdout
    files = {path.name: path.read_text() for path in registry.iterdir() if path.is_file()}
    files["git"] = git(registry, "status", "--porcelain") + git(registry, "rev-parse", "HEAD")
    return current, units, files


def backend(url: str = MODEL, sha256: str = SHA256, first: int = SLOW) -> str:
    """The file that declares the newcomer."""
    return BACKEND.format(name=NAME, url=url, sha256=sha256, first=first)


CASES = [
    # what the file declares, and what the output says
    ("unsound", "providers:\n  new:\n    type: olama\n", "Did you mean 'ollama'?"),
    ("wrong sum", backend(sha256="0" * 64), "sha256"),
    ("no such file", backend(url=f"{MODEL}.not"), "404"),
    ("mute", backend() + NO_MODEL, "❌ Model routing working"),
    ("too slow", backend(first=1), "s, at most 1 ms is declared"),
]
BY_NIGHT = {"no such file", "mute"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(*c[1:], id=c[0], marks=pytest.mark.nightly if c[0] in BY_NIGHT else ())
        for c in CASES
    ],
)
def test_a_provider_that_fails_leaves_all_as_before(
    text: str, said: str, registry: Path, the_lab: Lab, play: Play, tmp_path: Path
) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(text)
    before = state(the_lab, registry)
    more = ("-e", "commit=true", "-e", "tag=true")  # never where a proof failed
    done = play("add_provider.yml", "-e", f"llm_registry={registry}", "-e", f"file={file}", *more)
    assert done.returncode != 0
    assert said in done.stdout, done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert state(the_lab, registry) == before


def test_check_mode_adds_nothing(registry: Path, the_lab: Lab, play: Play, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(backend())
    before = state(the_lab, registry)
    arguments = ("-e", f"llm_registry={registry}", "-e", f"file={file}", "--check", "--diff")
    done = play("add_provider.yml", *arguments)
    assert done.returncode == 0, done.stdout
    assert f"+- model_name: {NAME}" in done.stdout
    assert state(the_lab, registry) == before


FALLBACK = """
exact_matches:
  newest: {provider: newcomer, fallback: smollm}
"""
WHO = ("NAME", "EMAIL")
CHECKLIST = [
    r"✅ Provider added to registry: .*/newcomer\.yaml",
    r"✅ Routing rules defined: newest \(newcomer\.yaml:\d+\), .*",
    r"✅ LiteLLM configuration updated: generation \d+ serves, \d+ before",
    r"✅ Provider page updated: .*/providers\.md",
    r"✅ Health check endpoint verified: GET http://.*: 200",
    r"✅ Model list includes new provider models: 2 of 2",
    r"✅ Routing test successful: \S+ answered by ~newcomer/\S+ in .* s \(and \d more\)",
    r"✅ Fallback chain tested: newest answered by ~smollm/\S+ in .* s.*",
    r"✅ Performance metrics acceptable: ~newcomer/\S+: first token after .* \(at most 60.00 s\).*",
    r"✅ Documentation complete: .*",
    r"✅ Configuration committed to git: [0-9a-f]{12}, tagged llm-generation-\d+",
]


def test_an_addition_ends_with_its_checklist_and_is_in_git(
    registry: Path, play: Play, tmp_path: Path
) -> None:
    file = tmp_path / "newcomer.yaml"
    file.write_text(backend() + FALLBACK)
    names = {f"GIT_{who}_{what}": "a@lab" for who in ("AUTHOR", "COMMITTER") for what in WHO}
    asked = ("-e", f"llm_registry={registry}", "-e", "commit=true", "-e", "tag=true")
    added = play("add_provider.yml", "-e", f"file={file}", *asked, env=names)
    assert added.returncode == 0, added.stdout
    lines = [line for line in added.stdout.splitlines() if line[:1] in ("✅", "❌", "➖")][-11:]
    wrong = [x for x, p in zip(lines, CHECKLIST, strict=True) if not re.fullmatch(p, x)]
    assert wrong == [], added.stdout
    tag = lines[-1].rpartition(" ")[2]
    assert git(registry, "cat-file", "-t", tag) == "tag"
    changed = git(registry, "show", "--format=", "--name-only", f"{tag}^{{commit}}").splitlines()
    assert changed == ["newcomer.yaml", "providers.md"]
    page = (registry / "providers.md").read_text()
    assert re.search(r"\| `~newcomer/\S+` \| \d+\.\d\d s \|", page)
    removed = play("remove_provider.yml", "-e", "file=newcomer.yaml", *asked[:4], env=names)
    assert removed.returncode == 0, removed.stdout
    assert "Committed as " in removed.stdout
    assert git(registry, "log", "-1", "--format=%s") == "Remove newcomer"
    assert git(registry, "status", "--porcelain") == ""
    assert "newcomer" not in (registry / "providers.md").read_text()
