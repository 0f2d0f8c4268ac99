"""Everything under test is imported as the collection that users import."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

# How long an example takes says how busy the machine is.
settings.register_profile("lab.llm", deadline=None)
settings.load_profile("lab.llm")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ansible"))
