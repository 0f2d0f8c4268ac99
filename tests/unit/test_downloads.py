# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads that break off and go on, room that is counted first, and what a hub gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import downloads, room, snapshots
from ansible_collections.lab.llm.plugins.module_utils.host.artifact_work import bring
from ansible_collections.lab.llm.plugins.module_utils.host.artifacts import ensure
from ansible_collections.lab.llm.plugins.module_utils.host.fetch import CutOffError, FetchError
from ansible_collections.lab.llm.plugins.module_utils.host.wishes import Artifact
from tools.mirror import Mirror, in_a_hurry, sha
from tools.mirror import mirror as served

ROOT = Path(__file__).parents[2]
DATA = os.urandom(400_000)
COMMIT = "0f" * 20


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    with in_a_hurry(monkeypatch) as state:
        yield state


def wish(mirror: Mirror, folder: Path, data: bytes = DATA) -> Artifact:
    return Artifact("m", sha(data), url=mirror.url("m.gguf", data), dest=str(folder / "m.gguf"))


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_next_run_goes_on_where_the_last_one_broke_off(mirror: Mirror, tmp_path: Path) -> None:
    mirror.troubles = ["cut", "503", "503"]
    with pytest.raises(CutOffError, match=r"503 .*\(3 tries\)\. 0\.2 MB are kept"):
        ensure(wish(mirror, tmp_path), check=False)
    assert left(tmp_path) == [".m.gguf.part", ".m.gguf.part.json"]
    assert ensure(wish(mirror, tmp_path), check=False).changed
    assert mirror.ranges_asked[-1] == "bytes=200000-"
    assert mirror.sent == len(DATA)
    assert (tmp_path / "m.gguf").read_bytes() == DATA
    assert left(tmp_path) == [".m.gguf.lab-llm.json", "m.gguf"]


@pytest.mark.parametrize(("tags", "ranges"), [(True, False), (False, False), (False, True)])
def test_a_server_of_any_kind_is_enough(
    mirror: Mirror, tmp_path: Path, tags: bool, ranges: bool
) -> None:
    mirror.tags, mirror.ranges, mirror.troubles = tags, ranges, ["cut"]
    ensure(wish(mirror, tmp_path), check=False)
    assert (tmp_path / "m.gguf").read_bytes() == DATA
    assert mirror.sent == len(DATA) if ranges else len(DATA) * 3 // 2


def test_a_file_that_changed_in_between_is_fetched_anew(mirror: Mirror, tmp_path: Path) -> None:
    """Its tag says so; where there is no tag, the sum of what was put together does."""
    for tags in (True, False):
        mirror.tags = tags
        other, folder = os.urandom(300_000), tmp_path / str(tags)
        folder.mkdir()
        wanted = wish(mirror, folder)
        mirror.files["/m.gguf"] = other
        mirror.troubles = ["cut", "503", "503"]
        with pytest.raises(CutOffError):
            ensure(wanted, check=False)
        mirror.files["/m.gguf"] = DATA
        assert ensure(wanted, check=False).changed
        assert (folder / "m.gguf").read_bytes() == DATA


def test_a_wrong_sum_is_wrong_also_after_a_break(mirror: Mirror, tmp_path: Path) -> None:
    wanted = wish(mirror, tmp_path)
    mirror.files["/m.gguf"] = os.urandom(400_000)
    mirror.troubles = ["cut"]
    with pytest.raises(FetchError, match=f"expected {sha(DATA)}"):
        ensure(wanted, check=False)
    assert left(tmp_path) == []


def test_a_part_of_something_else_is_not_gone_on_with(mirror: Mirror, tmp_path: Path) -> None:
    mirror.troubles = ["cut", "503", "503"]
    with pytest.raises(CutOffError):
        ensure(wish(mirror, tmp_path), check=False)
    newer = os.urandom(400_000)
    ensure(wish(mirror, tmp_path, newer), check=False)
    assert mirror.ranges_asked[-1] == ""
    assert (tmp_path / "m.gguf").read_bytes() == newer


def test_all_of_it_may_have_come_already(mirror: Mirror, tmp_path: Path) -> None:
    wanted = wish(mirror, tmp_path)
    (tmp_path / ".m.gguf.part").write_bytes(DATA)
    (tmp_path / ".m.gguf.part.json").write_text(f'{{"of": "{wanted.origin.key}"}}')
    assert ensure(wanted, check=False).changed
    assert mirror.sent == 0
    assert (tmp_path / "m.gguf").read_bytes() == DATA


SLOW = """
import http.server, sys
data = bytes(8_000_000)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(2 * len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()
        sys.stdin.read()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.handle_request()
"""


