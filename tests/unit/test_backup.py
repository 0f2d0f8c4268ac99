# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups: whole or refused, put back as they were, with no secret outside of its own part."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible_collections.lab.llm.plugins.module_utils.gateway import (
    change_journal,
    restore,
    secrets_file,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.backup import (
    BackupError,
    pack,
    seal,
    unpack,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.content import Content
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.restore import Given, Restore
from ansible_collections.lab.llm.plugins.plugin_utils import vault

LOCK = "litellm==1.106.2 \\\n  --hash=sha256:1\n"
VENV = hashlib.sha256(LOCK.encode()).hexdigest()[:16]
SECRET = "canary-value-of-a-key"


def content(mark: str, *variables: str) -> Content:
    files = {
        "config.yaml": f"# {mark}\nmodel_list: []\n",
        "probes.json": "{}",
        "program/launcher.py": "pass\n",
        "registry/größe.yaml": "providers: {}\n",
    }
    units = {"litellm.socket": "[Socket]\nListenStream=127.0.0.1:4000\n"}
    return Content(files, VENV, units, variables or ("A_KEY",), "mark")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Good, failed, good and current; a value for the one variable."""
    store = Store(tmp_path / "old")
    store.prepare()
    (store.base / "venvs").mkdir()
    (store.base / "venvs" / f"{VENV}.txt").write_text(LOCK)
    for number, outcome in enumerate(("live", "failed", "live"), start=1):
        assert store.stage(content(f"number {number}"), {}) == number
        store.record(number, outcome)
    store.switch(3)
    held = {"A_KEY": SECRET, "LITELLM_MASTER_KEY": "sk-canary"}
    secrets_file.store(store.base / "secrets.env", held)
    secrets_file.fingerprint_key(store.base / "secrets.key", create=True)
    return store


@pytest.fixture
def new(tmp_path: Path) -> Store:
    return Store(tmp_path / "new")


def archive(store: Store, **more: Any) -> bytes:
    current, numbers, members = restore.members(store)
    return pack({"current": current, "generations": numbers, "at": 1, **more}, members)


def tree(store: Store) -> dict[str, str]:
    """Every file and link of the generations, with its mode."""
    found = {}
    for path in sorted(store.folder.rglob("*")):
        name = str(path.relative_to(store.folder))
        what = str(path.readlink()) if path.is_symlink() else ""
        mode = "" if path.is_symlink() else oct(stat.S_IMODE(path.stat().st_mode))
        found[name] = mode + what + (path.read_text() if path.is_file() and not what else "")
    return found


# --- the archive ------------------------------------------------------------------------------


def test_the_current_and_the_good_ones_are_taken(store: Store) -> None:
    backup = unpack(archive(store))
    assert (backup.current, backup.numbers) == (3, [1, 3])
    assert set(backup.files(3)) == {
        "manifest.json",
        "config.yaml",
        "probes.json",
        "program/launcher.py",
        "registry/größe.yaml",
        "units/litellm.socket",
    }
    assert {"outcomes/1.json", "outcomes/3.json", f"venvs/{VENV}.txt"} <= backup.members.keys()
    assert backup.lock(3) == LOCK


def test_the_same_gives_the_same_archive_and_no_secret_is_in_it(store: Store) -> None:
    data = archive(store)
    assert data == archive(store)
    assert b"canary" not in gzip.decompress(data)
    assert b"secrets.key" not in gzip.decompress(data)


@pytest.mark.parametrize("where", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_archive_is_refused(store: Store, where: float) -> None:
    data = archive(store)
    with pytest.raises(BackupError, match="damaged, cut short"):
        unpack(data[: int(len(data) * where)])


def test_a_flipped_bit_is_found_wherever_it_is(store: Store) -> None:
    data = archive(store)
    for place in range(10, len(data), 97):
        broken = bytearray(data)
        broken[place] ^= 0x10
        with pytest.raises(BackupError):
            unpack(bytes(broken))


def repacked(data: bytes, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> bytes:
    """The archive with other members, its gzip and tar layers as they should be."""
    entries = []
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        for member in tar:
            file = tar.extractfile(member)
            entries.append((member, file.read() if file else b""))
    change(entries)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for member, text in entries:
            member.size = len(text) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(text) if member.isreg() else None)
    return raw.getvalue()


def named(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Callable[[list], None]:
    """One more member."""

    def change(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        entries.append((member, b"x" if kind == tarfile.REGTYPE else b""))

    return change


def altered(name: str, old: bytes, new: bytes) -> Callable[[list], None]:
    def change(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        place = next(i for i, (member, _) in enumerate(entries) if member.name == name)
        assert old in entries[place][1]
        entries[place] = (entries[place][0], entries[place][1].replace(old, new))

    return change


def left_out(name: str) -> Callable[[list], None]:
    def change(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        entries[:] = [entry for entry in entries if entry[0].name != name]

    return change


CONFIG = "generations/3/config.yaml"
TAMPERED = [
    (named("../escape"), "no part of a backup"),
    (named("/etc/passwd"), "no part of a backup"),
    (named("generations/3/../../x"), "no part of a backup"),
    (named("generations/3/program/../../x"), "no part of a backup"),
    (named("generations/3/.hidden"), "no part of a backup"),
    (named("generations/03/config.yaml"), "no part of a backup"),
    (named("secrets.env"), "no part of a backup"),
    (named("venvs/0123456789abcdef/bin/python"), "no part of a backup"),
    (named("generations/3/venv", tarfile.SYMTYPE, "/etc"), "a link, a folder or a device"),
    (named("generations/3/hard", tarfile.LNKTYPE, CONFIG), "a link, a folder or a device"),
    (named("generations/3/dev", tarfile.CHRTYPE), "a link, a folder or a device"),
    (named("generations/3/pipe", tarfile.FIFOTYPE), "a link, a folder or a device"),
    (named("generations/4", tarfile.DIRTYPE), "a link, a folder or a device"),
    (named(CONFIG), "twice"),
    (named("generations/3/more.yaml"), "has too many: generations/3/more.yaml"),
    (altered(CONFIG, b"number 3", b"number X"), f"was altered: {CONFIG}"),
    (altered("outcomes/1.json", b"live", b"lies"), "was altered: outcomes/1.json"),
    (left_out(CONFIG), f"lacks {CONFIG}"),
    (left_out("manifest.json"), "no backup of a gateway"),
    (altered("manifest.json", b'"format": 1', b'"format": 2'), "use a newer lab.llm"),
    (altered("manifest.json", b'"current": 3', b'"current": 2'), "generation 2, which served"),
    (altered("manifest.json", b'"members"', b'"others"'), "says nothing of members"),
    (altered("manifest.json", b"{", b"["), "damaged, cut short"),
]


@pytest.mark.parametrize(("change", "said"), TAMPERED, ids=[str(n) for n in range(len(TAMPERED))])
def test_what_is_tampered_with_is_refused(store: Store, change: Callable, said: str) -> None:
    with pytest.raises(BackupError, match=said):
        unpack(repacked(archive(store), change))


def test_hashes_that_were_made_to_fit_do_not_hide_a_changed_generation(store: Store) -> None:
    current, numbers, members = restore.members(store)
    members[CONFIG] += b"# more\n"
    with pytest.raises(BackupError, match="not what its own manifest says"):
        unpack(pack({"current": current, "generations": numbers}, members))


def test_something_else_is_no_backup(tmp_path: Path) -> None:
    for data in (b"", b"PK\x03\x04", gzip.compress(b"hello"), gzip.compress(b"\0" * 2048)):
        with pytest.raises(BackupError):
            unpack(data)


def test_an_archive_may_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "ansible_collections.lab.llm.plugins.module_utils.gateway.backup.MOST_BYTES"
    monkeypatch.setattr(module, 1 << 20)
    with pytest.raises(BackupError, match="more than 1 MiB"):
        unpack(gzip.compress(b"\0" * (2 << 20)))


def test_nothing_to_back_up_and_a_lock_file_that_is_gone(store: Store, new: Store) -> None:
    with pytest.raises(BackupError, match="nothing has ever served"):
        restore.members(new)
    (store.base / "venvs" / f"{VENV}.txt").unlink()
    with pytest.raises(BackupError, match="lock file of generation 1, is gone"):
        restore.members(store)


def test_a_change_under_way_is_named(store: Store) -> None:
    restore.idle(store)
    change_journal.begin(store.base, "deploy", "ada", "boot", 4, 3, {})
    with pytest.raises(BackupError, match=r"changed by ada \(deploy to generation 4, .*staged\)"):
        restore.idle(store)


# --- putting it back --------------------------------------------------------------------------


def back(new: Store, data: bytes, **secrets: Any) -> Restore:
    return Restore(new, unpack(data), Given(**secrets))


def test_it_comes_back_as_it_was(store: Store, new: Store) -> None:
    key = (store.base / "secrets.key").read_bytes()
    kept = secrets_file.read(store.base / "secrets.env")
    job = back(new, archive(store), kept=kept, key=key)
    assert job.changed(replace=False)
    assert not new.base.exists()
    job.place()
    old = {k: v for k, v in tree(store).items() if not k.startswith("2")}
    assert tree(new) == old
    assert (new.current(), new.numbers(), new.proven(3)) == (None, [1, 3], True)
    assert secrets_file.read(new.base / "secrets.env") == kept
    assert stat.S_IMODE((new.base / "secrets.env").stat().st_mode) == 0o600
    assert (new.base / "secrets.key").read_bytes() == key
    assert (new.base / "venvs" / f"{VENV}.txt").read_text() == LOCK
    assert not back(new, archive(store), kept=kept, key=key).changed(replace=False)
    told = restore.told(job, None)
    assert "canary" not in json.dumps(told)
    assert told["new_master_key"] is False


@pytest.mark.parametrize(
    ("given", "kept", "host", "value"),
    [
        ({"A_KEY": "given"}, {"A_KEY": "kept"}, {"A_KEY": "host"}, "given"),
        ({"A_KEY": ""}, {"A_KEY": "kept"}, {"A_KEY": "host"}, "kept"),
        ({}, {}, {"A_KEY": "host"}, "host"),
    ],
)
def test_whose_value_it_is(
    store: Store, new: Store, given: dict, kept: dict, host: dict, value: str
) -> None:
    new.base.mkdir()
    secrets_file.store(new.base / "secrets.env", host)
    job = back(new, archive(store), given=given, kept=kept)
    job.place()
    assert secrets_file.read(new.base / "secrets.env")["A_KEY"] == value


def test_missing_keys_are_named_at_once_before_anything_is_done(store: Store, new: Store) -> None:
    store.switch(store.stage(content("more keys", "B_KEY", "A_KEY", "C_KEY"), {}))
    with pytest.raises(secrets_file.MissingVariablesError, match="no value for B_KEY, C_KEY"):
        back(new, archive(store), given={"A_KEY": "1"})
    assert not new.base.exists()


def test_what_only_an_older_one_needs_is_no_hindrance(store: Store, new: Store) -> None:
    store.switch(store.stage(content("another key", "B_KEY"), {}))
    job = back(new, archive(store), given={"B_KEY": "1"})
    told = restore.told(job, None)
    assert told["not_to_go_back_to"] == {"1": ["A_KEY"], "3": ["A_KEY"]}
    assert told["new_master_key"] is True
    assert job.values["LITELLM_MASTER_KEY"].startswith("sk-")


def test_headers_made_of_keys_are_made_again(store: Store, new: Store) -> None:
    composed = {"LLM_HEADER_X": "Token ${A_KEY}"}
    known = dataclasses.replace(content("header", "A_KEY", "LLM_HEADER_X"), composed=composed)
    store.switch(store.stage(known, {}))
    job = back(new, archive(store), given={"A_KEY": "new"})
    assert job.values["LLM_HEADER_X"] == "Token new"
    with pytest.raises(secrets_file.MissingVariablesError, match="no value for A_KEY"):
        back(new, archive(store))
    store.record(4, "live")
    store.switch(1)
    assert back(new, archive(store), given={"A_KEY": "new"}).values["LLM_HEADER_X"] == "Token new"


def test_a_gateway_with_other_generations_is_left_alone(store: Store, new: Store) -> None:
    new.prepare()
    new.stage(content("not in the backup"), {})
    job = back(new, archive(store), given={"A_KEY": "1"})
    with pytest.raises(BackupError, match=r"that the backup has not: 1.*-e replace=true"):
        job.changed(replace=False)
    with pytest.raises(BackupError, match="that the backup has not: 1"):
        job.place()
    assert job.changed(replace=True)


def whole(store: Store) -> dict[str, str]:
    """Everything in a gateway's folder."""
    files = [path for path in store.base.rglob("*") if path.is_file() or path.is_symlink()]
    return {
        str(path.relative_to(store.base)): str(path.readlink())
        if path.is_symlink()
        else path.read_text(errors="replace")
        for path in files
    }


def test_what_is_replaced_is_put_aside_and_can_be_brought_back(store: Store, new: Store) -> None:
    new.prepare()
    old = dataclasses.replace(content("not in the backup"), venv="f" * 16)
    new.switch(new.stage(old, {}))
    new.record(1, "live")
    for name in ("f" * 16, VENV):
        (new.base / "venvs" / name / "bin").mkdir(parents=True)
        (new.base / "venvs" / name / "bin/python").write_text(name)
    secrets_file.store(new.base / "secrets.env", {"A_KEY": "old"})
    before, generations = whole(new), tree(new)
    job = back(new, archive(store), given={"A_KEY": "1"})
    aside = restore.put_aside(new, job.backup)
    job.place()
    assert (new.current(), new.numbers()) == (None, [1, 3])
    assert secrets_file.read(new.base / "secrets.env")["A_KEY"] == "1"
    kept = Store(aside)
    assert tree(kept) == generations
    assert (kept.current(), secrets_file.read(aside / "secrets.env")) == (1, {"A_KEY": "old"})
    assert (aside / "generations/1/venv/bin/python").read_text() == "f" * 16
    assert sorted(path.name for path in (new.base / "venvs").iterdir()) == [VENV, f"{VENV}.txt"]

    assert restore.bring_back(new, str(aside)) == 1
    after = whole(new)
    assert after.pop(f"venvs/{VENV}.txt") == LOCK
    assert after == before
    with pytest.raises(BackupError, match="nothing that was put aside"):
        restore.bring_back(new, str(aside))
    with pytest.raises(BackupError, match="nothing that was put aside"):
        restore.bring_back(new, "venvs")


def test_cut_off_in_the_middle_the_next_run_goes_on(
    store: Store, new: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, whole = back(new, archive(store), given={"A_KEY": "1"}), Restore.place_generation

    def cut(self: Restore, number: int) -> None:
        if number == 3:
            raise OSError("the disk is full")
        whole(self, number)

    monkeypatch.setattr(Restore, "place_generation", cut)
    with pytest.raises(OSError, match="disk is full"):
        job.place()
    monkeypatch.undo()
    assert new.numbers() == [1]
    again = back(new, archive(store), given={"A_KEY": "1"})
    assert again.missing() == [3]
    again.place()
    assert new.numbers() == [1, 3]


def test_one_that_serves_another_of_them_is_to_be_rolled_back(store: Store, new: Store) -> None:
    back(new, archive(store), given={"A_KEY": "1"}).place()
    new.switch(1)
    with pytest.raises(BackupError, match=r"serves 1: use rollback\.yml -e generation=3"):
        back(new, archive(store), given={"A_KEY": "1"}).missing()


# --- its secrets ------------------------------------------------------------------------------


def keys(*texts: str) -> list[tuple[str, Any]]:
    return [(f"id{n}", VaultSecret(text.encode())) for n, text in enumerate(texts)]


def test_secrets_are_encrypted_as_ansible_vault_does() -> None:
    sealed = vault.encrypt(SECRET, keys("one"))
    assert sealed.startswith(b"$ANSIBLE_VAULT;1.")
    assert vault.decrypt(sealed.decode(), keys("another", "one")) == SECRET
    with pytest.raises(vault.VaultError, match="another password"):
        vault.decrypt(sealed.decode(), keys("another"))
    half = sealed.decode()[: len(sealed) // 2]
    with pytest.raises(vault.VaultError, match="cannot be decrypted"):
        vault.decrypt(half, keys("one"))


def test_where_the_password_comes_from(tmp_path: Path) -> None:
    loader = DataLoader()
    with pytest.raises(vault.VaultError, match="no password was given: --ask-vault-pass"):
        vault.passwords(loader, None)
    loader.set_vault_secrets(keys("of ansible-playbook"))
    assert vault.passwords(loader, None)[0][0] == "id0"
    (tmp_path / "word").write_text("of the file\n")
    [(name, secret)] = vault.passwords(loader, str(tmp_path / "word"))
    assert (name, secret.bytes) == ("backup", b"of the file")
    with pytest.raises(vault.VaultError, match="was not found"):
        vault.passwords(loader, str(tmp_path / "none"))


def test_secrets_of_one_backup_do_not_fit_another(store: Store) -> None:
    mine = seal(unpack(archive(store)).members)
    _, _, members = restore.members(store)
    assert seal({**members, "secrets.vault": b"x"}) == mine
    assert seal({**members, CONFIG: b"x"}) != mine
