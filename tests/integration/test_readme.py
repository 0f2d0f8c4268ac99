"""The README's commands, run in their order as a newcomer runs them.

In a ```console block a line that starts with "$ " is run; the lines below it are what it prints,
"..." standing for lines that are left out. `make test` itself and what needs another machine are
in blocks of another kind.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.lab


@dataclass
class Command:
    line: str
    printed: list[str] = field(default_factory=list)


def commands(page: Path) -> list[Command]:
    found: list[Command] = []
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.S | re.M):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif line.strip() not in ("", "..."):
                found[-1].printed.append(line.strip())
    return found


README = commands(ROOT / "README.md")


def test_the_readme_has_commands() -> None:
    assert [c.line for c in README if c.line == "make demo"]


@pytest.mark.parametrize("command", README, ids=[c.line for c in README])
def test_command(command: Command, the_lab: object) -> None:
    done = subprocess.run(
        ["bash", "-c", command.line],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    seen = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines()]
    missing = [line for line in command.printed if line not in seen]
    assert not missing, f"not printed: {missing}\n{output}"
