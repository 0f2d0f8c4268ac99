"""Two gateways that count in one Redis, with HAProxy and keepalived in front: docs/fleet.md.

The tests go on from each other's end: what one changes on the hosts it undoes.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tools.fleet_lab import STUB
from tools.gateway_under_test import MASTER, Load
from tools.gateways_lab import FRONT, GATEWAYS, PASSWORD, REDIS, Gateways, gateways
from tools.lab_hosts import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

LIMIT = 20  # requests a minute
WINDOW_SECONDS = 61
LIMITED = {"rate_limit_settings": {"limits": {"up": {"rpm": LIMIT}}}}
CLI = f"REDISCLI_AUTH={PASSWORD} redis-cli -h {{address}} "
ELSEWHERE = """cp /etc/hosts /etc/hosts.before
sed 's/.*front1$/127.0.0.1 front1/' /etc/hosts.before > /etc/hosts
systemd-run --quiet --collect --unit elsewhere python3 -m http.server 9001 --bind 127.0.0.1"""
# Two that take turns on one host, which is nobody's yet.
SLOT = {
    side: {
        "type": "llama_cpp",
        "deploy": {"hosts": REDIS, "port": 8090, "slot": "duo"},
        "models": [{"name": f"{side}-model", "source": {"path": "/srv/models/stand-in.gguf"}}],
    }
    for side in ("left", "right")
}
OF_STAND_IN = {"llama_cpp_install": "binary", "llama_cpp_binary": STUB}
SWITCH = "playbooks/switch_model.yml"
BACK = "cat /etc/hosts.before > /etc/hosts; systemctl stop elsewhere"
CERTIFICATE = """set -e
cd /etc/redis
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=redis1 \
  -addext subjectAltName=IP:{address} 2>/dev/null
chgrp redis tls.key && chmod 640 tls.key
cat tls.pem"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    with gateways(tmp_path_factory.mktemp("gateways")) as both:
        both.declare()
        first = both.site()
        assert first.code == 0, first.output
        wait_for(lambda: both.has_address() == [FRONT], 60, "keepalived has elected the first")
        wait_for(lambda: set(both.sessions()) == set(GATEWAYS), 60, "HAProxy sees both")
        yield both


def redis_cli(both: Gateways, command: str) -> str:
    return both.on(REDIS, CLI.format(address=both.lab.addresses[REDIS]) + command)


def alternately(both: Gateways, times: int) -> Counter[int]:
    """What both say, asked in turn, once their counters are over."""
    begun = time.time()
    wait_for(
        lambda: time.time() - begun > WINDOW_SECONDS and time.time() % 60 < 20,
        150,
        "the minute that was counted is over",
    )
    with ThreadPoolExecutor(6) as pool:
        return Counter(pool.map(both.ask, (GATEWAYS[number % 2] for number in range(times))))


def changes(both: Gateways) -> list[tuple[str, float, float]]:
    """Each gateway's last change: whose, from when to when."""
    found = []
    for name in GATEWAYS:
        journal = json.loads(both.on(name, "cat /var/lib/llm/gateway/change.json"))
        found.append((name, journal["since"], journal["phases"][-1]["at"]))
    return found


def test_both_serve_the_same_and_a_second_run_changes_nothing(both: Gateways) -> None:
    again = both.site()
    assert again.code == 0, again.output
    assert "changed" not in again.output
    assert both.config("gateway1") == both.config("gateway2")
    assert [both.ask(name) for name in ("", *GATEWAYS)] == [200, 200, 200]


def test_no_request_is_lost_while_one_is_changed_after_the_other(
    both: Gateways, tmp_path: Path
) -> None:
    before = both.sessions()
    load = Load(both.url(), tmp_path / "load", rate=4, model="m")
    both.new_mark()
    both.declare()
    changed = both.site()
    report = load.end()
    assert changed.code == 0, changed.output
    print(report.summary())
    assert report.failed == [], report.summary()
    assert all(now > before[name] for name, now in both.sessions().items())
    assert [both.ask(name, both.mark) for name in GATEWAYS] == [200, 200]
    (_one, _begun, ended), (_two, begun, _ended) = changes(both)
    assert ended <= begun


