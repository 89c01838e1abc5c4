// From a JSON Schema to form fields and back to JSON text. What a field cannot offer as such (arrays, objects,
// unions) is written as JSON in it. Values become JSON literals here and are never numbers in between, so that an
// integer past 2⁵³ goes out as it was typed.

import { element, setText } from "./dom.js";

/// What is wrong in one field, found before anything is sent.
export class FieldError extends Error {}

const integerPattern = /^-?(0|[1-9]\d*)$/;
const numberPattern = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
let fieldCount = 0;

/// Whether a form can be made: the input is an object with named properties.
export const isFormable = (schema) => schema?.type === "object" && Object.keys(schema.properties ?? {}).length > 0;

export function fieldsOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).map(([name, part]) => schemaField(name, part, required.has(name)));
}

/// One field: its `node`, the JSON `pointer` that errors name it by, and `literal()`, its value as JSON text, which
/// is null where it is left out.
///
/// - Parameter read: gives JSON text of a value that is not empty, or throws `FieldError`.
export function field({ name, pointer, control, hint, required = false, read, emptyLiteral = null }) {
  const id = `field-${fieldCount += 1}`;
  control.id = id;
  control.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  if (required) control.setAttribute("aria-required", "true");
  const error = element("p", { class: "problem", id: `${id}-error` });
  const short = control.matches("select, [inputmode], .short");
  const node = element("div", { class: short ? "field" : "field roomy" },
    element("label", { for: id }, name, required ? null : element("span", { class: "optional" }, "optional")),
    control, element("p", { class: "hint", id: `${id}-hint` }, hint ?? ""), error);
  const showError = (text) => {
    setText(error, text);
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  control.addEventListener("input", () => showError(""));
  return {
    name, pointer, node, control, showError,
    literal() {
      if (control.value === "" && emptyLiteral === null) {
        if (required) throw new FieldError("This is needed.");
        return null;
      }
      return control.value === "" ? emptyLiteral : read(control.value);
    },
  };
}

export function readInteger(text) {
  if (!integerPattern.test(text.trim())) throw new FieldError("This must be a whole number.");
  return text.trim();
}

export function readJSON(text) {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new FieldError(`This is not JSON: ${error.message}`);
  }
  return text.trim();
}

function readNumber(text) {
  if (!numberPattern.test(text.trim())) throw new FieldError("This must be a number, such as 0.5 or 1e6.");
  return text.trim();
}

function schemaField(name, schema, required) {
  // RFC 6901, section 3.
  const pointer = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  const common = { name, pointer, required, hint: hintOf(schema) };
  const example = schema.default ?? schema.examples?.[0];
  const placeholder = example === undefined ? null : typeof example === "string" ? example : JSON.stringify(example);
  if (Array.isArray(schema.enum)) {
    const values = schema.enum.filter((value) => value !== null);
    const control = choice(values.map(String), required);
    return field({ ...common, control, read: (index) => JSON.stringify(values[index]) });
  }
  switch (typeOf(schema)) {
    case "boolean":
      return field({ ...common, control: choice(["false", "true"], required), read: (index) => `${index === "1"}` });
    case "integer":
      return field({ ...common, control: line({ inputmode: "numeric", placeholder }), read: readInteger });
    case "number":
      return field({ ...common, control: line({ inputmode: "decimal", placeholder }), read: readNumber });
    case "string":
      // An empty text is a text: where one is needed, the server says whether an empty one will do.
      return field({
        ...common, read: JSON.stringify, emptyLiteral: required ? '""' : null,
        control: schema.maxLength <= 200 || schema.format ? line({ placeholder }) : area({ rows: 2, placeholder }),
      });
    default:
      return field({
        ...common, hint: common.hint || "JSON", read: readJSON,
        control: area({ rows: 3, placeholder, class: "mono" }),
      });
  }
}

/// The one type of a value that may also be null (leaving the field out says as much); undefined where there are
/// several.
function typeOf(schema) {
  const types = [schema.type].flat().filter((type) => type !== "null");
  return types.length === 1 ? types[0] : undefined;
}

function hintOf(schema) {
  const show = (bound) => new Intl.NumberFormat("en", { maximumFractionDigits: 6 }).format(bound);
  const { minimum, maximum, minLength, maxLength, description } = schema;
  const parts = description ? [description] : [];
  if (minimum !== undefined && maximum !== undefined) parts.push(`${show(minimum)} to ${show(maximum)}`);
  else if (minimum !== undefined) parts.push(`at least ${show(minimum)}`);
  else if (maximum !== undefined) parts.push(`at most ${show(maximum)}`);
  if (minLength > 0) parts.push(`at least ${show(minLength)} characters`);
  if (maxLength !== undefined) parts.push(`at most ${show(maxLength)} characters`);
  if (schema.default !== undefined) parts.push(`default ${JSON.stringify(schema.default)}`);
  return parts.join(", ");
}

const plain = { autocomplete: "off", spellcheck: "false" };
export const line = (attributes) => element("input", { type: "text", ...plain, ...attributes });
export const area = (attributes) => element("textarea", { ...plain, ...attributes });

function choice(labels, required) {
  return element("select", {}, required ? null : element("option", { value: "" }, "default"),
    ...labels.map((label, index) => element("option", { value: index }, label)));
}
