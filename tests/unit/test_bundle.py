# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bundles: what is collected, over real HTTP, and what is found in them again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.bundling import manifest, wheels
from ansible_collections.lab.llm.plugins.module_utils.bundling.collect import collect
from ansible_collections.lab.llm.plugins.module_utils.bundling.report import bundle_report
from ansible_collections.lab.llm.plugins.module_utils.bundling.wheels import Target
from tools.mirror import Mirror, in_a_hurry, sha

LOCK = (Path(__file__).parents[2] / "roles/gateway/files/litellm.txt").read_text()
COMMIT = "0f" * 20
HERE = Target([11], "x86_64")


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    with in_a_hurry(monkeypatch) as state:
        yield state


# (file, Python 3.11, 3.12, on x86_64)
WHEELS = [
    ("a-1-py3-none-any.whl", True, True),
    ("a-1-py2.py3-none-any.whl", True, True),
    ("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True, False),
    ("a-1-1-cp312-cp312-manylinux_2_28_x86_64.whl", False, True),
    ("a-1-cp39-abi3-manylinux_2_17_x86_64.whl", True, True),
    ("a-1-cp312-abi3-manylinux_2_17_x86_64.whl", False, True),
    ("a-1-cp313-cp313t-manylinux_2_17_x86_64.whl", False, False),
    ("a-1-cp311-cp311-musllinux_1_2_x86_64.whl", False, False),
    ("a-1-cp311-cp311-manylinux_2_17_aarch64.whl", False, False),
    ("a-1-cp311-cp311-win_amd64.whl", False, False),
    ("a-1-cp311-cp311-macosx_11_0_arm64.whl", False, False),
    ("a-1-py3-none-manylinux_2_17_x86_64.whl", True, True),
    ("a-1-pp311-pypy311_pp73-manylinux_2_17_x86_64.whl", False, False),
    ("a-1.tar.gz", False, False),
]


@pytest.mark.parametrize(("file", "on_311", "on_312"), WHEELS)
def test_a_wheel_fits_the_hosts_or_not(file: str, on_311: bool, on_312: bool) -> None:
    assert wheels.fits(file, Target([11], "x86_64")) is on_311
    assert wheels.fits(file, Target([12], "x86_64")) is on_312


def test_of_several_that_fit_the_one_for_the_most_hosts_is_taken() -> None:
    names = [
        "a-1-py3-none-any.whl",
        "a-1-cp311-cp311-manylinux_2_28_x86_64.whl",
        "a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "a-1-cp312-cp312-manylinux_2_28_x86_64.whl",
    ]
    offers = [wheels.Offer(name, name, sha(name.encode())) for name in names]
    pin = wheels.Pin("a", "1", frozenset(one.sha256 for one in offers))
    taken = wheels.chosen(pin, offers, Target([11, 12, 13], "x86_64"))
    assert [one.file for one in taken] == [names[2], names[3], names[0]]
    assert wheels.chosen(wheels.Pin("a", "1", frozenset()), offers, HERE) == []


def test_the_gateways_lock_file_is_read_whole() -> None:
    pins = wheels.pins(LOCK)
    assert len(pins) == LOCK.count("==") - LOCK.count("== '")
    assert all(pin.hashes for pin in pins)
    assert sorted(wheels.hashes_of(LOCK)) == sorted(one for pin in pins for one in pin.hashes)
    # The same package for several Pythons is there once for each.
    assert len([pin for pin in pins if pin.name == "numpy"]) == 2


FILES = {"config.json": b"{}", "model.safetensors": os.urandom(5_000)}
WHEEL = b"a wheel"


def index(mirror: Mirror, page: bool = False) -> str:
    """A package index with one package, as PEP 691 or as a page."""
    mirror.url("wheels/tiny-1-py3-none-any.whl", WHEEL)
    mirror.url("wheels/tiny-1.tar.gz", b"source")
    files = [("tiny-1-py3-none-any.whl", WHEEL), ("tiny-1.tar.gz", b"source")]
    links = [f'<a href="../../wheels/{name}#sha256={sha(data)}">{name}</a>' for name, data in files]
    listed = [
        {"filename": name, "url": f"/wheels/{name}", "hashes": {"sha256": sha(data)}}
        for name, data in files
    ]
    body = "".join(links) if page else json.dumps({"name": "tiny", "files": listed})
    mirror.url("simple/tiny/", body.encode())
    mirror.kinds["/simple/tiny/"] = "text/html" if page else "application/vnd.pypi.simple.v1+json"
    return mirror.url("simple")


def needs(mirror: Mirror) -> list[dict[str, Any]]:
    mirror.repository("org/name", COMMIT, FILES)
    archive = b"an archive"
    url = mirror.url("release.tar.gz", archive)
    lock = f"tiny==1 \\\n    --hash=sha256:{sha(WHEEL)} \\\n    --hash=sha256:{sha(b'source')}\n"
    release = {"name": "engine 1", "url": url, "sha256": sha(archive), "unpack": "/home/x/1"}
    return [
        {
            "artifacts": [
                release,
                {"name": "m", "huggingface": "org/name", "revision": COMMIT, "dest": "/home/x/m"},
                {"name": "linked", "path": "/srv/m.gguf", "dest": "/home/x/l", "link": True},
            ],
            "locks": [{"name": "tools", "text": lock}],
            "packages": [{"name": "llama.cpp", "why": "the distribution brings it"}],
        },
        {"artifacts": [{**release, "unpack": "/elsewhere/1"}]},
    ]


def made(mirror: Mirror, folder: Path, check: bool = False, page: bool = False) -> dict[str, Any]:
    endpoint = mirror.url()
    return collect(folder, needs(mirror), HERE, [index(mirror, page)], {}, endpoint, check)


@pytest.mark.parametrize("page", [False, True])
def test_all_that_hosts_need_is_in_one_folder_once(
    mirror: Mirror, tmp_path: Path, page: bool
) -> None:
    found = made(mirror, tmp_path / "b", page=page)
    assert not found["failed"], found["msg"]
    assert [(one["name"], one["why"]) for one in found["not_collected"]] == [
        ("linked", "/srv/m.gguf is taken from the host itself"),
        ("llama.cpp", "the distribution brings it"),
    ]
    known = manifest.read(tmp_path / "b")
    told = [(one["name"], one["kind"], one["size"]) for one in known["artifacts"]]
    assert told == [
        ("engine 1", "file", 10),
        ("m", "repository", 5_002),
        ("tiny-1-py3-none-any.whl", "wheel", len(WHEEL)),
    ]
    assert all(one["origin"] for one in known["artifacts"])
    for one in known["artifacts"]:
        if one["kind"] != "repository":
            assert sha((tmp_path / "b" / one["at"]).read_bytes()) == one["sha256"]


def test_a_second_run_asks_nobody(mirror: Mirror, tmp_path: Path) -> None:
    made(mirror, tmp_path)
    before = (tmp_path / "manifest.json").read_bytes()
    mirror.asked.clear()
    found = made(mirror, tmp_path)
    assert not found["changed"]
    assert mirror.asked == []
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_check_mode_says_what_would_come(mirror: Mirror, tmp_path: Path) -> None:
    found = made(mirror, tmp_path / "b", check=True)
    assert [one["name"] for one in found["artifacts"] if one["changed"]] == [
        "engine 1",
        "m",
        "tiny-1-py3-none-any.whl",
    ]
    assert not (tmp_path / "b").exists()


def test_what_cannot_be_had_ends_it_and_the_rest_goes_on_next_time(
    mirror: Mirror, tmp_path: Path
) -> None:
    wanted = needs(mirror)
    del mirror.files["/release.tar.gz"]
    found = collect(tmp_path, wanted, HERE, [index(mirror)], {}, mirror.url(), check=False)
    assert found["failed"]
    assert found["msg"].startswith("engine 1: ")
    assert "answers 404" in found["msg"]
    assert not (tmp_path / "manifest.json").exists()
    assert not made(mirror, tmp_path)["failed"]


def test_a_package_that_no_index_knows_ends_it(mirror: Mirror, tmp_path: Path) -> None:
    lock = [{"locks": [{"name": "x", "text": f"none==1 --hash=sha256:{'0' * 64}\n"}]}]
    found = collect(tmp_path, lock, HERE, [index(mirror)], {}, "", check=False)
    assert found["msg"].startswith("no index knows the package none: asked http://127.0.0.1")


def test_what_is_in_the_bundle_is_found_by_its_content(mirror: Mirror, tmp_path: Path) -> None:
    made(mirror, tmp_path)
    known = manifest.read(tmp_path)
    wish = {"sha256": sha(b"an archive").upper(), "url": "https://elsewhere/x", "unpack": "/y"}
    entry = manifest.find(known, wish)
    assert entry is not None
    assert entry["name"] == "engine 1"
    same = {"huggingface": "org/name", "revision": COMMIT}
    assert (manifest.find(known, same) or {})["commit"] == COMMIT
    assert manifest.find(known, {**same, "revision": "main"}) is None
    assert manifest.find(known, {**same, "include": ["*.json"]}) is None
    assert manifest.find(known, {"sha256": "ab" * 32}) is None


def test_a_folder_that_is_no_bundle_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(manifest.BundleError, match=r"make the bundle with bundle\.yml"):
        manifest.read(tmp_path)
    (tmp_path / "manifest.json").write_text('{"version": 0}')
    with pytest.raises(manifest.BundleError, match="of another release"):
        manifest.read(tmp_path)


def test_the_report_says_what_came_and_what_is_left(mirror: Mirror, tmp_path: Path) -> None:
    told = bundle_report(made(mirror, tmp_path), "/b")
    assert told["report"] == [
        "3 were fetched into /b, 0 are there already.",
        "  engine 1",
        "  m",
        "  wheels: 1",
        "Not in it, and to be had otherwise:",
        "  linked: /srv/m.gguf is taken from the host itself",
        "  llama.cpp: the distribution brings it",
        "Where there is no network: ansible-playbook playbooks/site.yml -e llm_bundle=/b",
    ]
    assert json.loads(bundle_report(made(mirror, tmp_path), "/b", "json")["report"])["ok"]
