"""`systemctl --user restart litellm.service` under load, beside the same of plain LiteLLM."""

from __future__ import annotations

from on_lab import Figure, figure, gateway, restarted, tell, times_start_up

RESTART = "systemctl --user restart litellm.service"


def run() -> dict[str, Figure]:
    """Failed requests, and the longest that one had to wait, over plain LiteLLM's start-up."""
    seen = gateway().load_during(lambda: gateway().user(RESTART))
    floor = restarted()
    tell("restart", seen)
    return {
        "restart_failed_requests": figure(len(seen.failed), "requests", len(floor.seen.failed)),
        "restart_stall_ratio": times_start_up(seen.longest_stall_s, floor.start_up_s),
    }
