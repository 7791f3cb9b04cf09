// One line that says what is wrong now, or that all is well: what an operator reads first.

import {at, byId, count, keyed, make} from "./dom.js";
import {SILENT_SECONDS} from "./look.js";

const NAME = document.title;

/** Shows what is wrong by this look. */
export function showTroubles(look) {
  show(troublesOf(look));
}

/** Nothing is known but this. */
export function showTrouble(text) {
  show([[text, "wrong"]]);
}

function show(troubles) {
  const lines = troubles.length ? troubles : [["All is well.", "good"]];
  keyed(byId("troubles"), lines, ([text]) => text, ([text, kind]) => make("li", {class: kind}, text));
  const title = troubles.length ? `(${troubles.length}) ${NAME}` : NAME;
  if (document.title !== title) document.title = title;
}

/** Each trouble with its kind. A text stays the same while its trouble does: it is read aloud when it is new. */
function troublesOf(look) {
  const {dead, paused, unaccounted} = look;
  const troubles = [];
  const wrong = (text) => troubles.push([text, "wrong"]);
  const warn = (text) => troubles.push([text, "warn"]);
  if (unaccounted) wrong(`${count(Math.abs(unaccounted))} unaccounted for.`);
  processes(look, wrong);
  if (dead.count) wrong(`${several(dead.count, "dead letter")} wait${dead.count === 1 ? "s" : ""} for you.`);
  if (paused.what !== "nothing") {
    const what = paused.what === "all" ? "All work is" : "Batches are";
    warn(`${what} paused${paused.by ? ` by ${paused.by}` : ""}${paused.at ? `, since ${at(paused.at)}` : ""}.`);
  }
  for (const each of look.endpoints) {
    if (!each.on) warn(`The endpoint ${each.name} is off.`);
    else if (each.failing_seconds != null) warn(`The endpoint ${each.name} fails.`);
  }
  return troubles;
}

function processes(look, wrong) {
  const running = look.processes.filter((each) => each.silent_seconds <= SILENT_SECONDS);
  if (!running.some((each) => each.kind === "worker")) wrong("No worker runs: what is accepted waits.");
  const away = running.map((each) => each.away.database).filter((each) => each != null);
  if (away.length) wrong(`MongoDB is away since ${at(Math.min(...away))}, as ${several(away.length, "worker")} found.`);
  const silent = new Map();
  for (const each of look.processes) {
    if (each.silent_seconds > SILENT_SECONDS) silent.set(each.kind, (silent.get(each.kind) ?? 0) + 1);
  }
  for (const [kind, number] of silent) wrong(`${several(number, kind)} gave no sign of life lately.`);
}

const several = (number, name) => `${count(number)} ${name}${number === 1 ? "" : "s"}`;
