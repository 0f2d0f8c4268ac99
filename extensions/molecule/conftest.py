"""The hosts of Molecule's lab, as testinfra sees them over ssh."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lab-llm"
CONFIG = CACHE / "labs" / os.environ.get("LAB_LLM_NAME", "lab-llm-molecule") / "ssh_config"


def on(name: str) -> Host:
    return testinfra.get_host(f"ssh://{name}", ssh_config=str(CONFIG), sudo=True)


@pytest.fixture(scope="session")
def gateway1() -> Host:
    return on("gateway1")


@pytest.fixture(scope="session")
def backend1() -> Host:
    return on("backend1")


@pytest.fixture(scope="session")
def backend2() -> Host:
    return on("backend2")
