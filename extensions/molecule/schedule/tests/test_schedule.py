"""What the role schedule has left on its hosts."""

from __future__ import annotations

from testinfra.host import Host

UNITS = "/var/lib/molwatch/.config/systemd/user/litellm-watch"


def user(host: Host, command: str) -> str:
    uid = host.user("molwatch").uid
    return host.check_output(
        f"runuser -u molwatch -- env XDG_RUNTIME_DIR=/run/user/{uid} {command}"
    )


def test_the_timer_waits_and_starts_at_boot(gateway1: Host) -> None:
    show = "systemctl --user show -P ActiveState -P UnitFileState litellm-watch.timer"
    assert user(gateway1, show).split() == ["active", "enabled"]
    assert gateway1.file(f"{UNITS}.timer").contains("OnUnitActiveSec=450.0")


def test_a_look_is_what_was_asked_for(gateway1: Host) -> None:
    text = gateway1.file(f"{UNITS}.service").content_string
    assert "watch --every 450.0 --failures 4 --most 1" in text
    # Where there is no gateway yet a look is nothing, and no failure.
    user(gateway1, "systemctl --user start litellm-watch.service")


def test_the_controllers_runs_as_an_unprivileged_user(backend2: Host) -> None:
    assert backend2.service("lab-llm-watch.timer").is_running
    assert backend2.service("lab-llm-watch.timer").is_enabled
    assert backend2.run("systemctl start lab-llm-watch.service").succeeded
    said = backend2.check_output("journalctl -o cat -t lab-llm-watch --no-pager")
    assert "-i /srv/hosts.yml playbooks/parts/scheduled.yml -e only_if_unhealthy=true" in said
    assert backend2.file("/etc/systemd/system/lab-llm-watch.service").contains("User=admin")
