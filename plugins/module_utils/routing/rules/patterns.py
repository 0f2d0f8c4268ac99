# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patterns: expressions that are none, that fit nothing, and that something else is in front of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...registry.problems import WARNING, Problem
from ..pattern_text import EXPANDED, WILDCARD, alternatives, meaning
from ..pattern_use import PatternUse, sent
from ..sources.default_provider import EVERYTHING
from .facts import Facts, listing, path_of

_ALTERNATIVES = re.compile(r"\^\((?:\?:)?(?P<inner>[^()]+)\)(?P<rest>.*\.[*+]\$?)")
_GLOB = re.compile(r"[A-Za-z0-9_/:.-]+\*")  # as a shell has it: the `*` stands for anything there


def bad_pattern(facts: Facts) -> Iterator[Problem]:
    """A pattern is a regular expression."""
    for use in facts.table.patterns:
        if use.error:
            path = path_of(use.pattern.text)
            message = f"{path} is no regular expression: {use.error} at character {use.at + 1}"
            yield Problem(use.pattern.text_place, "bad-pattern", message, "such as ^gpt-.*")
        elif use.endless:
            message = f"{path_of(use.pattern.text)} may run without end: {use.endless}"
            expected = (
                "few repeats, none inside of another, and alternatives that begin differently"
            )
            yield Problem(use.pattern.text_place, "bad-pattern", message, expected)


def shadowed_pattern(facts: Facts) -> Iterator[Problem]:
    """The first that matches a name has it, so a wider one must not come first."""
    for use in facts.table.patterns:
        path = path_of(use.pattern.text)
        if use.behind is not None and not use.names:
            where = f"{use.behind.place.file}:{use.behind.place.line}"
            message = f"{path} never matches: '{use.behind.text}' comes first and takes all of it"
            expected = f"this one in front of the one in {where}, or only one of them"
            yield Problem(use.pattern.place, "never-matches", message, expected)
        elif use.fits and not use.names:
            message = f"{path} never matches: {listing(use.fits)} has a rule of its own"
            expected = "the provider in that rule, or no pattern"
            yield Problem(use.pattern.place, "never-matches", message, expected)
    yield from _shadowed_default(facts)


def _shadowed_default(facts: Facts) -> Iterator[Problem]:
    default = facts.registry.default_provider
    for use in facts.table.patterns if default is not None else ():
        if default is not None and use.wildcard == EVERYTHING:
            where = f"{use.pattern.place.file}:{use.pattern.place.line}"
            message = (
                "routing_rules.default_provider never answers: a pattern matches all names"
                f" ({where})"
            )
            yield Problem(default.place, "never-matches", message, "one of the two")


def pattern_without_match(facts: Facts) -> Iterator[Problem]:
    """An expanded pattern needs names that are known; a prefix should be one of its models'."""
    for use in facts.table.patterns:
        path = path_of(use.pattern.text)
        provider = facts.registry.providers.get(use.pattern.provider.name)
        if provider is None or use.error or use.endless:
            continue
        if use.kind == EXPANDED and not use.fits:
            models = (
                list(provider.models) if provider.models and not use.pattern.backend_model else []
            )
            among = f"models of '{provider.name}'" if models else "known models"
            message = f"{path} matches none of the {among}, and any other name is not known"
            expected = _better(use) or (f"one of {listing(models)}" if models else "names to match")
            yield Problem(use.pattern.text_place, "pattern-without-match", message, expected)
        elif use.kind == WILDCARD and provider.models and not use.pattern.backend_model:
            start = sent(use, provider)[:-1]
            if not any(model.startswith(start) for model in provider.models):
                message = (
                    f"{path}: '{provider.name}' is asked for names that begin with '{start}', and"
                    " lists none"
                )
                expected = f"a backend_model, one of {listing(list(provider.models))}"
                yield Problem(
                    use.pattern.place, "pattern-without-match", message, expected, severity=WARNING
                )


def loose_pattern(facts: Facts) -> Iterator[Problem]:
    """Nearly a prefix: it holds for the names that are known now, and for no other."""
    for use in facts.table.patterns:
        better = _better(use) if use.kind == EXPANDED and use.fits else ""
        if better:
            message = (
                f"{path_of(use.pattern.text)} is no prefix, so it holds for known names only, and"
                f" wherever it is found in them: {listing(use.fits)}"
            )
            yield Problem(
                use.pattern.text_place, "loose-pattern", message, better, severity=WARNING
            )


def _better(use: PatternUse) -> str:
    """The prefix that was probably meant, "" if there is none."""
    text = use.pattern.text
    if _GLOB.fullmatch(text.removeprefix("^")):
        literal = text.removeprefix("^")[:-1].removesuffix(".").replace("\\", "")
        return f"^{_quoted(literal)}.*"
    each = _each(text)
    if each:
        return f"one pattern for each: {listing(each)}"
    if re.search(r"[()\[\]{}|?]|\\[A-Za-z]", text):
        return ""
    anchored = text if text.startswith("^") else f"^{text}"
    for candidate in (anchored, re.sub(r"(?<!\\)\.(?![*+])", r"\\.", anchored)):
        if meaning(candidate).kind == WILDCARD and meaning(candidate).text:
            return candidate
    return ""


def _each(text: str) -> list[str]:
    """`^a/.*` and `^b/.*` of `^(a|b)/.*`: prefixes, which hold for names that nobody knows too."""
    group = _ALTERNATIVES.fullmatch(text)
    if group is None:
        return []
    found = [f"^{one}{group['rest']}" for one in alternatives(group["inner"])]
    meanings = [meaning(one) for one in found]
    good = all(one.kind == WILDCARD and one.text for one in meanings)
    return found if good and len(found) > 1 else []


def _quoted(literal: str) -> str:
    return literal.replace(".", "\\.")


def pattern_priority(facts: Facts) -> Iterator[Problem]:
    """A rank behind others needs others, which a prefix never has."""
    for use in facts.table.patterns:
        pattern, name = use.pattern, use.pattern.provider.name
        if not pattern.rank or not (use.wildcard or use.names):
            continue
        routes = [facts.table.routes.get(one) for one in use.names]
        targets = [target for route in routes if route is not None for target in route.targets]
        if all(target.deployment.provider == name for target in targets):
            message = f"{path_of(pattern.text)}: no other provider serves it, so it comes first"
            expected = "no priority; who comes next is a fallback"
            yield Problem(
                pattern.place, "priority-without-effect", message, expected, severity=WARNING
            )