def test_one_that_is_drained_is_given_nothing(both: Gateways, tmp_path: Path) -> None:
    load = Load(both.url(), tmp_path / "load", rate=4, model="m")
    try:
        both.haproxy("set server llm/gateway2 state drain")
        wait_for(lambda: both.sessions("scur")["gateway2"] == 0, 60, "it has finished what it had")
        before = both.sessions()
        wait_for(
            lambda: both.sessions()["gateway1"] > before["gateway1"] + 20, 60, "the other is asked"
        )
        after = both.sessions()
    finally:
        both.haproxy("set server llm/gateway2 state ready")
        report = load.end()
    assert after["gateway2"] == before["gateway2"]
    assert report.failed == [], report.summary()


def test_the_address_moves_when_haproxy_is_gone(both: Gateways) -> None:
    both.on(FRONT, "systemctl stop haproxy")
    try:
        wait_for(lambda: both.has_address() == ["front2"], 30, "the second has the address")
        wait_for(lambda: both.ask() == 200, 30, "it is answered there")
    finally:
        both.on(FRONT, "systemctl start haproxy")
    wait_for(lambda: both.has_address() == [FRONT], 30, "the first has it back")
    assert both.ask() == 200


def test_where_the_second_fails_the_first_serves_again_what_it_served(both: Gateways) -> None:
    before = {name: both.current(name) for name in GATEWAYS}
    old = both.mark
    both.on("gateway2", ELSEWHERE)
    try:
        both.new_mark()
        both.declare()
        failed = both.site()
    finally:
        both.on("gateway2", BACK)
    assert failed.code == 2
    assert "gateway2: " in failed.output, failed.output
    assert {name: both.current(name) for name in GATEWAYS} == before
    for name in GATEWAYS:  # who has failed cools down for some seconds
        wait_for(lambda name=name: both.ask(name, old) == 200, 60, f"{name} answers as before")
    assert both.config("gateway1") == both.config("gateway2")
    both.mark = old
    both.declare()


def test_a_limit_holds_for_both_together(both: Gateways) -> None:
    both.declare(**LIMITED)
    limited = both.site()
    assert limited.code == 0, limited.output
    assert alternately(both, LIMIT + 10) == {200: LIMIT, 429: 10}


def test_who_has_the_password_can_do_what_litellm_does_and_no_more(both: Gateways) -> None:
    asked = redis_cli(both, "info commandstats")
    print(asked)
    rejected = [line for line in asked.split() if "rejected_calls=" in line]
    assert [line for line in rejected if "rejected_calls=0" not in line] == []
    assert "cmdstat_eval:" in asked
    for command in ("flushall", "config get requirepass", "keys '*'", "shutdown", "acl list"):
        assert "NOPERM" in redis_cli(both, command)
    assert "NOAUTH" in both.on(REDIS, f"redis-cli -h {both.lab.addresses[REDIS]} ping")


def test_without_redis_each_counts_for_itself_until_it_is_back(both: Gateways) -> None:
    both.on(REDIS, "systemctl stop redis-server")
    try:
        begun = time.monotonic()
        assert [both.ask(name) for name in GATEWAYS] == [200, 200]
        print("the first answers without it after", time.monotonic() - begun)
        assert alternately(both, 2 * LIMIT + 10) == {200: 2 * LIMIT, 429: 10}
    finally:
        both.on(REDIS, "systemctl start redis-server")
    # A minute after the last failure LiteLLM tries Redis with one question, which may meet a
    # connection of before and fail; what is asked until then it counts for itself.
    for _time in range(3):
        if (counted := alternately(both, LIMIT + 10)) == {200: LIMIT, 429: 10}:
            return
    raise AssertionError(f"minutes later they still do not count together: {counted}")


def of_others(both: Gateways, **more: object) -> None:
    """Redis is somebody else's: the gateways' variables say where it is."""
    known = {"gateway_redis_host": both.lab.addresses[REDIS], **more}
    both.variables = {name: dict(known) for name in GATEWAYS}
    both.new_mark()
    both.declare(**LIMITED)


