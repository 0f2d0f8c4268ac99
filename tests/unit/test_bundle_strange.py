# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bundles that were tampered with, and indexes that say what no index says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.bundling import index, manifest
from ansible_collections.lab.llm.plugins.module_utils.bundling.collect import collect
from ansible_collections.lab.llm.plugins.module_utils.bundling.wheels import Target
from tools.mirror import Mirror, in_a_hurry, sha

HERE = Target([11], "x86_64")
JSON = "application/vnd.pypi.simple.v1+json"
FILE = {"name": "a", "kind": "file", "origin": "u", "sha256": "ab", "size": 1, "at": "files/a"}


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    with in_a_hurry(monkeypatch) as state:
        yield state


def collected(folder: Path, needs: dict[str, Any], *indexes: str) -> dict[str, Any]:
    return collect(folder, [needs], HERE, indexes, {}, "", check=False)


@pytest.mark.parametrize(
    ("artifacts", "word"),
    [
        ([{**FILE, "at": "../../etc/passwd"}], "leads out of the bundle"),
        ([{**FILE, "at": "/etc/passwd"}], "leads out of the bundle"),
        ([{**FILE, "kind": "repository", "files": [{"path": "../x"}]}], "leads out of the bundle"),
        ([{**FILE, "at": 7}], "is damaged"),
        ([{"name": "a"}], "is damaged"),
        (["a"], "is damaged"),
        ({}, "is damaged"),
        (None, "is damaged"),
    ],
)
def test_a_manifest_that_was_tampered_with_is_refused(
    tmp_path: Path, artifacts: Any, word: str
) -> None:
    """Else files of the controller would be copied to hosts, or written over."""
    told = {"version": 1, "artifacts": artifacts, "not_collected": []}
    (tmp_path / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(manifest.BundleError, match=word):
        manifest.read(tmp_path)


def test_a_manifest_that_is_sound_is_read(tmp_path: Path) -> None:
    manifest.write(tmp_path, [FILE], [])
    assert manifest.read(tmp_path)["artifacts"] == [FILE]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b'{"files": ["a"]}'),
        (JSON, b'{"files": [{"hashes": {"sha256": "ab"}}]}'),
        (JSON, b'{"files": []}' + b" " * 2000),
        ("text/html", b"\xff\xfe"),
    ],
)
def test_an_index_that_makes_no_sense_is_a_sentence(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, said: bytes
) -> None:
    monkeypatch.setattr(index, "MOST", 1000)
    lock = f"tiny==1 --hash=sha256:{'0' * 64}\n"
    mirror.url("simple/tiny/", said)
    mirror.kinds["/simple/tiny/"] = kind
    needs = {"locks": [{"name": "x", "text": lock}]}
    found = collected(tmp_path, needs, mirror.url("simple"))
    assert found["failed"]
    assert "/simple/tiny/ says nothing sensible" in found["msg"]


def wheel(mirror: Mirror, name: str) -> dict[str, Any]:
    url = mirror.url("wheels/tiny-1-py3-none-any.whl", b"a wheel")
    one = {"filename": name, "url": url, "hashes": {"sha256": sha(b"a wheel")}}
    mirror.url("simple/tiny/", json.dumps({"files": [one]}).encode())
    mirror.kinds["/simple/tiny/"] = JSON
    lock = f"tiny==1 --hash=sha256:{sha(b'a wheel')}\n"
    return {"locks": [{"name": "tools", "text": lock}]}


def test_an_index_names_no_place_outside_of_the_bundle(mirror: Mirror, tmp_path: Path) -> None:
    bundle = tmp_path / "a/b"
    needs = wheel(mirror, "../../evil-1-py3-none-any.whl")
    found = collected(bundle, needs, mirror.url("simple"))
    assert found["not_collected"][0]["name"] == "tiny"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_credentials_of_an_index_are_used_and_not_written(mirror: Mirror, tmp_path: Path) -> None:
    needs = wheel(mirror, "tiny-1-py3-none-any.whl")
    mirror.files["/simple/tiny/"] = mirror.files["/simple/tiny/"].replace(b"http:", b"")
    login = mirror.url("simple").replace("//", "//me:s3cret@")
    link = mirror.url("release.tgz", b"archive").replace("//", "//me:s3cret@") + "?token=s3cret"
    mirror.files["/release.tgz?token=s3cret"] = b"archive"
    archive = {"name": "r", "url": link, "sha256": sha(b"archive")}
    found = collected(tmp_path, {**needs, "artifacts": [archive]}, login)
    assert not found["failed"]
    assert all(seen.startswith("Basic ") for seen in mirror.tokens_seen[:1])
    assert "s3cret" not in (tmp_path / "manifest.json").read_text() + json.dumps(found)
    again = collected(tmp_path, {**needs, "artifacts": [archive]}, login)
    assert not again["changed"]


def test_an_artefact_that_makes_no_sense_is_a_sentence(tmp_path: Path) -> None:
    wish = {"name": "x", "url": "http://[::1/m", "sha256": "ab" * 32}
    found = collected(tmp_path, {"artifacts": [wish]})
    assert found["failed"]
    assert found["msg"].startswith("x: its url is no address")


def test_an_inventory_that_needs_nothing_has_an_empty_bundle(tmp_path: Path) -> None:
    assert collected(tmp_path / "b", {})["changed"]
    assert manifest.read(tmp_path / "b")["artifacts"] == []
    (tmp_path / "file").touch()
    assert "cannot be written" in collected(tmp_path / "file/b", {})["msg"]
