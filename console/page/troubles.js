// One line that says what is wrong now, or that all is well: what an operator reads first.

import {at, byId, count, keyed, make, several} from "./dom.js";
import {faultsOf, isDeaf, running, SILENT_SECONDS, takesNoWrites} from "./faults.js";

export const NAME = document.title;
const STUCK_SECONDS = 60;
const CHUNK_SECONDS = 600;
/** Within so long each worker finds out what one of them has found. */
const KNOWN_MILLISECONDS = 15_000;

/** Shows what is wrong by this look. */
export function showTroubles(look) {
  show(troublesOf(look));
}

/** Nothing is known but this. */
export function showTrouble(text) {
  show([[text, "wrong"]]);
}

/** Nothing is known for now, as in a hidden tab, of which only the title is seen. */
export function showUnseen() {
  list([["Looking whether anything is wrong …", "unseen"]], `(?) ${NAME}`);
}

function show(troubles) {
  list(troubles.length ? troubles : [["All is well.", "good"]], troubles.length ? `(${troubles.length}) ${NAME}` : NAME);
}

function list(lines, title) {
  keyed(byId("troubles"), lines, ([text]) => text, ([text, kind]) => make("li", {class: kind}, text));
  if (document.title !== title) document.title = title;
}

/** Each trouble with its kind. A text stays the same while its trouble does: it is read aloud when it is new. */
function troublesOf(look) {
  const {dead, paused, unaccounted} = look;
  const troubles = [];
  const wrong = (text) => troubles.push([text, "wrong"]);
  const warn = (text) => troubles.push([text, "warn"]);
  if (unaccounted) wrong(`${count(Math.abs(unaccounted))} unaccounted for.`);
  redis(look.broker, wrong, warn);
  const faults = faultsOf(look);
  for (const each of faults) wrong(wordsOf(each, look.at));
  silences(look, wrong, warn);
  const hasWorkers = !isDeaf(look) && running(look).some((each) => each.kind === "worker");
  if (hasWorkers && !faults.length && isStuck(look)) wrong("Nothing was finished in the last minute, and work waits: the workers' logs say why.");
  if (dead.count) {
    const [wait, them] = dead.count === 1 ? ["waits", "it"] : ["wait", "them"];
    wrong(`${several(dead.count, "dead letter")} ${wait} for you: mend the reason, which stands below, then requeue ${them}.`);
  }
  if (paused.what !== "nothing") {
    const what = paused.what === "all" ? "All work is" : "Batches are";
    warn(`${what} paused${paused.by ? ` by ${paused.by}` : ""}${paused.at ? `, since ${at(paused.at)}` : ""}.`);
  }
  for (const each of look.endpoints) {
    if (!each.on) warn(`The endpoint ${each.name} is off.`);
    else if (each.failing_seconds != null) {
      warn(`The endpoint ${each.name} fails${each.last_outcome ? ` (${each.last_outcome})` : ""}. Its events are kept: ask its owner.`);
    }
  }
  // The first line is what is read first.
  return troubles.sort(([, one], [, other]) => (other === "wrong") - (one === "wrong"));
}

/** Work has waited for longer than it takes to see a rate, and none of it comes to an end. */
function isStuck(look) {
  const {lanes, paused, seconds_left: left} = look;
  // A dead letter that is sent again has waited since it was accepted, also where all else goes as ever.
  if (left != null || look.finished_per_second > 0 || paused.what === "all") return false;
  // Rows end by the chunk, which may take a slow machine minutes.
  const patience = running(look).some((each) => each.holds.chunks) ? CHUNK_SECONDS : STUCK_SECONDS;
  return lanes.signups.oldest_seconds > STUCK_SECONDS || (paused.what !== "batches" && lanes.chunks.oldest_seconds > patience);
}

