// Small helpers around the DOM and numbers. Text always goes in as text, never as HTML.

export const byId = (id) => document.getElementById(id);

/** Makes an element: `make("td", {class: "n"}, "text", child)`. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((each) => each != null));
  return element;
}

/** Makes a row of this table. Each cell knows its column's heading, which a narrow screen shows beside it. */
export function rowOf(table, ...cells) {
  const headings = [...table.tHead.rows[0].cells];
  cells.forEach((cell, place) => { cell.dataset.heading = headings[place].textContent; });
  return make("tr", {}, ...cells);
}

/** Sets a text only where it differs, so that nothing is announced or laid out for no change. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows as many of `items` as children of `parent`, and keeps the element of a key, so that focus stays where it is. */
export function keyed(parent, items, key, build) {
  const old = new Map([...parent.children].map((each) => [each.dataset.key, each]));
  const kept = new Set();
  items.forEach((item, place) => {
    const name = String(key(item));
    let element = old.get(name);
    if (!element) {
      element = build(item);
      element.dataset.key = name;
    }
    old.delete(name);
    kept.add(element);
    if (parent.children[place] !== element) parent.insertBefore(element, parent.children[place] ?? null);
    element.update?.(item);
  });
  // Of elements with the same key only one was in `old`.
  for (const each of [...parent.children]) if (!kept.has(each)) each.remove();
}

let last = null;

document.addEventListener("focusin", ({target}) => {
  if (target.closest("dialog")) return;
  const row = target.closest("tbody tr");
  last = {target, section: target.closest("section"), body: row?.parentElement, place: row?.sectionRowIndex};
});

/**
 * Where the element with the focus is gone or can no longer be used, moves the focus to the row that has its place, or to
 * the part of the page that it was in. Without this, whoever works by keyboard begins anew at the top after each act.
 */
export function keepFocus() {
  if (!last || document.activeElement !== document.body) return;
  const {target, section, body, place} = last;
  // Else somebody has left it, by a click beside it.
  if (target.isConnected && !target.disabled && target.checkVisibility()) return;
  last = null;
  const row = body?.rows[Math.min(place, body.rows.length - 1)];
  if (section) section.tabIndex = -1;
  (row?.querySelector("button:enabled") ?? section)?.focus({preventScroll: true});
}

const whole = new Intl.NumberFormat("en");
export const count = (number) => (number == null ? "–" : whole.format(number));

/** "1 worker", "2 workers". */
export const several = (number, name, many = `${name}s`) => `${count(number)} ${number === 1 ? name : many}`;

export function rate(number) {
  if (number == null) return "–";
  return number >= 100 ? whole.format(Math.round(number)) : number.toFixed(1);
}

/** A duration in words of two units at most: "42 s", "3 min 05 s", "2 h 10 min". */
export function lasting(seconds) {
  if (seconds == null) return "–";
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const rounded = Math.round(seconds);
  if (rounded < 60) return `${rounded} s`;
  const two = (number) => String(number).padStart(2, "0");
  if (rounded >= 600 && rounded < 3600) return `${Math.floor(rounded / 60)} min`;
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${two(rounded % 60)} s`;
  if (rounded < 172800) return `${Math.floor(rounded / 3600)} h ${two(Math.floor((rounded % 3600) / 60))} min`;
  return `${Math.floor(rounded / 86400)} days`;
}

const clock = new Intl.DateTimeFormat("en-GB", {hour: "2-digit", minute: "2-digit", second: "2-digit"});
const day = new Intl.DateTimeFormat("en-GB", {day: "numeric", month: "short"});

/** A time of day, with the date where it is not today. */
export function at(milliseconds) {
  const date = new Date(milliseconds ?? NaN);
  if (Number.isNaN(date.getTime())) return "–";
  const today = date.toDateString() === new Date().toDateString();
  return today ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}
