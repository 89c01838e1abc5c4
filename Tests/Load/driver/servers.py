"""Builds, starts and ends the two sides that are compared."""

import contextlib
import http.client
import os
import pathlib
import re
import subprocess
import time

PACKAGE = pathlib.Path(__file__).resolve().parents[3]


class ServerFailed(Exception):
    """A side could not be built, or is not there."""


def build(product: str) -> pathlib.Path:
    """Builds a product for release, and returns the executable."""
    environment = {**os.environ, "MILLRACE_LOAD": "1"}
    command = ["swift", "build", "-c", "release", "--package-path", str(PACKAGE)]
    if subprocess.run([*command, "--product", product], env=environment).returncode != 0:
        raise ServerFailed(f"{product} does not build")
    folder = subprocess.run([*command, "--show-bin-path"], env=environment, capture_output=True, text=True, check=True)
    return pathlib.Path(folder.stdout.strip()) / product


class Server:
    """A started server that prints the port it listens on. A context manager: leaving it ends the process."""

    def __init__(self, name: str, command: list[str], log: pathlib.Path):
        self.name = name
        self._log = log
        # Settings come from the command line alone, whatever the caller's shell has set.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MILLRACE_")}
        with log.open("wb") as output:
            # Whatever ends this driver ends the server as well.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment)
        try:
            self.port = self._wait_for_port()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _wait_for_port(self, limit_seconds: float = 30) -> int:
        deadline = time.monotonic() + limit_seconds
        while time.monotonic() < deadline:
            self.check_alive()
            if found := re.search(r"127\.0\.0\.1:([1-9]\d*)", self._log.read_text(errors="replace")):
                return int(found[1])
            time.sleep(0.02)
        raise ServerFailed(f"{self.name} printed no port within {limit_seconds} s:\n{self.log_tail()}")

    def wait_until_ready(self, limit_seconds: float = 30):
        deadline = time.monotonic() + limit_seconds
        answer = "nothing"
        while time.monotonic() < deadline:
            self.check_alive()
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
                try:
                    connection.request("GET", "/readyz")
                    answer = connection.getresponse().status
                except (OSError, http.client.HTTPException) as error:
                    answer = repr(error)
            if answer == 200:
                return
            time.sleep(0.02)
        raise ServerFailed(f"{self.name}: /readyz answers {answer} after {limit_seconds} s:\n{self.log_tail()}")

    def check_alive(self):
        if (status := self._process.poll()) is not None:
            raise ServerFailed(f"{self.name} ended with {status}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])

    def stop(self, limit_seconds: float = 20):
        """Asks, waits, and kills in the end. Its own processes end with it."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
