// How the page is built and changed. Data only ever becomes text nodes and attributes, never markup, so a job's
// arguments or a handler's message cannot become part of the page.

/// Makes an element: `element("a", { href: "#x", class: "id" }, "text", otherNode)`. An attribute that is null or
/// false is left out; one whose name begins with "on" is an event listener.
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else setAttribute(node, name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
}

/// Writes only what differs: a needless write would drop the reader's selection, and be announced again in a live
/// region.
export function setText(node, text) {
  const wanted = text === null || text === undefined ? "" : String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/// Makes the children of `parent` stand for `items`, in order. Children that stay are updated where they are and
/// never taken out, because a node that is moved loses the keyboard's focus.
export function reconcile(parent, items, keyOf, create, update) {
  const wanted = new Set(items.map((item) => String(keyOf(item))));
  const present = new Map();
  for (const node of [...parent.children]) {
    if (wanted.has(node.dataset.key)) present.set(node.dataset.key, node);
    else node.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let node = present.get(key);
    if (!node) {
      node = create(item);
      node.dataset.key = key;
    }
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
    update(node, item);
  }
}

export const byID = (id) => document.getElementById(id);

/// Puts `text` on the clipboard; says whether it is there. `navigator.clipboard` exists in secure contexts only, and
/// a server reached by plain HTTP from another machine is none: there, and where it is refused, the older command still works.
export async function copyText(text) {
  if (await navigator.clipboard?.writeText(text).then(() => true, () => false)) return true;
  const focused = document.activeElement;
  const area = element("textarea", { class: "off-screen", "aria-hidden": "true" });
  area.value = text;
  // Below a modal dialog everything else is inert and cannot be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return copied;
}
