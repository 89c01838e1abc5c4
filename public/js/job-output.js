// What a job gave: its result and its log. Both are read from resources of their own, and only when they can have
// changed.

import { element, setText } from "./dom.js";
import { parseExactly, Problem, send, textOf, token } from "./api.js";
import { bytes } from "./format.js";

// Larger results are offered as a download: a page that lays out megabytes of text stands still.
const shownBytes = 256 * 1024;
const logTailCharacters = 64 * 1024;
let resultOf = null;
let logOf = null;

export function clearOutput() {
  resultOf = null;
  logOf = null;
}

export async function showResult(part, job, exact, stillWanted) {
  part.hidden = job.state !== "succeeded";
  const version = `${job.id} ${job.finished_at}`;
  if (part.hidden || resultOf === version) return;
  resultOf = version;
  const type = job.result_type ?? "application/json";
  const size = job.result_bytes ?? 0;
  const path = job.links?.result ?? `/v1/jobs/${job.id}/result`;
  let picture = null;
  if (type.startsWith("image/")) picture = await image(path, job.handler);
  else if (job.result !== null && job.result !== undefined) picture = text(JSON.stringify(exact.result, null, 2));
  else if (size <= shownBytes && /^text\/|json/.test(type)) picture = await fetched(path, type);
  if (!stillWanted()) return;
  const caption = element("p", { class: "note" }, [type, size > 0 ? bytes(size) : null].filter(Boolean).join(", "));
  // A link cannot carry a token; what it led to would be a 401.
  if (!token.get()) caption.append(" · ", element("a", { href: path, download: fileName(job, type) }, "Download"));
  part.lastElementChild.replaceChildren(...[picture, caption].filter((node) => node !== null));
}

export async function showLog(part, job, stillWanted) {
  if (job.state === "queued" || job.state === "scheduled") return;
  const version = `${job.id} ${job.attempt} ${job.finished_at}`;
  if (job.done && logOf === version) return;
  let log;
  try {
    log = await textOf(await send("GET", job.links?.log ?? `/v1/jobs/${job.id}/log`));
  } catch (error) {
    if (error instanceof Problem && !error.meansAway) return;
    throw error;
  }
  if (!stillWanted()) return;
  logOf = version;
  part.hidden = log === "";
  const frame = part.lastElementChild;
  const followsEnd = frame.scrollTop + frame.clientHeight >= frame.scrollHeight - 4;
  setText(frame, log.length > logTailCharacters ? `…\n${log.slice(-logTailCharacters)}` : log);
  if (followsEnd) frame.scrollTop = frame.scrollHeight;
}

/// With a token the picture is fetched and painted here, because an `img` cannot send the token and the content
/// security policy admits no `blob:` address.
async function image(path, name) {
  const description = `Result of ${name}`;
  if (!token.get()) return element("img", { src: path, alt: description, class: "result-image" });
  try {
    const bitmap = await createImageBitmap(await (await send("GET", path)).blob());
    const canvas = element("canvas", {
      class: "result-image", role: "img", "aria-label": description, width: bitmap.width, height: bitmap.height,
    });
    canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
    return canvas;
  } catch (error) {
    return problem(error, "This picture cannot be shown.");
  }
}

async function fetched(path, type) {
  try {
    const content = await textOf(await send("GET", path));
    return text(type.includes("json") ? JSON.stringify(parseExactly(content), null, 2) : content);
  } catch (error) {
    // JSON that cannot be read again is shown by nobody; the download below still has it as it is.
    return problem(error, "The result cannot be read as JSON.");
  }
}

const problem = (error, otherwise) =>
  element("p", { class: "problem" }, error instanceof Problem ? error.message : otherwise);
const text = (content) => element("pre", { tabindex: 0 }, content);

function fileName(job, type) {
  const ending = /^[a-z]+\/([a-z0-9]+)/.exec(type)?.[1] ?? "bin";
  return `${job.handler}-${job.id.slice(-8)}.${ending === "plain" ? "txt" : ending}`;
}
