"""What schemathesis cannot learn of the contract from OpenAPI, which has no words for it.

Nothing here changes what is expected of a reply; it only keeps requests short, and those that are to be valid really so.
"""

import schemathesis

# Handlers whose jobs end within milliseconds.
QUICK = {"count_primes", "echo", "fail", "matrix_multiply", "noop", "sha256", "word_count"}


@schemathesis.hook
def before_call(context, case, kwargs):
    keep_short(case)
    if case.meta is None or case.meta.generation.mode.is_positive:
        keep_valid(case)


def keep_short(case):
    """A valid wait is cut, for a job that has no end would keep its client for a minute; `/v1/run` waits unless told otherwise."""
    query = case.query
    wait = query.get("wait")
    if isinstance(wait, int) and 1 < wait <= 1_000_000:
        query["wait"] = 0
    handler = case.operation.path.removeprefix("/v1/run/")
    if handler != case.operation.path and wait is None:
        query["wait"] = 1 if handler in QUICK and not {"delay", "run_at"} & set(query) else 0


def keep_valid(case):
    """Conditions between parameters, and values that only the server gives out."""
    if "run_at" in case.query:
        case.query.pop("delay", None)
    if case.operation.path == "/v1/jobs":
        case.query.pop("cursor", None)
    body = case.body
    if not isinstance(body, dict):
        return
    if case.operation.path == "/v1/jobs":
        make_acceptable(body.get("handler"), body.get("args"))
    elif case.operation.path.startswith("/v1/run/"):
        make_acceptable(case.operation.path.removeprefix("/v1/run/"), body)


def make_acceptable(handler, args):
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