/** What the console finds of Redis by itself. */
function redis(broker, wrong, warn) {
  const {refused} = broker;
  if (takesNoWrites(broker)) {
    wrong(`Redis takes no writes since ${at(refused.since)} (${refused.code}): ${refused.advice}. Signups get 503, and no process can tell how it does.`);
  } else if (refused) {
    warn(`Redis refuses the console since ${at(refused.since)} (${refused.code}): ${refused.advice}.`);
  }
}

/** "MongoDB is away": it does not answer. "Answers and refuses": somebody has to mend what it says. */
function wordsOf({server, kind, since, found, all, why}, now) {
  const who = found < all ? `${found} of ${several(all, kind)}` : all === 1 ? `the only ${kind}` : `all ${several(all, kind)}`;
  if (server === "room") {
    return `${who[0].toUpperCase()}${who.slice(1)} turned requests away with 503 since ${at(since)}, as many run at once as may (INTAKE_MAX_REQUESTS). Redis is slow, or there are too few shims.`;
  }
  const again = kind === "worker" ? " Workers ask again within a minute." : "";
  if (why) return `${server} answers and refuses ${who} since ${at(since)}: ${why}.${again}`;
  const told = `${server} is away for ${who} since ${at(since)}`;
  // Redis has just answered the console.
  if (server === "Redis") return `${told}, and answers the console: look at the way from there to it.`;
  if (found === all) return `${told}: it does not answer, or has no primary. Bring it back. What is accepted waits, and is safe.`;
  return now - since < KNOWN_MILLISECONDS ? `${told}.` : `${told}: look at the way from there to it. The others go on.`;
}

const LACKS = {worker: "What is accepted waits.", shim: "Signups are not taken.", notifier: "Events wait."};
const NONE = {worker: "No worker runs: what is accepted waits.", shim: "No shim runs: signups are not taken.", notifier: "No notifier runs: events wait."};

/** Processes that are not heard of, and kinds of which none runs. */
function silences(look, wrong, warn) {
  const heard = running(look);
  const silent = look.processes.filter((each) => each.silent_seconds > SILENT_SECONDS);
  if (isDeaf(look)) {
    const {back_since: back} = look.broker;
    if (back != null && silent.length) warn(`Redis answers again since ${at(back)}. ${several(silent.length, "process", "processes")} did not report since.`);
    return;
  }
  const needed = look.endpoints.some((each) => each.on && each.waiting) ? ["worker", "shim", "notifier"] : ["worker", "shim"];
  const kinds = new Set([...needed, ...silent.map((each) => each.kind)]);
  for (const kind of kinds) {
    const number = silent.filter((each) => each.kind === kind).length;
    const all = heard.filter((each) => each.kind === kind);
    if (all.length) {
      if (number) warn(endedWords(kind, silent.filter((each) => each.kind === kind), all, look.at));
    } else if (number && kind in LACKS) {
      wrong(`No ${kind} was heard of lately: dead, stuck, or refused by Redis. ${LACKS[kind]} Read its log, then start it again.`);
    } else if (number) wrong(`${several(number, kind)} gave no sign of life lately.`);
    else wrong(NONE[kind]);
  }
  const shims = heard.filter((each) => each.kind === "shim");
  const idle = shims.filter((each) => !each.taking && !Object.keys(each.away).length);
  if (idle.length) {
    const some = `${idle.length} of ${several(shims.length, "shim")} takes no signups: its /readyz says what is missing.`;
    (idle.length === shims.length ? wrong : warn)(some);
  }
}

/** Whether others were started since these fell silent, as after a crash, or somebody has to look. */
function endedWords(kind, silent, heard, now) {
  const lastHeard = Math.min(...silent.map((each) => now - 1000 * each.silent_seconds));
  const since = heard.filter((each) => each.started_at >= lastHeard).length;
  const ended = several(silent.length, kind);
  return since < silent.length ? `${ended} gave no sign of life lately: dead, stuck, or refused by Redis. Others run.` : `${ended} ended without a word, and ${since === 1 ? "one was" : `${since} were`} started since.`;
}
