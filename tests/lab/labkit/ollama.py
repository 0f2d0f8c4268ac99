"""Releases of a STAND-IN for Ollama, in the shape that upstream publishes them.

`ollama-linux-ARCH.tar.zst` with bin/ollama and lib/ollama/, the archive for ROCm that is unpacked
over it, and `sha256sum.txt`. Real inference in it is that of the lab's llama-server, which stands
in lib/ollama as upstream's does.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from pathlib import Path
from typing import Any

from . import machine
from .archive import architecture
from .settings import REPOSITORY, Lab
from .shell import run, say
from .wheels import sha256_of

# Below another host, where upstream's are.
FOLDER = "ollama/ollama/releases/download"
VERSIONS = ("0.32.15", "0.32.14")
TOOLS = REPOSITORY / "tests" / "tools"
PROGRAMS = ("ollama_stand_in.py", "ollama_stand_in_models.py", "ollama_stand_in_runners.py")
LABEL = "{version}-stand-in\nThis is a STAND-IN for Ollama, made by the virtual lab.\n"
ORIGIN = "the stand-in in tests/tools, which is not Ollama"


def ensure_releases(lab: Lab, served: Path, llama: Path) -> dict[str, Any]:
    """Have the releases among what is served: {version, path, sha256, rocm: {path, sha256},
    earlier: the same of the release before, origin}."""
    recipe = _recipe(llama)
    note = lab.cache / "artifacts.d" / "ollama.recipe"
    folders = [served / FOLDER / f"v{version}" for version in VERSIONS]
    there = all((folder / "sha256sum.txt").exists() for folder in folders)
    if not (there and note.exists() and note.read_text() == recipe):
        machine.need("zstd")
        say("packing the stand-in for Ollama")
        for folder in folders:
            _release(folder, llama)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(recipe)
    newest, earlier = (_entry(served, folder) for folder in folders)
    return {**newest, "earlier": earlier, "origin": ORIGIN}


def _recipe(llama: Path) -> str:
    """Changes when the making of the releases does."""
    sources = [Path(__file__), *(TOOLS / name for name in PROGRAMS)]
    text = b"".join(source.read_bytes() for source in sources)
    return hashlib.sha256(
        text + llama.name.encode() + str(llama.stat().st_size).encode()
    ).hexdigest()


def _release(folder: Path, llama: Path) -> None:
    version, arch = folder.name.removeprefix("v"), architecture()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    label = LABEL.format(version=version).encode()
    base = {"lib/ollama/STAND-IN.txt": (label, 0o644)}
    for name in PROGRAMS:
        base[f"bin/{name}"] = ((TOOLS / name).read_bytes(), 0o755)
    base["bin/ollama"] = (base.pop(f"bin/{PROGRAMS[0]}")[0], 0o755)
    with tarfile.open(llama) as given:
        for member in given:
            content = given.extractfile(member)
            if content:
                name = member.name.partition("/")[2]
                base[f"lib/ollama/{name}"] = (content.read(), member.mode)
    rocm = {"lib/ollama/rocm_v7_2/STAND-IN.txt": (label, 0o644)}
    for name, files in ((f"ollama-linux-{arch}", base), (f"ollama-linux-{arch}-rocm", rocm)):
        target = str(folder / f"{name}.tar.zst")
        run(["zstd", "-q", "-3", "-o", target], data=_tar(files), timeout=120)
    sums = [f"{sha256_of(one)}  ./{one.name}\n" for one in sorted(folder.glob("*.tar.zst"))]
    (folder / "sha256sum.txt").write_text("".join(sums))


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    """The same files give the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _entry(served: Path, folder: Path) -> dict[str, Any]:
    """A release by what its sha256sum.txt says."""
    lines = (folder / "sha256sum.txt").read_text().splitlines()
    sums = {name.removeprefix("./"): one for one, name in (line.split() for line in lines)}
    found = {
        ("rocm" if "-rocm" in name else ""): {
            "path": str((folder / name).relative_to(served)),
            "sha256": one,
        }
        for name, one in sums.items()
    }
    version = folder.name.removeprefix("v")
    return {"version": version, **found[""], "rocm": found["rocm"]}
