"""What schemathesis cannot learn of the contract from OpenAPI, which has no words for it.

Nothing here changes what is expected of a reply; it only keeps requests short, and those that are to be valid really so.
"""

import itertools
import urllib.error
import urllib.parse
import urllib.request

import schemathesis

KEYS = itertools.count()
# Handlers whose jobs end within milliseconds.
QUICK = {"count_primes", "echo", "fail", "matrix_multiply", "noop", "sha256", "word_count"}


@schemathesis.hook
def before_call(context, case, kwargs):
    keep_short(case)
    end_batch(case)
    keep_local(case.query)
    keep_local(case.body)
    if case.meta is None or case.meta.generation.mode.is_positive:
        keep_valid(case)


def keep_short(case):
    """A valid wait is cut, for a job that has no end would keep its client for a minute; `/v1/run` waits unless told otherwise."""
    query = case.query
    wait = query.get("wait")
    # In one phase values are numbers, in another texts of them.
    if str(wait).isdecimal() and 1 < int(str(wait)) <= 1_000_000:
        query["wait"] = 0
    handler = case.operation.path.removeprefix("/v1/run/")
    if handler != case.operation.path and wait is None:
        query["wait"] = 1 if handler in QUICK and not {"delay", "run_at"} & set(query) else 0


def end_batch(case):
    """Results come until the last job of the batch has ended, and some would sleep for a year or wait in a paused queue."""
    if case.operation.path != "/v1/batches/{id}/results":
        return
    batch = urllib.parse.quote(str(case.path_parameters.get("id")), safe="")
    url = f"{case.operation.schema.get_base_url()}/v1/batches/{batch}/cancel"
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10).read()
    except urllib.error.HTTPError:
        pass  # No such batch: nothing has to end.


def keep_local(value):
    """The server is to call nobody but this machine, whatever was generated."""
    if isinstance(value, list):
        for element in value:
            keep_local(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            if str(name).endswith("url") and isinstance(member, str) and member.lower().startswith("http"):
                value[name] = "http://127.0.0.1:9/called"
            else:
                keep_local(member)


def keep_valid(case):
    """Conditions between parameters, and values whose form JSON Schema cannot describe."""
    make_options_acceptable(case.query)
    for name in ("cursor", "after"):
        case.query.pop(name, None)  # only the server gives one out
    if "Idempotency-Key" in case.headers:
        # The same key with another body is an error, and bodies differ here.
        case.headers["Idempotency-Key"] = f"key-{next(KEYS)}"
    if "If-Match" in case.headers:
        case.headers.pop("If-None-Match", None)
    body = case.body
    if not isinstance(body, dict):
        return
    path = case.operation.path
    if path in ("/v1/jobs", "/v1/batches"):
        make_submit_acceptable(body)
    elif path == "/v1/schedules/{name}":
        body["cron"] = "0 3 * * *"
        if "time_zone" in body:
            body["time_zone"] = "Europe/Paris"
        if isinstance(body.get("job"), dict):
            make_submit_acceptable(body["job"])
            body["job"].pop("run_at", None)
    elif path.startswith("/v1/run/"):
        make_args_acceptable(path.removeprefix("/v1/run/"), body)


def make_submit_acceptable(submit):
    make_options_acceptable(submit)
    args = submit.get("args")
    for input in args if isinstance(args, list) else [args]:
        make_args_acceptable(submit.get("handler"), input)


def make_options_acceptable(options):
    if "run_at" in options:
        options.pop("delay", None)
    # A job that fails would be tried again and again beside the requests that are to be answered.
    attempts = str(options.get("max_attempts", ""))
    if attempts.isdecimal() and int(attempts) > 2:
        options["max_attempts"] = 2
    if options.get("callback_url") is not None:
        options["callback_url"] = "http://127.0.0.1:9/called"


def make_args_acceptable(handler, args):
    """What these handlers ask of their input beyond its schema: a URL that curl takes, and matrices whose shapes fit."""
    if not isinstance(args, dict):
        return
    if handler == "http_fetch":
        args["url"] = "http://127.0.0.1:9/" + str(len(args.get("url", "")))
        args["headers"] = {}
    elif handler == "matrix_multiply":
        side = max(1, min(len(args.get("a", [])), 5))
        for name in ("a", "b"):
            numbers = [number for row in args.get(name, []) for number in row] or [0]
            args[name] = [[numbers[(row * side + column) % len(numbers)] for column in range(side)] for row in range(side)]
