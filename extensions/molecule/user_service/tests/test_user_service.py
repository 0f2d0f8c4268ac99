"""What the role user_service has left on the host."""

from __future__ import annotations

from testinfra.host import Host


def test_the_user_lingers_and_cannot_log_in(backend2: Host) -> None:
    user = backend2.user("mol")
    assert user.shell == "/usr/sbin/nologin"
    assert user.home == "/var/lib/mol"
    assert backend2.file("/var/lib/systemd/linger/mol").exists
    assert backend2.service(f"user@{user.uid}.service").is_running


def test_the_service_runs_as_the_user_and_starts_at_boot(backend2: Host) -> None:
    process = backend2.process.get(user="mol", comm="python3")
    assert "http.server 8123" in process.args
    enabled = backend2.run("systemctl --user --machine=mol@.host is-enabled mol-files.service")
    assert enabled.stdout.strip() == "enabled"
    assert backend2.socket("tcp://127.0.0.1:8123").is_listening


def test_the_secret_is_the_users_alone(backend2: Host) -> None:
    (path,) = backend2.check_output("ls -d /var/lib/mol/.config/lab-llm/mol-files*.env").split()
    found = backend2.file(path)
    assert (found.mode, found.user) == (0o600, "mol")
    assert found.contains("not for all eyes")
    unit = backend2.file("/var/lib/mol/.config/systemd/user/mol-files.service")
    assert not unit.contains("not for all eyes")


def test_the_users_systemd_comes_back_when_it_is_killed(backend2: Host) -> None:
    uid = backend2.user("mol").uid
    assert backend2.run(f"systemctl kill --signal=KILL user@{uid}.service").succeeded
    answer = "until curl -sf http://127.0.0.1:8123/ >/dev/null; do sleep 0.1; done"
    assert backend2.run(f"timeout 60 sh -c '{answer}'").succeeded


def test_the_journal_is_the_users_own(backend2: Host) -> None:
    uid = backend2.user("mol").uid
    seen = backend2.run(
        f"runuser -u mol -- env XDG_RUNTIME_DIR=/run/user/{uid}"
        " journalctl --user --no-pager -u mol-files.service"
    )
    assert "Started mol-files.service" in seen.stdout
