// What is sent to submit a job: JSON, or a file as the request body with everything else in the query.

import { parse, send, textOf } from "./api.js";

const answerLimitMilliseconds = 30_000;
const uploadLimitMilliseconds = 3_600_000;

/// `argsText` and `optionsText` are JSON objects as text, and stay text, so that no number changes on its way.
export function submissionOf(handler, argsText, optionsText, file) {
  if (file) {
    const query = new URLSearchParams({ handler, ...JSON.parse(optionsText) });
    if (argsText !== "{}") query.set("args", argsText);
    return {
      path: `/v1/jobs?${query}`, contentType: file.type || "application/octet-stream", fileName: file.name, file,
    };
  }
  const members = [`"handler": ${JSON.stringify(handler)}`];
  if (argsText !== "{}") members.push(`"args": ${argsText}`);
  if (optionsText !== "{}") members.push(optionsText.slice(1, -1));
  return { path: "/v1/jobs", contentType: "application/json", body: `{${members.join(", ")}}` };
}

/// - Returns: the job.
/// - Throws: `Problem`.
export async function post({ path, contentType, body, file }) {
  const response = await send("POST", path, {
    headers: { "Content-Type": contentType },
    body: file ?? body,
    limitMilliseconds: file ? uploadLimitMilliseconds : answerLimitMilliseconds,
  });
  return parse(await textOf(response));
}
