"""Drives a headless Chromium over its own pipe (--remote-debugging-pipe): no library, no port, nothing left behind."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class BrowserError(Exception):
    pass


class Page:
    """One tab. Use it as a context manager; the browser and its profile are gone afterwards."""

    def __init__(self, program="chromium", width=1440, height=900):
        self._profile = tempfile.mkdtemp(prefix="millrace-browser-")
        # The browser reads commands from descriptor 3 and writes replies to 4; messages end with a zero byte.
        # https://chromium.googlesource.com/chromium/src/+/main/content/browser/devtools/devtools_pipe_handler.cc
        command_read, self._command = os.pipe()
        self._reply, reply_write = os.pipe()
        # Both are copied high up first, or putting one in its place could overwrite the other.
        command_end = fcntl.fcntl(command_read, fcntl.F_DUPFD, 10)
        reply_end = fcntl.fcntl(reply_write, fcntl.F_DUPFD, 10)
        # The sandbox does not work for root (https://crbug.com/638180).
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        script = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
        self._browser = subprocess.Popen(
            ["bash", "-c", script, "sh", str(command_end), str(reply_end), program, "--headless=new",
             "--remote-debugging-pipe", *sandbox, "--no-first-run", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", f"--user-data-dir={self._profile}", f"--window-size={width},{height}"],
            pass_fds=(command_end, reply_end), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for descriptor in (command_read, reply_write, command_end, reply_end):
            os.close(descriptor)
        self._buffer = b""
        self._next_id = 0
        self._session = None
        self.complaints = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._session = None
            self.call("Browser.close", limit=5)
        except (BrowserError, OSError):
            self._browser.kill()
        try:
            self._browser.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._browser.kill()
            self._browser.wait()
        os.close(self._command)
        os.close(self._reply)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method, limit=20, **params):
        """Sends one command and gives its result. What the page complains about meanwhile is kept in `complaints`."""
        self._next_id += 1
        message = {"id": self._next_id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._command, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + limit
        while True:
            reply = self._receive(deadline)
            if reply.get("id") != self._next_id:
                self._note(reply)
            elif "error" in reply:
                raise BrowserError(f"{method}: {reply['error']['message']}")
            else:
                return reply["result"]

    def open(self, url):
        """Goes to a page and waits until it and its scripts are there."""
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise BrowserError(f"{url}: {answer['errorText']}")
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")

    def evaluate(self, expression):
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression, limit=10):
        """Waits until the expression is true, and gives its value."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            value = self.evaluate(expression)
            if value:
                return value
            time.sleep(0.05)
        raise BrowserError(f"not true within {limit} s: {expression}")

    def _receive(self, deadline):
        while b"\0" not in self._buffer:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([self._reply], [], [], remaining)[0]:
                raise BrowserError("the browser does not answer")
            piece = os.read(self._reply, 1 << 16)
            if not piece:
                raise BrowserError("the browser has ended")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif event.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
