"""Steady load on a gateway: half of the requests stream, half use connections that are kept.

python3 load.py ADDRESS SECONDS PER_SECOND MODEL < KEY prints {ok, failed, longest_s, median_s,
errors} as JSON. A stream that does not come to its end is a failure, as is any exception.
"""

from __future__ import annotations

import http.client
import itertools
import json
import sys
import threading
import time
from urllib.parse import urlsplit


class Load:
    def __init__(self, address: str, key: str, model: str) -> None:
        self.host, self.model = urlsplit(address).netloc, model
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.first_bytes: list[float] = []
        self.errors: list[str] = []

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=120)

    def ask(self, connection: http.client.HTTPConnection, stream: bool) -> None:
        began = time.monotonic()
        body = {"model": self.model, "stream": stream, "max_tokens": 16}
        body["messages"] = [{"role": "user", "content": "Say hello."}]
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), self.headers)
            answer = connection.getresponse()
            first, said = time.monotonic() - began, answer.read()
            if answer.status != 200:
                raise ValueError(f"{answer.status}: {said[:200]!r}")
            if stream and b"[DONE]" not in said:
                raise ValueError("truncated stream")
            self.first_bytes.append(first)
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            self.errors.append(f"{time.strftime('%T')} stream={stream} {error!r}")

    def fresh(self, until: float, pause: float) -> None:
        """A new connection for each request, in a thread of its own: none waits for another."""
        threads = []
        for stream in itertools.cycle((True, False)):
            if time.monotonic() > until:
                break
            threads.append(threading.Thread(target=self.ask, args=(self.connection(), stream)))
            threads[-1].start()
            time.sleep(pause)
        for thread in threads:
            thread.join()

    def kept(self, until: float, pause: float, stream: bool) -> None:
        connection = self.connection()
        while time.monotonic() < until:
            began = time.monotonic()
            self.ask(connection, stream)
            time.sleep(max(0.0, pause - (time.monotonic() - began)))

    def run(self, seconds: float, rate: float) -> dict[str, object]:
        until, workers = time.monotonic() + seconds, max(2, round(rate))
        threads = [threading.Thread(target=self.fresh, args=(until, 2 / rate))]
        for number in range(workers):
            pause = workers / (rate / 2)
            threads.append(threading.Thread(target=self.kept, args=(until, pause, number % 2 == 0)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times = sorted(self.first_bytes) or [0.0]
        return {
            "ok": len(self.first_bytes),
            "failed": len(self.errors),
            "longest_s": round(times[-1], 2),
            "median_s": round(times[len(times) // 2], 3),
            "errors": self.errors[:5],
        }


if __name__ == "__main__":
    load = Load(sys.argv[1], sys.stdin.readline().strip().strip('"'), sys.argv[4])
    sys.stdout.write(json.dumps(load.run(float(sys.argv[2]), float(sys.argv[3]))) + "\n")