def test_what_is_wrong_with_redis_stops_a_run_before_a_gateway_is_changed(both: Gateways) -> None:
    before = {name: both.current(name) for name in GATEWAYS}
    mark = both.mark
    of_others(both)
    place = f"Redis at {both.lab.addresses[REDIS]}:6379 "
    both.environment["LLM_REDIS_PASSWORD"] = "not the one that it has"
    refused = both.site()
    both.environment["LLM_REDIS_PASSWORD"] = PASSWORD
    both.on(REDIS, "systemctl stop redis-server")
    try:
        away = both.site()
        both.variables = {}
        both.declare()
        both.hang(REDIS)
        unreached = both.site()
    finally:
        both.go_on(REDIS)
        both.on(REDIS, "systemctl start redis-server")
    both.mark = mark
    both.declare(**LIMITED)
    assert [one.code for one in (refused, away, unreached)] == [2, 2, 2]
    assert f"{place}does not take the password: WRONGPASS" in refused.output
    assert f"{place}does not answer: Connection refused. Start it" in away.output
    assert "redis1: " in unreached.output
    assert "not the one that it has" not in refused.output
    assert {name: both.current(name) for name in GATEWAYS} == before


def test_they_speak_tls_with_a_redis_that_has_a_certificate(both: Gateways) -> None:
    address = both.lab.addresses[REDIS]
    certificate = both.on(REDIS, CERTIFICATE.format(address=address))
    both.variables = {
        REDIS: {
            "redis_tls_cert_file": "/etc/redis/tls.pem",
            "redis_tls_key_file": "/etc/redis/tls.key",
        }
    }
    both.declare(**LIMITED)
    untrusted = both.site()
    assert untrusted.code == 2
    assert "shows a certificate that is not trusted here" in untrusted.output, untrusted.output
    for name in GATEWAYS:
        both.on(name, "cat > /etc/ssl/redis.pem", certificate.encode())
    both.variables[REDIS]["redis_ca_file_of_gateways"] = "/etc/ssl/redis.pem"
    both.declare(**LIMITED)
    secured = both.site()
    assert secured.code == 0, secured.output
    assert alternately(both, LIMIT + 10) == {200: LIMIT, 429: 10}


def test_the_key_of_clients_is_one_for_both(both: Gateways) -> None:
    del both.environment["LITELLM_MASTER_KEY"]
    try:
        without = both.site()
    finally:
        both.environment["LITELLM_MASTER_KEY"] = MASTER
    assert without.code == 2
    assert "LITELLM_MASTER_KEY has no value; it is needed by gateway1, gateway2" in without.output
    assert alternately(both, 2) == {200: 2}


def runs(both: Gateways) -> list[str]:
    """Of left and right whether each runs."""
    units = "llama-server-left llama-server-right"
    return both.on(REDIS, f"systemctl --user -M llm@ is-active {units} || true").split()


def test_a_slot_is_switched_on_both_or_on_none(both: Gateways) -> None:
    both.give_stub(REDIS)
    both.variables = {REDIS: OF_STAND_IN}
    both.declare(providers=SLOT, slots={"duo": "left"})
    first = both.site()
    assert first.code == 0, first.output
    switched = both.play(SWITCH, "-e", "provider=right")
    assert switched.code == 0, switched.output
    assert runs(both) == ["inactive", "active"]
    for name in GATEWAYS:
        assert [both.ask(name, f"{side}-model") for side in ("left", "right")] == [400, 200]
    before = {name: both.config(name) for name in GATEWAYS}
    both.hang("gateway2")
    try:
        failed = both.play(SWITCH, "-e", "provider=left")
    finally:
        both.go_on("gateway2")
    assert failed.code == 2
    assert "gateway2" in failed.output, failed.output
    assert runs(both) == ["inactive", "active"]
    assert {name: both.config(name) for name in GATEWAYS} == before
    assert [both.ask(name, "right-model") for name in GATEWAYS] == [200, 200]
