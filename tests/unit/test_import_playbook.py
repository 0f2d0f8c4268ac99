"""The import as ansible-playbook does it; no host is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEY = "sk-live-0123456789abcdef0123456789abcdef"
CHANGED = "changed  localhost"
CONFIG = f"""\
model_list:
  - model_name: m
    litellm_params: {{model: hosted_vllm/m, api_base: os.environ/GPU, api_key: {KEY}, wieght: 1}}
"""


class Command:
    """The playbook over one file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry = folder, folder / "registry"
        self.file = folder / "litellm.yaml"
        self.file.write_text(CONFIG)

    def play(self, *more: str, playbook: str = "import_config") -> tuple[int, str]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        environment = {**os.environ, "NO_COLOR": "1", "ANSIBLE_HOME": str(self.folder / "home")}
        done = subprocess.run(
            [program, f"playbooks/{playbook}.yml", *more],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=environment,
        )
        assert KEY not in done.stdout + done.stderr
        return done.returncode, done.stdout

    def written(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.registry.glob("*")}


def test_a_file_becomes_a_registry_that_check_passes(tmp_path: Path) -> None:
    command = Command(tmp_path)
    file = f"file={command.file}"
    code, said = command.play("-e", file, "--check", "--diff")
    assert (code, command.registry.exists()) == (0, False)
    assert "+  vllm:" in said
    code, said = command.play("-e", file)
    assert (code, "Did you mean 'weight'?" in said) == (0, True)
    assert f"check.yml -e llm_registry={command.registry}" in said
    assert list(command.written()) == ["providers.yaml"]
    assert command.play("-e", f"llm_registry={command.registry}", playbook="check")[0] == 0


def test_a_second_run_changes_nothing_and_another_result_is_not_forced(tmp_path: Path) -> None:
    command = Command(tmp_path)
    file = f"file={command.file}"
    addresses = json.dumps({"addresses": {"GPU": "http://10.0.0.5:8000"}})
    assert CHANGED in command.play("-e", file)[1]
    first = command.written()
    assert CHANGED not in command.play("-e", file)[1]
    code, said = command.play("-e", file, "-e", addresses)
    assert (code != 0, "nothing is overwritten" in said) == (True, True)
    assert command.written() == first
    assert command.play("-e", file, "-e", addresses, "-e", "force=true")[0] == 0
    assert "http://10.0.0.5:8000" in command.written()["providers.yaml"]


def test_a_program_gets_json_and_a_wrong_file_a_sentence(tmp_path: Path) -> None:
    command = Command(tmp_path)
    code, said = command.play("-e", f"file={command.file}", "-e", "format=json")
    report = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert (code, report["ok"]) == (0, True)
    assert {one["code"] for one in report["findings"]} >= {"literal-key", "sent-upstream"}
    code, said = command.play()
    assert (code != 0, "-e file=litellm.yaml" in said) == (True, True)
    code, said = command.play("-e", f"file={tmp_path}/none.yaml")
    assert (code != 0, "cannot be read" in said) == (True, True)
