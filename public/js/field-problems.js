// Where a refusal is told: beside the field that its JSON pointer names; only what belongs to none, above the button.

/// Tells the fields what `problem` says of them.
///
/// - Returns: what belongs to no field.
export function placeProblem(problem, argumentFields, optionFields) {
  const placed = [];
  const elsewhere = [];
  for (const { pointer = "", detail } of problem.errors) {
    const place = ownerOf(pointer, argumentFields, optionFields);
    if (place) placed.push({ field: place.field, detail: place.inside ? `${place.inside}: ${detail}` : detail });
    else elsewhere.push(`${pointer} ${detail}`.trim());
  }
  showErrors(placed);
  return problem.errors.length === 0 ? problem.message : elsewhere.join("; ");
}

/// - Parameter errors: `[{ field, detail }]`; the first field takes the focus.
export function showErrors(errors) {
  for (const { field, detail } of errors) {
    field.showError(detail);
    field.control.closest("details")?.setAttribute("open", "");
  }
  errors[0]?.field.control.focus();
}

/// The field that a pointer leads to, or into: then `inside` is the rest of the way, such as `/0/1`. An argument's
/// pointer begins with `/args` where the body is a job, and without it where the body is the arguments themselves.
function ownerOf(pointer, argumentFields, optionFields) {
  const leadsInto = (path) => (field) => path === field.pointer || path.startsWith(`${field.pointer}/`);
  const option = optionFields.find(leadsInto(pointer));
  if (option) return { field: option, inside: "" };
  const path = pointer.replace(/^\/args(?=\/|$)/, "");
  const field = argumentFields.find(leadsInto(path));
  return field && { field, inside: path.slice(field.pointer.length) };
}
