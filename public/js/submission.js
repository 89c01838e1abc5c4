// What is sent to submit a job: JSON, or a file as the request body with everything else in the query.

import { parse, send, textOf } from "./api.js";

const answerLimitMilliseconds = 30_000;
const uploadLimitMilliseconds = 3_600_000;
// The last submission without an answer, and its key: sent again unchanged, the server takes it for the same one, and
// makes no second job (Idempotency-Key, IETF draft).
let unanswered = null;

/// `argsText` and `optionsText` are JSON objects as text, and stay text, so that no number changes on its way.
export function submissionOf(handler, argsText, optionsText, file) {
  if (file) {
    const query = new URLSearchParams({ handler, ...JSON.parse(optionsText) });
    if (argsText !== "{}") query.set("args", argsText);
    return {
      path: `/v1/jobs?${query}`, contentType: file.type || "application/octet-stream", fileName: file.name, file,
      identity: `${query} ${file.name} ${file.size} ${file.lastModified}`,
    };
  }
  const members = [`"handler": ${JSON.stringify(handler)}`];
  if (argsText !== "{}") members.push(`"args": ${argsText}`);
  if (optionsText !== "{}") members.push(optionsText.slice(1, -1));
  const body = `{${members.join(", ")}}`;
  return { path: "/v1/jobs", contentType: "application/json", body, identity: body };
}

/// - Returns: the job.
/// - Throws: `Problem`.
export async function post({ path, contentType, body, file, identity }) {
  const key = unanswered?.identity === identity ? unanswered.key : newKey();
  unanswered = { identity, key };
  try {
    const response = await send("POST", path, {
      headers: { "Content-Type": contentType, "Idempotency-Key": key },
      body: file ?? body,
      limitMilliseconds: file ? uploadLimitMilliseconds : answerLimitMilliseconds,
    });
    const job = parse(await textOf(response));
    unanswered = null;
    return job;
  } catch (error) {
    // It was refused, and nothing was made: the next press is a submission of its own. (409: the same is still under way.)
    if (error.status > 0 && error.status !== 409) unanswered = null;
    throw error;
  }
}

/// `crypto.randomUUID` exists in secure contexts only; plain HTTP from another machine is none.
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
