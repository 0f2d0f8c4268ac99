"""Makes a model's folder, as vLLM loads it, from a GGUF: dequantise.py URL FOLDER."""

from __future__ import annotations

import sys
import tempfile
import urllib.request
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer


def main(url: str, folder: str) -> None:
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "model.gguf"
        urllib.request.urlretrieve(url, file)
        tokenizer = AutoTokenizer.from_pretrained(work, gguf_file=file.name)
        model = AutoModelForCausalLM.from_pretrained(work, gguf_file=file.name, dtype="bfloat16")
    # Its weights are plain ones by now, and it does not know it.
    model.hf_quantizer, model.is_quantized = None, False
    model.__dict__.pop("quantization_method", None)
    del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
