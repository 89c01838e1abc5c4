// The form that submits a job: its fields come from the chosen handler's schema, and the command line beside it is
// always the one that would do the same.

import { byID, copyText, element, setText } from "./dom.js";
import { getJSON, Problem } from "./api.js";
import { bytes, shortID } from "./format.js";
import { area, field, FieldError, fieldsOf, isFormable, line, readInteger, readJSON } from "./fields.js";
import { curlCommand } from "./curl.js";
import { placeProblem, showErrors } from "./field-problems.js";
import { post, submissionOf } from "./submission.js";

const form = byID("submit");
const chooser = byID("handler");
const rawSwitch = byID("raw");
const button = byID("submit-button");
const problem = byID("submit-problem");
const outcome = byID("submit-outcome");
const fileInput = element("input", { type: "file" });
let handlers = new Map();
let fields = [];
let fileField = null;

const duration = (text) => JSON.stringify(text.trim());
const options = [
  option("Priority", "/priority", { inputmode: "numeric", placeholder: "0" }, "−100 to 100", readInteger),
  option("Delay", "/delay", { class: "short", placeholder: "10s" }, "such as 500ms, 10s, 2h", duration),
  option("Timeout", "/timeout", { class: "short", placeholder: "30s" }, "of each attempt", duration),
  option("Attempts", "/max_attempts", { inputmode: "numeric", placeholder: "1" }, "at most", readInteger),
];

function option(name, pointer, attributes, hint, read) {
  return field({ name, pointer, control: line(attributes), hint, read });
}

/// - Parameter submitted: called after a job was taken.
export function startSubmit(submitted) {
  byID("options").append(...options.map((option) => option.node));
  chooser.addEventListener("change", () => chooseHandler());
  rawSwitch.addEventListener("change", () => switchRaw());
  form.addEventListener("input", showCommand);
  form.addEventListener("change", showCommand);
  byID("copy-curl").addEventListener("click", async () => {
    const copied = await copyText(byID("curl").textContent);
    setText(outcome, copied ? "Copied." : "The browser did not allow copying.");
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // Disabling it would drop the focus; a second press while the first is under way does nothing.
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    if (await submit()) submitted();
    button.removeAttribute("aria-disabled");
  });
}

/// Reads what can be run; the handler chosen and what was typed stay, unless it has changed.
export async function loadHandlers() {
  const list = (await getJSON("/v1/handlers")).handlers;
  const chosen = chooser.value;
  const before = JSON.stringify(handlers.get(chosen));
  handlers = new Map(list.map((handler) => [handler.name, handler]));
  chooser.replaceChildren(...list.map(({ name }) => element("option", { value: name }, name)));
  chooser.disabled = button.disabled = list.length === 0;
  if (handlers.has(chosen)) chooser.value = chosen;
  if (before === undefined || before !== JSON.stringify(handlers.get(chosen))) chooseHandler();
  return list;
}

function chooseHandler() {
  const handler = handlers.get(chooser.value);
  if (!handler) return;
  const limits = [
    `runs as a ${handler.executor}`,
    handler.timeout ? `${handler.timeout} timeout` : null,
    handler.memory_limit_bytes ? `${bytes(handler.memory_limit_bytes)} of memory` : null,
    handler.max_attempts > 1 ? `${handler.max_attempts} attempts` : null,
  ].filter(Boolean).join(", ");
  byID("handler-summary").replaceChildren(handler.summary ?? "", element("br"), limits);
  rawSwitch.checked = false;
  byID("raw-toggle").hidden = !isFormable(handler.input_schema);
  setText(outcome, "");
  showFields(handler, "{}");
}

/// To JSON and back. Going to JSON keeps what was typed; coming back starts afresh, since JSON can say what no field
/// can.
function switchRaw() {
  let text = "{}";
  try {
    if (rawSwitch.checked) text = JSON.stringify(JSON.parse(argumentsText()), null, 2);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
  }
  showFields(handlers.get(chooser.value), text);
}

function showFields(handler, rawText) {
  const formable = isFormable(handler.input_schema) && !rawSwitch.checked;
  fields = formable ? fieldsOf(handler.input_schema) : [rawField(rawText)];
  fileInput.value = "";
  fileField = handler.accepts_body
    ? field({ name: "Input file", pointer: "", control: fileInput, hint: "sent as the request body", read: () => null })
    : null;
  const legend = byID("arguments").firstElementChild;
  byID("arguments").replaceChildren(legend, ...fields.map((each) => each.node), ...(fileField ? [fileField.node] : []));
  setText(problem, "");
  showCommand();
}

function rawField(text) {
  const control = area({ rows: 5, class: "mono" });
  control.value = text;
  return field({ name: "Arguments as JSON", pointer: "", control, required: true, read: readJSON });
}

function argumentsText() {
  if (fields.length === 1 && fields[0].pointer === "") return fields[0].literal();
  return `{${pairs(fields)}}`;
}

/// `"name": literal` for each field that is filled in.
function pairs(list, nameOf = (each) => each.pointer.slice(1).replaceAll("~1", "/").replaceAll("~0", "~")) {
  return list.map((each) => [nameOf(each), literalOf(each)]).filter(([, literal]) => literal !== null)
    .map(([name, literal]) => `${JSON.stringify(name)}: ${literal}`).join(", ");
}

function literalOf(each) {
  try {
    return each.literal();
  } catch (error) {
    error.field = each;
    throw error;
  }
}

/// - Throws: `FieldError` where something typed cannot be sent.
function currentSubmission() {
  const file = fileInput.isConnected ? fileInput.files[0] : undefined;
  return submissionOf(chooser.value, argumentsText(), `{${pairs(options)}}`, file);
}

function showCommand() {
  try {
    setText(byID("curl"), curlCommand(currentSubmission()));
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    setText(byID("curl"), "# fill in the form first");
  }
}

async function submit() {
  setText(problem, "");
  outcome.replaceChildren();
  try {
    const job = await post(currentSubmission());
    outcome.replaceChildren("Submitted: ", element("a", { href: `#job/${job.id}` }, shortID(job.id)));
    return true;
  } catch (error) {
    if (error instanceof FieldError) showErrors([{ field: error.field, detail: error.message }]);
    else if (error instanceof Problem) setText(problem, placeProblem(error, fields, options));
    else throw error;
    return false;
  }
}
