"""Headers of models' files are read with a bound, and a damaged one is refused with a sentence."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host.gguf import (
    BLOCKS,
    GgufError,
    parts_of,
    read_gguf,
)
from ansible_collections.lab.llm.plugins.module_utils.host.model_files import known_of, look
from ansible_collections.lab.llm.plugins.module_utils.placement.bits import of_file_type
from ansible_collections.lab.llm.plugins.module_utils.placement.shapes import from_config, from_gguf

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from gguf_files import LLAMA, LLAMA_TENSORS, write_gguf

EMBEDDING = 512 * 2000 // 256 * 144
ALL = EMBEDDING + 512 * 1024 // 256 * 144 + 512 * 4 + 512 * 2000 // 256 * 210


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "tiny.gguf", LLAMA, LLAMA_TENSORS)


def test_a_header_says_what_the_model_is_made_of(model: Path) -> None:
    known = read_gguf(model)
    assert known["tensor_bytes"] == ALL
    assert known["embedding_bytes"] == EMBEDDING
    assert known["has_head"]
    shape = from_gguf(known)
    assert shape
    assert (shape.layers, shape.hidden, shape.heads, shape.heads_kv, shape.head) == (
        2,
        512,
        8,
        2,
        64,
    )
    assert (shape.vocabulary, shape.context, shape.tied) == (2000, 8192, False)
    assert of_file_type(known["metadata"]) == "Q4_K_M"
    assert json.loads(json.dumps(known)) == known


def test_only_the_header_is_read_and_no_list_of_words_is_kept(model: Path) -> None:
    metadata = read_gguf(model)["metadata"]
    assert metadata["tokenizer.ggml.tokens.length"] == 2000
    assert "tokenizer.ggml.tokens" not in metadata
    assert len(json.dumps(metadata)) < 1000


@pytest.mark.parametrize("kept", [0, 3, 4, 12, 24, 40, 100, 5000, -30])
def test_a_file_that_is_cut_short_is_refused(model: Path, kept: int) -> None:
    model.write_bytes(model.read_bytes()[:kept])
    with pytest.raises(GgufError, match=r"cut short|no GGUF file"):
        read_gguf(model)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"<!DOCTYPE html><html>", "no GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 9, 1, 1), "version 9"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 1), "version 50331648"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1), "have 1152921504606846976 tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1 << 40), "claims to have 1099511627776 keys"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 50), "claims to have"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 77),
         "unknown type 77"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 9, 1),
         "list of the unknown type 9"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 0, 1) + b"t" + struct.pack("<I", 4096), "dimensions"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_with_a_sentence(
    tmp_path: Path, raw: bytes, sentence: str
) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(raw)
    with pytest.raises(GgufError, match=sentence):
        read_gguf(path)


def test_a_type_that_is_not_known_leaves_the_sizes_out(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "new.gguf", LLAMA, LLAMA_TENSORS)
    raw = path.read_bytes()
    path.write_bytes(raw[:-12] + struct.pack("<IQ", 250, 0))
    assert read_gguf(path)["tensor_bytes"] == 0


@pytest.mark.parametrize(
    ("kind", "bits"), [(12, 4.5), (14, 6.5625), (8, 8.5), (2, 4.5), (39, 4.25)]
)
def test_blocks_are_as_large_as_ggml_has_them(kind: int, bits: float) -> None:
    elements, size = BLOCKS[kind]
    assert size * 8 / elements == bits


def test_parts_of_a_split_model_are_taken_together(tmp_path: Path) -> None:
    first = write_gguf(tmp_path / "m-00001-of-00002.gguf", LLAMA, LLAMA_TENSORS[:2])
    assert [path.name for path in parts_of(first)] == [first.name, "m-00002-of-00002.gguf"]
    with pytest.raises(GgufError, match=r"m-00002-of-00002\.gguf is not beside it"):
        known_of(first)
    second = write_gguf(tmp_path / "m-00002-of-00002.gguf", {}, LLAMA_TENSORS[2:])
    known = known_of(first)
    assert known["gguf"]["tensor_bytes"] == ALL
    assert known["bytes"] == first.stat().st_size + second.stat().st_size


def test_a_number_that_is_none_is_no_part(tmp_path: Path) -> None:
    path = tmp_path / "m-00001-of-²²²²².gguf"
    assert [*parts_of(path)] == [path]


def test_a_place_that_cannot_be_looked_at_is_none(tmp_path: Path, model: Path) -> None:
    """A folder that is closed to the services' user says the same as a name that is too long."""
    odd = tmp_path / "[v1] model.gguf"
    odd.write_bytes(model.read_bytes())
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf/config.json").write_text("{}")
    (tmp_path / "hf/model.safetensors").symlink_to("gone")
    found = look(
        [
            {"name": "closed", "places": [f"/{'x' * 300}", str(model)]},
            {"name": "strange", "places": [f"{tmp_path}/**.gguf", str(model)]},
            {"name": "brackets", "places": [str(odd)]},
            {"name": "dangling", "places": [str(tmp_path / "hf")]},
        ],
        None,
    )
    assert {name: one["path"] for name, one in found.items()} == {
        "closed": str(model),
        "strange": str(model),
        "brackets": str(odd),
        "dangling": str(tmp_path / "hf"),
    }
    assert "No such file" in found["dangling"]["problem"]


