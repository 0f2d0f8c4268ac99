# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""backup.yml and restore.yml: a gateway comes back on a host that has never had one."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.gateway_under_test import AT_REST, BASE, KEYS, MASTER, PORT, USER, Gateway

pytestmark = pytest.mark.lab

Play = Callable[..., subprocess.CompletedProcess[str]]
HERE = ("-e", f"user_service_user={USER}", "-e", f"gateway_port={PORT}")
# Where the proof from outside looks for a gateway, and finds nobody.
NOBODY = "gateway_address=http://127.0.0.1:4109"
NO_USER = f"id {USER} 2>/dev/null || echo none"


@pytest.fixture
def password(tmp_path: Path) -> tuple[str, str]:
    """Arguments that give the password of a backup's secrets."""
    (tmp_path / "password").write_text("of the backup\n")
    return ("-e", f"backup_vault_password_file={tmp_path}/password")


@pytest.fixture
def new_machine(running: Gateway) -> Callable[[], None]:
    """Ends the gateway with all that its host has of it, its user too."""

    def end() -> None:
        running.remove()
        running.prepare()
        assert running.on(NO_USER) == "none"

    return end


@pytest.mark.nightly
def test_with_its_secrets_it_comes_back_as_it_was(
    running: Gateway,
    play: Play,
    new_machine: Callable[[], None],
    password: tuple[str, str],
    tmp_path: Path,
) -> None:
    running.serve("kept")
    number, listed = running.current(), running.on(f"ls {BASE}/generations")
    manifest = running.on(f"cat {BASE}/current/manifest.json")
    held = running.on(f"cat {BASE}/secrets.env {BASE}/secrets.key | md5sum")
    file = tmp_path / "backups/gateway.tar.gz"
    here = (*HERE, "-e", f"file={file}")

    done = play("backup.yml", *here, "-e", "secrets=true")
    assert done.returncode != 0
    assert "no password was given: --ask-vault-pass" in done.stdout
    assert not file.exists()

    done = play("backup.yml", *here, "-e", "secrets=true", *password, "-vvv", "--diff")
    assert done.returncode == 0, done.stdout[-3000:]
    said = done.stdout + done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as tar:
        content = b"".join(tar.extractfile(member).read() for member in tar)
    done = play("backup.yml", *here, "-e", "secrets=true", *password, "-e", "format=json")
    assert json.loads(done.stdout)["changed"] is False

    new_machine()
    done = play("restore.yml", *here)
    assert done.returncode != 0
    assert "no password was given" in done.stdout
    done = play("restore.yml", *here, *password, "--check")
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{number} would serve" in done.stdout
    assert running.on(NO_USER) == "none"

    done = play("restore.yml", *here, *password, "-vvv", "--diff", timeout=900)
    assert done.returncode == 0, done.stdout[-3000:]
    said += done.stdout + done.stderr
    assert running.answers() == "kept"  # with the key from before
    assert running.current() == number
    assert set(running.on(f"ls {BASE}/generations").split()) <= set(listed.split())
    assert running.on(f"cat {BASE}/current/manifest.json") == manifest
    assert running.on(f"cat {BASE}/secrets.env {BASE}/secrets.key | md5sum") == held
    assert running.on(f"stat -c %a:%U {BASE}/secrets.env") == f"600:{USER}"
    assert running.at_rest() == AT_REST
    for secret in (*KEYS, MASTER):
        assert secret not in said
        assert secret.encode() not in content

    done = play("restore.yml", *here, *password)
    assert done.returncode == 0
    assert f"Generation {number} serves already; nothing was changed." in done.stdout
    # The fingerprints are the same ones: the next run makes no new generation.
    assert running.change(running.config("kept"))[0] == 0
    assert running.current() == number


@pytest.mark.nightly
def test_without_secrets_they_come_from_the_environment(
    running: Gateway, play: Play, new_machine: Callable[[], None], tmp_path: Path
) -> None:
    running.serve("no-secrets")
    file = tmp_path / "gateway.tar.gz"
    here = (*HERE, "-e", f"file={file}")
    assert play("backup.yml", *here).returncode == 0
    new_machine()
    done = play("restore.yml", *here)
    assert done.returncode != 0
    assert "no value for GWTEST_KEY" in done.stdout
    assert running.on(NO_USER) == "none"  # told before anything was done

    keys = {"GWTEST_KEY": KEYS[0], "LITELLM_MASTER_KEY": MASTER}
    done = play("restore.yml", *here, "-e", "format=json", env=keys, timeout=900)
    told = json.loads(done.stdout)
    assert (told["ok"], told["new_master_key"]) == (True, False)
    assert told["serves"] == int(running.current())
    assert running.answers() == "no-secrets"


@pytest.mark.nightly
def test_what_the_gateway_has_is_put_aside_only_if_asked_for(
    running: Gateway, play: Play, tmp_path: Path
) -> None:
    running.serve("in-the-backup")
    here = (*HERE, "-e", f"file={tmp_path / 'gateway.tar.gz'}")
    assert play("backup.yml", *here).returncode == 0
    running.serve("after-the-backup")
    after = running.current()
    done = play("restore.yml", *here)
    assert done.returncode != 0
    # Earlier tests may have left failed ones, which no backup has either.
    assert re.search(rf"has generations that the backup has not: (\d+, )*{after}\. ", done.stdout)
    assert running.answers() == "after-the-backup"
    held = running.on(f"md5sum <{BASE}/secrets.env")
    done = play("restore.yml", *here, "-e", "replace=true", "-e", NOBODY)
    assert done.returncode != 0
    assert "does not answer at http://127.0.0.1:4109" in done.stdout
    assert "What the gateway had before the restore is in its place again." in done.stdout
    assert (running.current(), running.answers()) == (after, "after-the-backup")
    assert running.on(f"md5sum <{BASE}/secrets.env") == held
    assert running.on(f"ls -d {BASE}/replaced-* 2>/dev/null || true") == ""
    assert running.at_rest() == AT_REST

    done = play("restore.yml", *here, "-e", "replace=true")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "What the gateway had before is in " in done.stdout
    assert running.answers() == "in-the-backup"
    assert running.on(f"readlink {BASE}/replaced-*/current") == f"generations/{after}"


@pytest.mark.nightly
def test_a_damaged_archive_touches_nothing(running: Gateway, play: Play, tmp_path: Path) -> None:
    file = tmp_path / "gateway.tar.gz"
    here = (*HERE, "-e", f"file={file}")
    assert play("backup.yml", *here).returncode == 0
    whole, before = file.read_bytes(), running.current()
    for data, said in ((whole[:-40], "cut short"), (b"hello", "no .tar.gz")):
        file.write_bytes(data)
        done = play("restore.yml", *here, "-e", "replace=true")
        assert done.returncode != 0
        assert said in done.stdout
        assert "Traceback" not in done.stdout + done.stderr
    assert running.current() == before


@pytest.mark.nightly
def test_a_change_under_way_is_waited_for(running: Gateway, play: Play, tmp_path: Path) -> None:
    running.on(f'sed -i \'s/"result": {{/"was": {{/\' {BASE}/change.json')
    try:
        done = play("backup.yml", *HERE, "-e", f"file={tmp_path / 'x.tar.gz'}")
        assert done.returncode != 0
        assert "the gateway is being changed by " in done.stdout
    finally:
        running.on(f'sed -i \'s/"was": {{/"result": {{/\' {BASE}/change.json')
