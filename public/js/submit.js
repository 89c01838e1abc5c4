// The form that submits a job: its fields come from the chosen handler's schema, and the command line beside it is always
// the one that would do the same.

import { byID, copyText, element, setText } from "./dom.js";
import { getJSON, Problem } from "./api.js";
import { bytes, shortID } from "./format.js";
import { area, field, FieldError, fieldsOf, isFormable, line, readInteger, readJSON } from "./fields.js";
import { curlCommand } from "./curl.js";
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
  field({ name: "Priority", pointer: "/priority", control: line({ inputmode: "numeric", placeholder: "0" }), hint: "−100 to 100", read: readInteger }),
  field({ name: "Delay", pointer: "/delay", control: line({ placeholder: "10s" }), hint: "such as 500ms, 10s, 2h", read: duration }),
  field({ name: "Timeout", pointer: "/timeout", control: line({ placeholder: "30s" }), hint: "of each attempt", read: duration }),
  field({ name: "Attempts", pointer: "/max_attempts", control: line({ inputmode: "numeric", placeholder: "1" }), hint: "at most", read: readInteger }),
];

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

/// To JSON and back. Going to JSON keeps what was typed; coming back starts afresh, since JSON can say what no field can.
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
    ? field({ name: "Input file", pointer: "", control: fileInput, hint: "sent as the request body, of any type", read: () => null })
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
  return submissionOf(chooser.value, argumentsText(), `{${pairs(options)}}`, fileInput.isConnected ? fileInput.files[0] : undefined);
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
    else if (error instanceof Problem) showProblem(error);
    else throw error;
    return false;
  }
}

function showProblem(error) {
  const elsewhere = [];
  const placed = [];
  for (const { pointer = "", detail } of error.errors) {
    const owner = ownerOf(pointer);
    if (owner) placed.push({ field: owner, detail: inside(owner, pointer) + detail });
    else elsewhere.push(`${pointer} ${detail}`.trim());
  }
  showErrors(placed);
  if (elsewhere.length > 0) setText(problem, elsewhere.join("; "));
  else if (placed.length === 0) setText(problem, error.message);
}

/// The field that a pointer leads to or into. A problem with a body of its own points below the arguments themselves.
function ownerOf(pointer) {
  const inArguments = pointer.replace(/^\/args(?=\/|$)/, "");
  const leadsInto = (each, path) => path === each.pointer || path.startsWith(`${each.pointer}/`);
  return options.find((option) => leadsInto(option, pointer)) ?? fields.find((each) => leadsInto(each, inArguments));
}

const inside = (owner, pointer) => {
  const rest = pointer.replace(/^\/args(?=\/|$)/, "").slice(owner.pointer.length);
  return rest ? `${rest}: ` : "";
};

function showErrors(errors) {
  for (const each of errors) each.field.showError(each.detail);
  const first = errors[0]?.field;
  first?.control.closest("details")?.setAttribute("open", "");
  first?.control.focus();
}