def test_models_are_looked_for_where_they_may_be(tmp_path: Path, model: Path) -> None:
    home = tmp_path / "home"
    snapshot = home / "models" / "models--Qwen--Q" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps({"hidden_size": 64}))
    (snapshot / "model.safetensors").write_bytes(b"x" * 1000)
    manifest = home / "ollama/models/manifests/registry.ollama.ai/library/tiny/latest"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:aa"}
    manifest.write_text(json.dumps({"layers": [{"mediaType": "x"}, layer]}))
    (home / "ollama/models/blobs").mkdir()
    (home / "ollama/models/blobs/sha256-aa").write_bytes(model.read_bytes())
    (home / "broken.gguf").write_bytes(b"GGUF")
    for name in ("Q-12ab", "Q-AWQ-34cd"):
        shutil.copytree(snapshot, home / "models" / name)
    found = look(
        [
            {"name": "a/file", "places": ["/nowhere.gguf", str(model)]},
            {"name": "b/folder", "places": ["~/models/models--Qwen--Q/snapshots/*/"]},
            {"name": "c/ollama", "places": [f"~/{manifest.relative_to(home)}"]},
            {"name": "d/broken", "places": ["~/broken.gguf"]},
            {"name": "e/none", "places": ["~/none.gguf"]},
            {"name": "f/sum", "places": [f"~/models/Q-{'[0-9a-f]' * 4}"]},
        ],
        home,
    )
    assert sorted(found) == ["a/file", "b/folder", "c/ollama", "d/broken", "f/sum"]
    assert found["f/sum"]["path"].endswith("/Q-12ab")
    assert found["b/folder"]["bytes"] == 1000
    assert found["b/folder"]["config"] == {"hidden_size": 64}
    assert found["c/ollama"]["gguf"] == found["a/file"]["gguf"]
    assert "cut short" in found["d/broken"]["problem"]
    assert look([{"name": "b", "places": ["~/models"]}], None) == {}


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', "[" * 100_000])
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(GgufError, match=r"config\.json is no configuration of a model"):
        known_of(tmp_path)


@pytest.mark.parametrize(
    "config",
    [{}, {"hidden_size": "x"}, {"hidden_size": 64, "num_hidden_layers": True}, {"text_config": {}}],
)
def test_a_configuration_without_sizes_is_no_shape(config: dict[str, Any]) -> None:
    assert from_config(config) is None
    assert from_gguf({"metadata": config}) is None
