"""Estimates beside what was measured elsewhere: tests/vram/measured.yaml."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible_collections.lab.llm.plugins.module_utils.placement.estimate import (
    Estimate,
    estimate,
    known_model,
)
from ansible_collections.lab.llm.plugins.module_utils.placement.settings import settings_of

MEASURED = Path(__file__).parent / "measured.yaml"
GIB = 1024


class Judged(NamedTuple):
    """MiB on one GPU."""

    name: str
    source: str
    measured: float
    estimated: Estimate
    whole: float

    @property
    def error(self) -> float:
        """Positive where too much is estimated."""
        return self.whole / self.measured - 1


def cases(section: str, by_size: bool = False) -> list[Judged]:
    """Those of `calibration` or of `judged`, estimated as a service with that config.json is, or as
    one of which nothing but the size is known."""
    told = yaml.safe_load(MEASURED.read_text())
    logs = told["logs"].replace(" ", "")
    return [
        _case(
            {"source": logs + one.get("log", ""), **one},
            {} if by_size else {"config": told["configs"][one["config"]]},
        )
        for one in told[section]
    ]


def _case(one: dict[str, Any], found: dict[str, Any]) -> Judged:
    spec = {"engine": one["engine"], "options": one["options"], "environment": {}, "gpus": None}
    given = settings_of(spec)
    model = {"name": one["model"], "size": one["size"]}
    known = known_model(one["engine"], model, found, one["options"])
    made = estimate(one["engine"], known, given, 1, one["gpu"])
    # Not sum, which rounds in another way since Python 3.12.
    measured = math.fsum(one.get("measured_mib", {}).values())
    measured += math.fsum(one.get("measured_gib", {}).values()) * GIB
    whole = made.total - (made.context if one.get("without_context") else 0)
    words = ", ".join(f"{key}: {value}" for key, value in one["options"].items())
    return Judged(f"{one['model']} ({words})", one["source"], measured, made, whole)


def mean_error(found: list[Judged]) -> float:
    """Mean of the absolute errors."""
    return sum(abs(one.error) for one in found) / len(found)


def table(found: list[Judged]) -> str:
    """For people: a row a case."""
    rows = [
        f"{one.measured / GIB:7.2f} {one.whole / GIB:7.2f} {one.error:+7.1%}  {one.name}"
        for one in found
    ]
    return "\n".join(["measured  GiB    error  of", *rows, f"mean {mean_error(found):.1%}"])


if __name__ == "__main__":
    print(table(cases("judged")))
