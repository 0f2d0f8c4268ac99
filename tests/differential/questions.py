"""What the real Router is asked about a registry, and the explanations that it is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_answer import Explanation

TIMES = 2  # of a request whose way is judged and is a matter of chance
SHARES = 400  # of one whose shares are judged: what a binomial test needs
SHARED_NAMES = 2  # of a registry, whose shares are judged
UNKNOWN = ("nobody-has-this", "LLAMA3.1:8B", "gpt-4-unheard-of", "px/any", "lab.one", "p1/other")
Config = dict[str, Any]


@dataclass(slots=True)
class Question:
    """Requests for a name, with some providers down, and what is said of them before."""

    said: Explanation
    how: str
    times: int
    beyond: dict[str, Explanation] = field(default_factory=dict)  # name -> when a limit is reached
    limit: tuple[str, int] = ("", 0)  # of this id: so many requests in a minute

    def ask(self, config: Config) -> dict[str, Any]:
        """For the worker."""
        metadata: dict[str, Any] = {"tags": list(self.said.tags)} if self.said.tags else {}
        if self.said.agent:
            metadata["user_agent"] = self.said.agent
        return {
            "model": list(self.beyond) or self.said.name,
            "times": self.times,
            "down": [id_ for id_ in ids(config) if provider_of(id_) in self.said.down],
            "how": self.how,
            "metadata": metadata,
        }


def questions(config: Config, rules: dict[str, str]) -> list[Question]:
    """All that is asked about one configuration."""
    of = Explainer(config, rules)
    names = asked_names(config)
    found = [*ways(of, names), *requests_with_marks(of, config, names)]
    found += shares(of, names)
    found += [*limited(of, config, names), *cooling(of, names)]
    order = ("whole", "chosen", "counted", "cooling")
    return sorted(found, key=lambda one: order.index(one.how))


def asked_names(config: Config) -> list[str]:
    """Every public name, every id that fallbacks call, names under wildcards, and unknown ones."""
    public = dict.fromkeys(one["model_name"] for one in config["model_list"])
    plain = [name for name in public if "*" not in name]
    under = [
        name.replace("*", end)
        for name in public
        if "*" in name
        for end in ("new", "qwen3", "a/b", "")
        if name != "*" or end
    ]
    return list(dict.fromkeys([*plain, *under, *UNKNOWN]))


def ways(of: Explainer, names: list[str]) -> Iterator[Question]:
    """Who is asked in turn: with nobody down, with one of those concerned, and with two."""
    for number, name in enumerate(names):
        up = of.explain(name)
        yield Question(up, "whole", 1)
        concerned = concerned_by(up)
        pairs = list(combinations(concerned, 2))
        for count, one in enumerate(concerned[:2]):
            whole = count == 0 and number % 2 == 0
            yield Question(of.explain(name, down=(one,)), "whole" if whole else "chosen", 1)
        downs = [pairs[number % len(pairs)]] if pairs else []
        downs += [concerned] if len(concerned) > 2 and number % 3 == 0 else []
        for said in [of.explain(name, down=down) for down in downs]:
            yield Question(said, "chosen", 1 if said.certain else TIMES)


def concerned_by(said: Explanation) -> tuple[str, ...]:
    """The providers that a request may reach, in the order in which they are asked."""
    return tuple(dict.fromkeys(provider_of(id_) for id_ in said.targets))


def shares(of: Explainer, names: list[str]) -> Iterator[Question]:
    """Many requests for those names whose answers are a matter of chance."""
    chance = [said for said in map(of.explain, names) if by_chance(said)]
    chance.sort(key=lambda said: (len(said.steps) < 2, -len(said.first)))
    for said in chance[:SHARED_NAMES]:
        yield Question(said, "chosen", SHARES)
    for said in chance[:1]:
        downs = [of.explain(said.name, down=(one,)) for one in concerned_by(said)]
        yield from (Question(one, "chosen", SHARES) for one in downs[:1])


def by_chance(said: Explanation) -> bool:
    """Whether who is asked first has a probability between none and all."""
    return any(part is not None and 0 < part < 1 for part in said.first.values())


def requests_with_marks(of: Explainer, config: Config, names: list[str]) -> Iterator[Question]:
    """Requests with a tag or a User-Agent, where some deployment is there for these."""
    params = [one["litellm_params"] for one in config["model_list"]]
    if not any("tags" in one or "tag_regex" in one for one in params):
        return
    for name in names[:4]:
        for tags, agent in ((("batch",), ""), (("unheard-of",), ""), ((), "curl/8"), ((), "x")):
            said = of.explain(name, tags=tags, agent=agent)
            yield Question(said, "whole", 1)
            for one in concerned_by(said)[:1]:
                yield Question(of.explain(name, down=(one,), tags=tags, agent=agent), "whole", 1)


def limited(of: Explainer, config: Config, names: list[str]) -> Iterator[Question]:
    """More requests than a limit allows, under all names that begin with what it limits."""
    everything = [of.explain(name) for name in names]
    first = {one for said in everything for one, part in said.first.items() if part == 1.0}
    for id_ in [one for one in ids(config) if one in first]:
        mine = [said for said in everything if said.first.get(id_) == 1.0]
        rpm = mine[0].targets[id_].rpm
        if rpm:
            down = (provider_of(id_),)
            beyond = {one.name: of.explain(one.name, down=down) for one in mine[:3]}
            yield Question(mine[0], "counted", rpm + 2, beyond, (id_, rpm))


def cooling(of: Explainer, names: list[str]) -> Iterator[Question]:
    """Some requests in a row for a name whose first provider is down, as a client sees it."""
    known = [said for said in map(of.explain, names) if not conditional(said)]
    fitting = [said for said in known if len(concerned_by(said)) > 1]
    for said in fitting[:1]:
        yield Question(of.explain(said.name, down=concerned_by(said)[:1]), "cooling", 8)


def conditional(said: Explanation) -> bool:
    """Whether somebody is there for some requests only: LiteLLM forgets that while all others of
    the name are cooling down."""
    return any(target.tags or target.agents for target in said.targets.values())


def ids(config: Config) -> list[str]:
    """Of all deployments."""
    return list(dict.fromkeys(one["model_info"]["id"] for one in config["model_list"]))


def provider_of(id_: str) -> str:
    """From an id such as ~provider@host/model."""
    return id_[1:].split("/", 1)[0].split("@")[0]
