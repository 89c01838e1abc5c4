// How the page speaks with the server: one function that sends, and one error that says in words what went wrong.

const readLimitMilliseconds = 10_000;
const tokenKey = "millrace-token";

/// Anything but success. `status` is 0 where no answer came. `errors` are those of an RFC 9457 problem:
/// `[{ pointer: "/args/below", detail: "must be at least 0" }]`.
export class Problem extends Error {
  constructor(status, message, errors = []) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.errors = errors;
  }

  /// The server cannot be used at all, as opposed to having refused this one request.
  get meansAway() {
    return this.status === 0 || this.status >= 500;
  }
}

/// A token stays in this tab only, and goes when it is closed.
export const token = {
  get: () => sessionStorage.getItem(tokenKey),
  set: (value) => sessionStorage.setItem(tokenKey, value),
};

/// Sends a request; gives the response where it succeeded, or is a 304.
///
/// - Throws: `Problem`. When the server wants a token, `millrace-unauthorized` is fired on `document` as well.
export async function send(method, path, { headers = {}, body, limitMilliseconds = readLimitMilliseconds } = {}) {
  const bearer = token.get();
  let response;
  try {
    response = await fetch(path, {
      method,
      body,
      headers: bearer ? { ...headers, Authorization: `Bearer ${bearer}` } : headers,
      // Validators are ours to send: the browser's cache would hide a 304 from us.
      cache: "no-store",
      signal: AbortSignal.timeout(limitMilliseconds),
    });
  } catch (error) {
    throw unanswered(error, limitMilliseconds);
  }
  if (response.ok || response.status === 304) return response;
  if (response.status === 401) document.dispatchEvent(new Event("millrace-unauthorized"));
  throw await problemOf(response);
}

/// The body of a reply as text. Its arrival can fail long after the headers came.
export async function textOf(response) {
  try {
    return await response.text();
  } catch (error) {
    throw unanswered(error, readLimitMilliseconds);
  }
}

export async function getJSON(path) {
  return parse(await textOf(await send("GET", path)));
}

export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem(0, "The answer is not JSON. Is this a Millrace server?");
  }
}

/// Parses JSON so that `JSON.stringify` gives its numbers back as they were sent: an integer past 2⁵³ or a long
/// decimal does not survive as a JavaScript number. Where the browser has no raw JSON yet, such numbers are rounded.
/// https://github.com/tc39/proposal-json-parse-with-source
export function parseExactly(text) {
  if (!JSON.rawJSON) return JSON.parse(text);
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context?.source !== String(value) ? JSON.rawJSON(context.source) : value);
}

function unanswered(error, limitMilliseconds) {
  return error.name === "TimeoutError"
    ? new Problem(0, `No answer within ${limitMilliseconds / 1000} s.`)
    : new Problem(0, "The server cannot be reached.");
}

async function problemOf(response) {
  const fallback = `${response.status} ${response.statusText}`.trim();
  const text = await response.text().catch(() => "");
  if (!/json/.test(response.headers.get("Content-Type") ?? "")) return new Problem(response.status, fallback);
  try {
    const problem = JSON.parse(text);
    const place = problem.line ? ` (line ${problem.line}, column ${problem.column})` : "";
    const message = (problem.detail || problem.title || fallback) + place;
    return new Problem(response.status, message, Array.isArray(problem.errors) ? problem.errors : []);
  } catch {
    return new Problem(response.status, fallback);
  }
}
