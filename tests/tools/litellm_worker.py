"""The real LiteLLM Router, asked over standard input and output: a JSON object a line.

Runs under the gateway's own Python. {"load": config} tells what the Router makes of a
configuration. {"ask": config, "model": name, "times": n, "down": [ids]} sends requests through it
to upstreams that only say who they are; those in `down` answer 500 (`failing` says how else, an id
-> one of FAILURES), and `private` says through which door they come; `metadata` is what the proxy
would note of a request, such as its tags. {"sent": config} tells what each deployment's upstream
would be sent, while all of `strays` are set in the environment too. {"many": config, "asks":
[...]} is told in many_requests.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import logging
import os
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ |= {"INITIAL_RETRY_DELAY": "0.001", "MAX_RETRY_DELAY": "0.001", "JITTER": "0"}
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever is printed from here on is no answer

import litellm  # noqa: E402
import many_requests  # noqa: E402
from variables_read import references, resolved  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "roles/gateway/files/program"))
import decisions  # noqa: E402
from doors import came_in_private  # noqa: E402
from shares import shares  # noqa: E402

logging.disable(logging.CRITICAL)
litellm.suppress_debug_info = True

FAILURES = {
    "down": (500, "down"),
    "busy": (429, "too many requests"),
    "context": (400, "This model's maximum context length is 10 tokens"),
    "policy": (400, "content_policy_violation"),
}
down: set[str] = set()
failing: dict[str, str] = {}
asked: list[str] = []
asked_for: list[str] = []  # the model that each of them was asked for
received: list[dict[str, Any]] = []
said: list[str] = []


class Lines:
    """In place of a log."""

    def info(self, text: str, *values: object) -> None:
        """Keeps the line."""
        said.append(text % values)


decisions.log = Lines()
CALLBACKS = {
    "program.shares.shares": shares,
    "program.decisions.decisions": decisions.decisions,
}


class Upstream(BaseHTTPRequestHandler):
    """Answers with the label in its path."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Says nothing."""

    def do_POST(self) -> None:
        """A chat completion, or 500."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        sent = json.loads(body or "{}")
        keys = sorted(sent)
        # OpenAI's client, which LiteLLM asks for embeddings, tries again by itself.
        again = self.headers.get("x-stainless-retry-count", "0") != "0"
        asked_for.extend([] if again else [sent.get("model")])
        received.append({"path": self.path, "headers": dict(self.headers.items()), "keys": keys})
        label = unquote(self.path.split("/")[1])
        asked.extend([] if again else [label])
        if label in down or label in failing:
            status, message = FAILURES[failing.get(label, "down")]
            kind = "invalid_request_error" if status == 400 else "down"
            body = {"error": {"message": message, "type": kind, "code": message}}
        else:
            message = {"role": "assistant", "content": label}
            choice = {"index": 0, "message": message, "text": label, "finish_reason": "stop"}
            usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
            status = 200
            body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m",
                    "choices": [choice], "usage": usage}  # fmt: skip
            if self.path.endswith("/embeddings"):
                vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
                body = {"object": "list", "model": label, "data": [vector], "usage": usage}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def router(config: dict[str, Any]) -> Any:
    """The Router as the proxy makes it, except that a bad deployment raises."""
    litellm.logging_callback_manager._reset_all_callbacks()
    for name in references(config):
        os.environ[name] = "a-value"
    unknown = set(config["router_settings"]) - set(litellm.Router.get_valid_args())
    if unknown:
        raise ValueError(f"unknown router settings {unknown}")
    named = config.get("litellm_settings", {}).get("callbacks", ())
    litellm.callbacks = [CALLBACKS[name] for name in named if name in CALLBACKS]
    return litellm.Router(model_list=config["model_list"], **config["router_settings"])


async def load(request: dict[str, Any], _port: int) -> dict[str, Any]:
    """Names, ids and providers as the Router has them."""
    made = router(request["load"])
    providers = []
    for deployment in made.model_list:
        params = deployment["litellm_params"]
        _, provider, _, _ = litellm.get_llm_provider(
            model=params["model"], api_base=params.get("api_base")
        )
        providers.append(provider)
    return {
        "names": made.get_model_names(),
        "ids": [deployment["model_info"]["id"] for deployment in made.model_list],
        "providers": providers,
        "params": [deployment["litellm_params"] for deployment in made.model_list],
    }


async def ask(request: dict[str, Any], port: int) -> list[dict[str, Any]]:
    """Who answered each request ("" if nobody), and who was asked for it."""
    config = copy.deepcopy(request["ask"])
    for entry in config["model_list"]:
        params, label = entry["litellm_params"], entry["model_info"]["id"]
        params["model"] = "openai/" + params["model"].split("/", 1)[1]
        params["api_base"] = f"http://127.0.0.1:{port}/{quote(label, safe='')}/v1"
    made = router(config)
    decides = decisions.decisions in litellm.callbacks
    down.clear()
    down.update(request.get("down", ()))
    failing.clear()
    failing.update(request.get("failing", {}))
    came_in_private.set(request.get("private", False))
    found = []
    for _ in range(request.get("times", 1)):
        asked.clear()
        asked_for.clear()
        said.clear()
        model = request["model"]
        for name in model if isinstance(model, list) else [model]:
            try:
                who = await answered_by(made, name, request)
            except Exception as error:
                who = ""
                request["error"] = type(error).__name__
            answer = {"model": name, "who": who, "asked": [*asked], "asked_for": [*asked_for]}
            asked.clear()
            asked_for.clear()
            # Lets the counters of tokens run; those of costs, and the log, take longer.
            await asyncio.sleep(0.05 if decides or request.get("patient") else 0)
            found.append(answer | ({"said": list(said)} if decides else {}))
            said.clear()
    return found


async def answered_by(made: Any, name: str, request: dict[str, Any]) -> str:
    """Who answers one request, which is of the kind that the name is for."""
    own = {one["model_name"]: one["model_info"].get("mode") for one in request["ask"]["model_list"]}
    mode = str(request.get("mode") or own.get(name) or "")
    return await many_requests.answered_by(made, name, request, mode)


async def sent(request: dict[str, Any], port: int) -> list[dict[str, Any]]:
    """id, path and headers of the request that each deployment gives rise to."""
    config = resolved(request["sent"], "own-")
    os.environ.update({name: f"stray-{name}" for name in request["strays"]})
    found = []
    for entry in config["model_list"]:
        params = entry["litellm_params"]
        path = urlsplit(params.get("api_base", "")).path
        params |= {"api_base": f"http://127.0.0.1:{port}{path}", "num_retries": 0}
        made = router({"model_list": [entry], "router_settings": {"num_retries": 0}})
        received.clear()
        asking = {
            "chat": partial(made.acompletion, messages=[{"role": "user", "content": "Hello"}]),
            "completion": partial(made.atext_completion, prompt="Hello"),
            "embedding": partial(made.aembedding, input="Hello"),
        }
        with contextlib.suppress(Exception):  # the answer is of no interest
            await asking[entry["model_info"]["mode"]](model=entry["model_name"])
        found.append({"id": entry["model_info"]["id"], "requests": list(received)})
    for name in request["strays"]:
        del os.environ[name]
    return found


async def many(request: dict[str, Any], _port: int) -> list[list[dict[str, Any]]]:
    """An answer for each question to one configuration."""
    return await many_requests.many(request["many"], request["asks"], router)


JOBS: dict[str, Any] = {"load": load, "ask": ask, "sent": sent, "many": many}


def main() -> None:
    """One answer a line, until the input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            job = next(job for name, job in JOBS.items() if name in request)
            reply = {"result": loop.run_until_complete(job(request, server.server_address[1]))}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    main()