def test_a_run_that_is_killed_leaves_what_it_has(tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SLOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    port = int(server.stdout.readline())
    core = "ansible_collections.lab.llm.plugins.module_utils.host"
    program = (
        f"from {core}.artifacts import ensure\nfrom {core}.wishes import Artifact\n"
        f"ensure(Artifact('m', 'ab' * 32, url='http://127.0.0.1:{port}/m', dest='{tmp_path}/m'),"
        " check=False)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / ".ansible"), "no_proxy": "127.0.0.1"}
    run = subprocess.Popen([sys.executable, "-c", program], env=environment)
    part, until = tmp_path / ".m.part", time.monotonic() + 20
    while not part.exists() or part.stat().st_size < 4_000_000:
        assert time.monotonic() < until
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    server.kill()
    server.wait()
    wanted = Artifact("m", "ab" * 32, url=f"http://127.0.0.1:{port}/m", dest=str(tmp_path / "m"))
    assert downloads.arrived(wanted.origin, part) >= 4_000_000


def test_room_is_counted_for_all_of_them_before_the_first(mirror: Mirror, tmp_path: Path) -> None:
    """A real file system of 1 MB, into which each of them would fit alone; needs root."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs to mount a small file system")
    try:
        wishes = [
            Artifact(
                f"model {name}",
                sha(DATA),
                url=mirror.url(name, DATA),
                dest=str(small / "models" / name),
            )
            for name in ("a", "b", "c")
        ]
        result = bring(wishes, [], "/", check=False)
        assert result["msg"] == (
            f"no space in {small}: 1 MB are needed, 1 MB are free (model a 0 MB, model b 0 MB, "
            "model c 0 MB). Free some room; nothing was fetched"
        )
        assert mirror.asked == []
        assert left(small) == []
        assert not bring(wishes[:2], [], "/", check=False)["failed"]
        # What is there already needs no room.
        assert not bring(wishes[:2], [], "/", check=False)["changed"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_an_archive_needs_room_for_what_is_in_it_too(mirror: Mirror, tmp_path: Path) -> None:
    url = mirror.url("a.tar.gz", DATA)
    packed = Artifact("a", sha(DATA), url=url, unpack=str(tmp_path / "a"))
    assert room._needed(packed) == 4 * len(DATA)


FILES = {
    "config.json": b'{"model_type": "llama"}',
    "model-00001-of-00002.safetensors": os.urandom(300_000),
    "model-00002-of-00002.safetensors": os.urandom(200_000),
    "original/consolidated.pth": os.urandom(5_000),
}


def repository(mirror: Mirror, folder: Path, **more: object) -> Artifact:
    mirror.repository("org/name", COMMIT, FILES, branch="main")
    values = {"revision": COMMIT, "endpoint": mirror.url(), **more}
    return Artifact("m", huggingface="org/name", dest=str(folder / "name"), **values)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".lab-llm")
    }


def test_a_repository_becomes_a_folder_and_a_second_run_asks_nobody(
    mirror: Mirror, tmp_path: Path
) -> None:
    wanted = repository(mirror, tmp_path)
    assert ensure(wanted, check=True).changed
    assert not mirror.asked
    assert ensure(wanted, check=False).changed
    assert files_in(tmp_path / "name") == FILES
    asked = len(mirror.asked)
    assert not ensure(wanted, check=False).changed
    assert len(mirror.asked) == asked
    assert left(tmp_path) == ["name"]


def test_only_the_files_that_are_wanted_come(mirror: Mirror, tmp_path: Path) -> None:
    ensure(repository(mirror, tmp_path, include=("*.json", "*.safetensors")), check=False)
    assert files_in(tmp_path / "name").keys() == FILES.keys() - {"original/consolidated.pth"}
    none = repository(mirror, tmp_path / "other", include=("*.gguf",))
    with pytest.raises(FetchError, match=r"no file of org/name matches \*.gguf: it has config"):
        ensure(none, check=False)


def test_only_what_was_changed_is_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    wanted = repository(mirror, tmp_path)
    ensure(wanted, check=False)
    (tmp_path / "name/model-00002-of-00002.safetensors").write_bytes(b"other")
    (tmp_path / "name/config.json").unlink()
    mirror.sent = 0
    snapshots._ASKED.clear()
    before = mirror.files[f"/api/models/org/name/revision/{COMMIT}?blobs=true"]
    assert ensure(wanted, check=False).changed
    assert files_in(tmp_path / "name") == FILES
    assert mirror.sent == len(before) + 200_000 + len(FILES["config.json"])


def test_a_repository_that_broke_off_goes_on(mirror: Mirror, tmp_path: Path) -> None:
    wanted = repository(mirror, tmp_path)
    mirror.troubles = ["", "", "", "cut", "503", "503"]
    with pytest.raises(CutOffError, match="are kept"):
        ensure(wanted, check=False)
    assert not (tmp_path / "name").exists()
    mirror.sent = 0
    assert ensure(wanted, check=False).changed
    assert files_in(tmp_path / "name") == FILES
    assert mirror.sent == 100_000 + 5_000


class PulledError(BaseException):
    """The cable is pulled: nobody cleans up."""


def test_a_repository_that_was_whole_and_not_in_place_is_not_fetched_again(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = repository(mirror, tmp_path)

    def pulled(*_: object) -> None:
        raise PulledError

    with monkeypatch.context() as now:
        now.setattr(snapshots, "replace", pulled)
        with pytest.raises(PulledError):
            ensure(wanted, check=False)
    mirror.sent = 0
    assert ensure(wanted, check=False).changed
    assert files_in(tmp_path / "name") == FILES
    assert mirror.sent == 0
    assert ensure(wanted, check=False).changed is False


def test_a_branch_stays_what_it_was_when_it_came(mirror: Mirror, tmp_path: Path) -> None:
    wanted = repository(mirror, tmp_path, revision="main")
    ensure(wanted, check=False)
    mirror.repository("org/name", "aa" * 20, {"config.json": b"newer"}, branch="main")
    snapshots._ASKED.clear()
    assert not ensure(wanted, check=False).changed
    (tmp_path / "name/config.json").unlink()
    mirror.files["/org/name/resolve/main/config.json"] = b"newer"
    assert ensure(wanted, check=False).changed
    assert files_in(tmp_path / "name") == FILES
    assert snapshots.commit_of(tmp_path / "name") == COMMIT


@pytest.mark.parametrize("name", ["config.json", "model-00001-of-00002.safetensors"])
def test_a_file_that_is_not_what_the_hub_says_is_refused(
    mirror: Mirror, tmp_path: Path, name: str
) -> None:
    wanted = repository(mirror, tmp_path)
    data = FILES[name]
    mirror.files[f"/org/name/resolve/{COMMIT}/{name}"] = data[:-1] + b"!"
    with pytest.raises(FetchError, match=r"damaged: git knows it|has sha256"):
        ensure(wanted, check=False)
    assert left(tmp_path) == []


def test_a_name_that_leads_out_of_the_folder_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    wanted = repository(mirror, tmp_path)
    mirror.repository("org/name", COMMIT, {"../evil": b"x"})
    with pytest.raises(FetchError, match="outside of its folder"):
        ensure(wanted, check=False)


def test_one_file_of_a_repository_is_pinned_by_its_sum(mirror: Mirror, tmp_path: Path) -> None:
    name = "model-00001-of-00002.safetensors"
    wanted = repository(mirror, tmp_path, file=name, sha256=sha(FILES[name]), revision="main")
    assert ensure(wanted, check=False).changed
    assert (tmp_path / "name").read_bytes() == FILES[name]


# (token_env, token, X-Error-Code, what is said)
REFUSALS = [
    ("", "", "", "answers 401 .*: it wants a token: name the variable"),
    ("", "", "GatedRepo", "accepted its terms may have it: accept them on its page"),
    ("HF_TOKEN", "", "", "answers 401 .*: HF_TOKEN has no value: export it where Ansible runs"),
    ("HF_TOKEN", "hf_wrong", "", "answers 401 .*: the token of HF_TOKEN is not accepted"),
]


@pytest.mark.parametrize("file", ["", "config.json"])
@pytest.mark.parametrize(("variable", "token", "code", "words"), REFUSALS)
def test_what_is_gated_says_which_token_it_wants(
    mirror: Mirror, tmp_path: Path, file: str, variable: str, token: str, code: str, words: str
) -> None:
    more = {"file": file, "sha256": "ab" * 32} if file else {}
    wanted = repository(mirror, tmp_path, token_env=variable, token=token, **more)
    mirror.tokens, mirror.error_code = {"/": "hf_right"}, code
    with pytest.raises(FetchError, match=words) as refused:
        ensure(wanted, check=False)
    assert "hf_wrong" not in str(refused.value) + repr(wanted)
    assert left(tmp_path) == []


def test_a_token_opens_what_is_gated_and_goes_nowhere_else(mirror: Mirror, tmp_path: Path) -> None:
    with served() as elsewhere:
        wanted = repository(mirror, tmp_path, token_env="HF_TOKEN", token="hf_right")
        mirror.tokens = {"/": "hf_right"}
        ensure(wanted, check=False)
        assert set(mirror.tokens_seen) == {"Bearer hf_right"}
        (tmp_path / "name/config.json").unlink()
        mirror.troubles = [f"to {elsewhere.url('c', FILES['config.json'])}"]
        assert ensure(wanted, check=False).changed
        assert elsewhere.tokens_seen == [""]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("RepoNotFound", "answers 404 .*: there is no such repository"),
        ("RevisionNotFound", "has no such revision"),
        ("", "check the URL and the version"),
    ],
)
def test_what_is_not_there_says_what_is_missing(
    mirror: Mirror, tmp_path: Path, code: str, words: str
) -> None:
    mirror.error_code = code
    wanted = Artifact("m", huggingface="org/none", dest=f"{tmp_path}/m", endpoint=mirror.url())
    with pytest.raises(FetchError, match=words):
        ensure(wanted, check=False)
    assert left(tmp_path) == []
