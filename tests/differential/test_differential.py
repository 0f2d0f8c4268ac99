"""What explain says of a registry is what the real Router does, for registries that are drawn.

LAB_LLM_DIFFERENTIAL is how many, LAB_LLM_SEED which ones; docs/development.md tells the rest.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from differential.harness import WANTED, examined
from differential.registries import Parts, registries
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from tools.real_litellm import real_litellm

pytestmark = pytest.mark.litellm

SEED = int(os.environ.get("LAB_LLM_SEED", "20261123"))
REGISTRIES = int(os.environ.get("LAB_LLM_DIFFERENTIAL", "50"))
LEAST = 30 if REGISTRIES >= 500 else 3 if REGISTRIES >= 50 else 0  # of each of WANTED
CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))

SEEN: Counter[str] = Counter()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    real_litellm()
    return tmp_path_factory.mktemp("registry")


@seed(SEED)
@settings(
    max_examples=REGISTRIES,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(parts=registries())
def test_the_real_router_does_what_is_explained(directory: Path, parts: Parts) -> None:
    began = time.monotonic()
    result = examined(parts, directory)
    SEEN.update(result.covered)
    SEEN.update(registries=1, requests=result.requests, milliseconds=int(
        (time.monotonic() - began) * 1000))  # fmt: skip
    note(f"seed {SEED}; to keep it: tests/differential/cases/NAME.yaml\n{result.text}")
    assert not result.disagreements, "\n".join(result.disagreements)


def test_what_was_asked_about() -> None:
    """Runs after the test above and says what it covered; a generator gone poor proves nothing."""
    if not SEEN:
        pytest.skip("the test above did not run")
    print(f"seed {SEED}: {dict(SEEN.most_common())}")
    poor = {what: SEEN[what] for what in WANTED if SEEN[what] < LEAST}
    assert not poor, f"{poor} of {REGISTRIES}, at least {LEAST} are wanted"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_what_was_once_wrong(case: Path, directory: Path) -> None:
    parts = yaml.safe_load(case.read_text())
    result = examined(parts, directory)
    assert result.parts == parts, "the compiler refuses a part of it"
    assert not result.disagreements, "\n".join(result.disagreements)
