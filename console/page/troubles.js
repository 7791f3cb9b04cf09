// One line that says what is wrong now, or that all is well: what an operator reads first.

import {at, byId, count, keyed, make} from "./dom.js";
import {SILENT_SECONDS} from "./look.js";

const NAME = document.title;
const STUCK_SECONDS = 60;

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
  processes(look, wrong, warn);
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

/** Work has waited for longer than it takes to see a rate, and none of it comes to an end. */
function isStuck({lanes, paused, seconds_left: left}) {
  const waited = Math.max(lanes.signups.oldest_seconds, paused.what === "batches" ? 0 : lanes.chunks.oldest_seconds);
  return left == null && paused.what !== "all" && waited > STUCK_SECONDS;
}

function processes(look, wrong, warn) {
  const running = look.processes.filter((each) => each.silent_seconds <= SILENT_SECONDS);
  const runs = (kind) => running.some((each) => each.kind === kind);
  if (!runs("worker")) wrong("No worker runs: what is accepted waits.");
  if (!runs("notifier") && look.endpoints.some((each) => each.on && each.waiting)) wrong("No notifier runs: events wait.");
  const away = running.map((each) => each.away.database).filter((each) => each != null);
  if (away.length) wrong(`MongoDB is away since ${at(Math.min(...away))}, as ${several(away.length, "worker")} found.`);
  else if (runs("worker") && isStuck(look)) wrong("Nothing was finished in the last minute, and work waits.");
  const silent = new Map();
  for (const each of look.processes) {
    if (each.silent_seconds > SILENT_SECONDS) silent.set(each.kind, (silent.get(each.kind) ?? 0) + 1);
  }
  for (const [kind, number] of silent) (runs(kind) ? warn : wrong)(`${several(number, kind)} gave no sign of life lately.`);
}

const several = (number, name) => `${count(number)} ${name}${number === 1 ? "" : "s"}`;
