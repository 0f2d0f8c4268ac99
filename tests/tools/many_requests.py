"""Many requests through the real Router at once; a part of litellm_worker.py.

{"many": config, "asks": [...]}: a configuration as it is deployed and questions to it, each
{model, times, down: [ids], how, metadata}. The upstreams are labelled with the ids; those in `down`
fail with 500. `how`:

"whole": LiteLLM does everything up to the HTTP request, which a transport in this process answers.
"chosen": litellm.acompletion is answered in this process, so only the Router works: ten times as
many requests in the same time, for shares. Its counters and latencies do not run.
"counted": whole, one after the other, with the limits of the configuration. Else these are lifted.
"cooling": whole, one after the other, and who fails too often is not asked for a while. Else
nobody is left out for that.

An answer to a request: {who, asked: [ids], sent: [models], status}, `who` being "" where the client
gets an error of that status.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
import litellm

Config = dict[str, Any]
Ask = dict[str, Any]
Seen = dict[str, Any]
LIFTED = 10**6
AT_ONCE = 50
PATIENCE = 30  # seconds for one request, after which its status is 504
REPLACED = (
    "acompletion", "aembedding", "atext_completion", "aclient_session", "calculate_retry_after",
)  # fmt: skip
USAGE = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
here: ContextVar[Seen] = ContextVar("here")  # what is seen of the request in this task
down: set[str] = set()


def labelled(config: Config, how: str) -> Config:
    """With upstreams that say who they are, and with limits that nobody reaches."""
    made = copy.deepcopy(config)
    for entry in made["model_list"]:
        params = entry["litellm_params"]
        params["model"] = "openai/" + params["model"].split("/", 1)[1]
        params["api_base"] = f"http://{how}/{quote(entry['model_info']['id'], safe='')}/v1"
        for key in ("rpm", "tpm") if how != "counted" else ():
            if key in params:
                params[key] *= LIFTED
    made["router_settings"]["disable_cooldowns"] = how != "cooling"
    return made


def upstream(url: str, model: str) -> tuple[str, bool]:
    """Who is asked by this address, and whether it answers."""
    who = unquote(urlsplit(url).path.split("/")[1])
    here.get()["asked"].append(who)
    here.get()["sent"].append(model)
    return who, who not in down


def transport(request: httpx.Request) -> httpx.Response:
    """An upstream with the OpenAI API."""
    sent = json.loads(request.content)
    who, answers = upstream(str(request.url), sent["model"])
    if not answers:
        error = {"message": "down", "type": "down", "code": "down"}
        # OpenAI's client, which LiteLLM asks for embeddings, would try again by itself.
        return httpx.Response(500, json={"error": error}, headers={"x-should-retry": "false"})
    body: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 1, "model": who}
    if request.url.path.endswith("/embeddings"):
        body["data"] = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
    else:
        message = {"role": "assistant", "content": who}
        body["choices"] = [{"index": 0, "message": message, "text": who, "finish_reason": "stop"}]
    return httpx.Response(200, json=body | {"usage": USAGE})


async def completion(**sent: Any) -> Any:
    """In place of litellm.acompletion and its like for embeddings and text."""
    who, answers = upstream(sent["api_base"], sent["model"].split("/", 1)[1])
    if not answers:
        error = litellm.InternalServerError("down", model=sent["model"], llm_provider="openai")
        error.num_retries = sent.get("num_retries")  # as LiteLLM's own functions do
        raise error
    if "prompt" in sent:
        return litellm.TextCompletionResponse(model=who, choices=[{"text": who}])
    return litellm.ModelResponse(model=who, choices=[{"message": {"content": who}}])


def at_once(**_asked: Any) -> float:
    """In place of litellm.calculate_retry_after, which after a 429 waits for the next minute."""
    return 0.0


@contextlib.contextmanager
def upstreams(how: str, gone: list[str]) -> Iterator[None]:
    """As long as they are these."""
    before = {name: getattr(litellm, name) for name in REPLACED}
    down.clear()
    down.update(gone)
    litellm.calculate_retry_after = at_once
    litellm.aclient_session = httpx.AsyncClient(transport=httpx.MockTransport(transport))
    if how == "chosen":
        litellm.acompletion = litellm.aembedding = litellm.atext_completion = completion
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(litellm, name, value)


async def one(router: Any, name: str, ask: Ask, modes: dict[str, str]) -> Seen:
    """One request, with what is seen of it."""
    seen: Seen = {"model": name, "who": "", "asked": [], "sent": [], "status": 200}
    here.set(seen)
    if not known(router, name):
        return seen | {"status": 400}
    try:
        async with asyncio.timeout(PATIENCE):
            seen["who"] = await answered_by(router, name, ask, modes.get(name, ""))
    except TimeoutError:
        seen["status"] = 504
    except Exception as error:
        seen["status"] = int(getattr(error, "status_code", 0) or 0)
    return seen


async def answered_by(router: Any, name: str, ask: Ask, mode: str) -> str:
    """Who answers, asked in the way that the name is for."""
    if mode == "embedding":
        return str((await router.aembedding(model=name, input="Hello")).model)
    if mode == "completion":
        answer = await router.atext_completion(model=name, prompt="Hello")
        return str(answer.choices[0].text)
    answer = await router.acompletion(
        model=name,
        messages=[{"role": "user", "content": "Hello"}],
        metadata=copy.deepcopy(ask.get("metadata", {})),
    )
    return str(answer.choices[0].message.content)


def known(router: Any, name: str) -> bool:
    """Whether the proxy hands a name to its Router at all (proxy/route_llm_request.py)."""
    return bool(
        name in router.model_names
        or name in (router.model_group_alias or ())
        or router.has_model_id(name)
        or router.pattern_router.patterns
        or name in router.get_model_names()
    )


async def asked(router: Any, ask: Ask, modes: dict[str, str]) -> list[Seen]:
    """All requests of one question; `model` may be several names, which are asked in turn."""
    named = ask["model"] if isinstance(ask["model"], list) else [ask["model"]]
    names = [name for _ in range(ask.get("times", 1)) for name in named]
    found: list[Seen] = []
    size = 1 if ask["how"] in ("counted", "cooling") else AT_ONCE
    for start in range(0, len(names), size):
        tasks = [asyncio.create_task(one(router, name, ask, modes))
                 for name in names[start : start + size]]  # fmt: skip
        found += await asyncio.gather(*tasks)
        if size == 1:
            await asyncio.sleep(0)  # lets the counters run
    return found


async def many(config: Config, asks: list[Ask], make: Callable[[Config], Any]) -> list[list[Seen]]:
    """An answer for each question, in their order."""
    modes = {one["model_name"]: one["model_info"].get("mode", "") for one in config["model_list"]}
    routers: dict[str, Any] = {}
    found = []
    for ask in asks:
        how = ask["how"]
        with upstreams(how, ask.get("down", [])):
            if how in ("counted", "cooling"):
                found.append(await within_a_minute(config, ask, make, modes))
                continue
            if how not in routers:
                routers[how] = make(labelled(config, how))
            found.append(await asked(routers[how], ask, modes))
    return found


async def within_a_minute(
    config: Config, ask: Ask, make: Callable[[Config], Any], modes: dict[str, str]
) -> list[Seen]:
    """Asked afresh where the minute, by which limits are counted, changed meanwhile."""
    found: list[Seen] = []
    for _ in range(5):
        router = make(labelled(config, ask["how"]))
        before = int(time.time() // 60)
        found = await asked(router, ask, modes)
        if int(time.time() // 60) == before:
            break
    return found
