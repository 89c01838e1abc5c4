"""A client for the few requests that set a measurement up and check it: one kept-alive connection, JSON in and out."""

import http.client
import json
import time
import urllib.parse


class UnexpectedReply(Exception):
    """The server answered something else than its contract says."""


class Client:
    def __init__(self, port: int):
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)

    def exchange(self, method: str, path: str, body=None) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {} if body is None else {"Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, text, headers)
            reply = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server may close an idle connection at any time (RFC 9112, section 9.5): once more, on a new one.
            self._connection.close()
            self._connection.request(method, path, text, headers)
            reply = self._connection.getresponse()
        return reply.status, reply.getheaders(), reply.read()

    def expect(self, wanted: int, method: str, path: str, body=None):
        """The decoded body of a reply that has to have the status `wanted`."""
        status, _, bytes_ = self.exchange(method, path, body)
        if status != wanted:
            text = bytes_[:500].decode(errors="replace")
            raise UnexpectedReply(f"{method} {path}: {status} instead of {wanted}: {text}")
        return json.loads(bytes_) if bytes_ else None

    def raw_reply(self, method: str, path: str, body=None) -> bytes:
        """Status line, headers and body as `curl -si` prints them."""
        status, headers, bytes_ = self.exchange(method, path, body)
        lines = [f"HTTP/1.1 {status} {http.client.responses[status]}", *(f"{name}: {value}" for name, value in headers)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + bytes_

    def submit(self, **job) -> str:
        return self.expect(202, "POST", "/v1/jobs", job)["id"]

    def job(self, job_id: str) -> dict:
        return self.expect(200, "GET", f"/v1/jobs/{job_id}")

    def has_jobs(self, **filters) -> bool:
        query = urllib.parse.urlencode({**filters, "limit": 1})
        return bool(self.expect(200, "GET", f"/v1/jobs?{query}")["jobs"])

    def wait_until_state(self, job_ids: list[str], state: str, limit_seconds: float = 30):
        deadline = time.monotonic() + limit_seconds
        for job_id in job_ids:
            while (now := self.job(job_id))["state"] != state:
                if now["done"] or time.monotonic() > deadline:
                    raise UnexpectedReply(f"job {job_id} is {now['state']}, not {state}: {now['error']}")
                time.sleep(0.01)

    def wait_until_drained(self, handler: str, limit_seconds: float = 300, pause_seconds: float = 0.05) -> int:
        """Waits until no job of the handler is queued or running; returns when it saw that (monotonic nanoseconds)."""
        deadline = time.monotonic() + limit_seconds
        # In this order: a job leaves `queued` for `running`, and never returns while it is not attempted again.
        for state in ("queued", "running"):
            while self.has_jobs(state=state, handler=handler):
                if time.monotonic() > deadline:
                    raise UnexpectedReply(f"there are {state} jobs of {handler} still after {limit_seconds} s")
                time.sleep(pause_seconds)
        return time.monotonic_ns()
