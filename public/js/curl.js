// The command line that does what the page does. It is meant to be pasted into a shell, so quoting is not cosmetic
// here: what is in it may come from a job that somebody else submitted.

import { token } from "./api.js";

/// One word for a POSIX shell. Within single quotes nothing has a meaning but the closing quote itself
/// (POSIX.1-2017, Shell Command Language, 2.2.2).
export function shellWord(text) {
  return /^[A-Za-z0-9_\/:.,@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/// - Parameter submission: `{ path, contentType, body }` with JSON text as body, or `{ path, contentType, fileName }`.
export function curlCommand({ path, contentType, body, fileName }) {
  const parts = [`curl ${shellWord(location.origin + path)}`];
  // The variable keeps the token itself out of the screen and of the shell's history.
  if (token.get()) parts.push(`-H "Authorization: Bearer $MILLRACE_TOKEN"`);
  parts.push(`-H ${shellWord(`Content-Type: ${contentType}`)}`);
  if (fileName !== undefined) parts.push(`--data-binary ${shellWord(`@${fileName}`)}`);
  // --data-raw: with -d a body that begins with @ would name a file (curl(1), --data-raw).
  else parts.push(`--data-raw ${shellWord(body)}`);
  return parts.join(" \\\n  ");
}

/// Submits a job like this one again. Its arguments are given as JSON text, so that its numbers stay as they were
/// sent.
///
/// - Parameter takesBody: the handler's input can be a request body. A job that came with one and no arguments cannot
///   be repeated from its description alone, so the command names a file to be filled in.
export function curlLike(job, argsText, takesBody) {
  const options = {};
  if (job.queue && job.queue !== "default") options.queue = job.queue;
  if (job.priority) options.priority = job.priority;
  if (job.max_attempts > 1) options.max_attempts = job.max_attempts;
  if (takesBody && (argsText === "{}" || argsText === "null")) {
    const query = new URLSearchParams({ handler: job.handler, ...options });
    return curlCommand({ path: `/v1/jobs?${query}`, contentType: "application/octet-stream", fileName: "FILE" });
  }
  const fields = Object.entries({ handler: job.handler, ...options })
    .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  fields.splice(1, 0, `"args": ${argsText}`);
  return curlCommand({ path: "/v1/jobs", contentType: "application/json", body: `{${fields.join(", ")}}` });
}
