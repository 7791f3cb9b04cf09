// Shows one look: numbers, ledger, outcomes, processes, batches.

import {faultsOf, isDeaf, running, SILENT_SECONDS, takesNoWrites} from "./faults.js";
import {at, byId, count, keyed, lasting, make, rate, rowOf, say, several} from "./dom.js";

const GROWS_SECONDS = 60;
const OFF = {gone: "off: it answered 410", failing: "off: it failed for days", operator: "off: by an operator"};
const GOOD = new Set(["created", "repeated", "valid"]);

export function showLook(look, acts) {
  numbers(look);
  ledger(look);
  outcomes(look);
  taking(look);
  servers(look);
  processes(look);
  batches(look, acts);
  endpoints(look, acts);
}

/** The singular of what a process holds: tasks, tries. */
const one = (name) => name.replace(/ies$/, "y").replace(/s$/, "");

function pill(element, text, kind) {
  say(element, text);
  element.className = `pill ${kind}`;
}

function numbers(look) {
  const {signups, rows, lanes, dead} = look;
  const waiting = signups.open + rows.open;
  say(byId("waiting"), count(waiting));
  say(byId("waiting-more"), waiting ? `${several(signups.open, "signup")}, ${several(rows.open, "row")}` : "all is done");
  const oldest = Math.max(lanes.signups.oldest_seconds, lanes.chunks.oldest_seconds);
  say(byId("oldest"), waiting ? lasting(oldest) : "–");
  say(byId("oldest-more"), signups.open && rows.open ? `signups: ${lasting(lanes.signups.oldest_seconds)}` : "");
  say(byId("left"), waiting ? lasting(look.seconds_left) : "–");
  say(byId("left-more"), waiting ? paceOf(look) : "nothing waits");
  say(byId("accepted"), rate(look.accepted_per_second));
  say(byId("finished"), rate(look.finished_per_second));
  say(byId("dead"), count(dead.count));
  say(byId("dead-more"), dead.count ? `oldest: ${lasting(dead.oldest_seconds)}` : "none waits for you");
  byId("dead-tile").classList.toggle("some", dead.count > 0);
}

/** What the time until the queue is empty is worth. */
function paceOf(look) {
  if (look.paused.what === "all") return "work is paused";
  if (look.seconds_left == null) return "nothing ends now";
  const grows = look.seconds_left > GROWS_SECONDS && look.accepted_per_second > look.finished_per_second;
  return grows ? "if no more came" : "at the present rate";
}

const all = (counts) => Object.values(counts.finished).reduce((sum, each) => sum + each, 0);

function ledger(look) {
  const both = [look.signups, look.rows];
  const lines = [
    ["accepted", (each) => each.accepted + each.at_first],
    ["− finished", all],
    ["− open", (each) => each.open],
    ["− dead letters", (each) => each.dead],
  ];
  if (both.some((each) => each.dropped)) lines.push(["− dropped", (each) => each.dropped]);
  lines.push(["=", (each) => each.at_first + each.accepted - all(each) - each.open - each.dead - each.dropped]);
  const shown = lines.map(([name, of]) => [name, both.map((each) => (look.since ? count(of(each)) : "–"))]);
  keyed(byId("ledger").tBodies[0], shown, ([name]) => name, ([name]) => {
    const cells = both.map(() => make("td"));
    const row = make("tr", {class: name === "=" ? "sum" : ""}, make("th", {scope: "row"}, name), ...cells);
    row.update = ([, values]) => cells.forEach((cell, place) => say(cell, values[place]));
    return row;
  });
  const kept = byId("kept");
  if (look.unaccounted == null) pill(kept, "not counted yet", "");
  else if (look.unaccounted === 0) pill(kept, "0 unaccounted for", "good");
  else pill(kept, `${count(look.unaccounted)} unaccounted for`, "wrong");
  say(byId("since"), look.since ? `Counted since ${at(look.since)}, each in the step that does it.` : "");
}

function outcomes(look) {
  const sums = new Map();
  for (const each of [look.signups, look.rows]) {
    for (const [name, number] of Object.entries(each.finished)) sums.set(name, (sums.get(name) ?? 0) + number);
  }
  const total = [...sums.values()].reduce((sum, each) => sum + each, 0);
  const sorted = [...sums].filter(([, number]) => number > 0).map((each) => [...each, total]).sort(([one], [other]) => (one < other ? -1 : 1));
  sorted.sort(([one], [other]) => GOOD.has(other) - GOOD.has(one));
  keyed(byId("outcomes"), sorted, ([name]) => name, ([name]) => {
    const number = make("span");
    const bar = make("i");
    const item = make("li", {}, make("span", {}, name), number,
      make("span", {class: GOOD.has(name) ? "bar good" : "bar"}, bar));
    item.update = ([, value, sum]) => {
      say(number, count(value));
      bar.style.width = `${(100 * value) / sum}%`;
    };
    return item;
  });
  byId("no-outcomes").hidden = total > 0;
}

function taking({paused}) {
  const texts = {nothing: ["nothing is paused", ""], batches: ["batches are paused", "warn"], all: ["all is paused", "warn"]};
  const [text, kind] = texts[paused.what];
  pill(byId("taking"), text, kind);
  for (const each of document.querySelectorAll("[data-pause]")) {
    each.setAttribute("aria-pressed", String(each.dataset.pause === paused.what));
    each.disabled = each.dataset.pause === paused.what || document.body.dataset.mayOperate !== "true";
  }
}

/** One server in a pill: the gravest fault of those that are told of it, or what is said where there is none. */
function stateOfServer(server, faults, otherwise) {
  const of = faults.filter((each) => each.server === server);
  if (!of.length) return otherwise;
  const {since, found, all, kind, why} = of.find((each) => each.found === each.all) ?? of[0];
  return [`${why ? "refuses" : "away"} since ${at(since)}${found < all ? `, for ${found} of ${all} ${kind}s` : ""}`, "wrong"];
}

function servers(look) {
  const faults = faultsOf(look);
  const hasWorkers = running(look).some((each) => each.kind === "worker");
  const unknown = [isDeaf(look) ? "unknown" : "unknown: no worker tells", ""];
  const redis = takesNoWrites(look.broker) ? [`takes no writes since ${at(look.broker.refused.since)}`, "wrong"] : ["up", "good"];
  listServers([
    ["Redis", stateOfServer("Redis", faults, redis)],
    ["MongoDB", stateOfServer("MongoDB", faults, hasWorkers ? ["up, as the workers say", "good"] : unknown)],
  ]);
}

/** Redis is of no use, and what else is away nobody knows. */
export function showAway({since, advice}) {
  listServers([["Redis", [`${advice ? "refuses" : "away"} since ${at(since)}`, "wrong"]], ["MongoDB", ["unknown", ""]]]);
}

/** Nobody tells anything: the console does not answer. */
export function showUnknown() {
  listServers([["Redis", ["unknown", ""]], ["MongoDB", ["unknown", ""]]]);
}

function listServers(lines) {
  keyed(byId("servers"), lines, ([name]) => name, ([name]) => {
    const state = make("span");
    const item = make("li", {}, make("span", {}, name), state);
    item.update = ([, [text, kind]]) => pill(state, text, kind);
    return item;
  });
}

function stateOf(process) {
  if (process.silent_seconds > SILENT_SECONDS) return [`silent for ${lasting(process.silent_seconds)}`, process.deaf ? "" : "wrong"];
  if (process.kind === "notifier" && !process.taking) return ["stands by", "good"];
  if (process.away.broker != null) return ["waits for Redis", "warn"];
  if (process.away.database != null) return ["waits for MongoDB", "warn"];
  return process.taking ? ["works", "good"] : ["takes nothing", "warn"];
}

function processes(look) {
  const deaf = isDeaf(look);
  for (const each of look.processes) each.deaf = deaf;
  keyed(byId("processes").tBodies[0], look.processes, (each) => each.name, (each) => {
    const state = make("span", {class: "pill"});
    const [holds, per, up, seen] = [make("td"), make("td", {class: "n"}), make("td", {class: "n"}), make("td", {class: "n"})];
    const row = rowOf(byId("processes"), make("td", {}, each.kind), make("td", {class: "long where", title: each.host}, `${each.host} · ${each.pid}`),
      make("td", {}, each.version), make("td", {class: "long"}, state), holds, per, up, seen);
    row.update = (now) => {
      pill(state, ...stateOf(now));
      const held = Object.entries(now.holds).filter(([, number]) => number > 0);
      say(holds, held.map(([name, number]) => `${count(number)} ${number === 1 ? one(name) : name}`).join(", ") || "nothing");
      say(per, now.kind === "console" ? "–" : rate(now.per_second));
      say(up, lasting(Math.max(0, now.at - now.started_at) / 1000));
      say(seen, now.silent_seconds < 10 ? "now" : `${lasting(now.silent_seconds)} ago`);
    };
    return row;
  });
  byId("processes").hidden = !look.processes.length;
  byId("no-worker").hidden = look.processes.some((each) => each.kind === "worker");
}

/** As `secondsLeft` of the batch's summary. Null while rows may come, none is done, or none is taken. */
function secondsLeft(batch, {at: now, paused}) {
  const milliseconds = now - batch.accepted_at;
  if (!batch.finished || milliseconds <= 0 || !batch.upload_ended || batch.canceled || paused.what !== "nothing") return null;
  return (batch.rows - batch.finished) * milliseconds / batch.finished / 1000;
}

function batches(look, acts) {
  for (const each of look.batches) each.seconds_left = secondsLeft(each, look);
  keyed(byId("batches").tBodies[0], look.batches, (each) => each.id, (each) => {
    const progress = make("progress", {"aria-label": "rows done"});
    const [done, left] = [make("td", {class: "n long"}), make("td", {class: "n long"})];
    const cancel = make("button", {class: "danger", click: () => acts.cancel(each.id)}, "Cancel");
    const row = rowOf(byId("batches"),
      make("td", {}, make("button", {class: "id", click: () => acts.find(each.id)}, each.id)),
      make("td", {}, each.mode), make("td", {}, progress), done, left, make("td", {class: "long last"}, make("p", {class: "acts"}, cancel)));
    row.update = (now) => {
      progress.max = Math.max(1, now.rows);
      progress.value = now.finished;
      say(done, `${count(now.finished)} of ${count(now.rows)}${now.upload_ended ? "" : " so far"}`);
      say(left, lasting(now.seconds_left));
      cancel.disabled = now.canceled || document.body.dataset.mayOperate !== "true";
      say(cancel, now.canceled ? "canceled" : "Cancel");
    };
    return row;
  });
  byId("batches").hidden = !look.batches.length;
  byId("no-batches").hidden = look.batches.length > 0;
  byId("more-batches").hidden = !look.more_batches;
  say(byId("more-batches"), `${count(look.more_batches)} more run, or ended a moment ago.`);
}

function stateOfEndpoint(endpoint) {
  if (!endpoint.on) return [OFF[endpoint.off_reason] ?? `off: ${endpoint.off_reason}`, "wrong"];
  return endpoint.failing_seconds == null ? ["on", "good"] : [`fails for ${lasting(endpoint.failing_seconds)}`, "warn"];
}

/** Endpoints have a place on the page once the notifier has seen one. */
function endpoints(look, acts) {
  byId("endpoints-card").hidden = !look.endpoints.length;
  keyed(byId("endpoints").tBodies[0], look.endpoints, (each) => each.name, (each) => {
    const state = make("span", {class: "pill"});
    const numbers = [0, 1, 2, 3].map(() => make("td", {class: "n"}));
    const last = make("td");
    let on = each.on;
    const act = make("button", {click: () => acts.switchEndpoint(each.name, !on)});
    const row = rowOf(byId("endpoints"), make("td", {}, each.name), make("td", {class: "long"}, state), ...numbers, last,
      make("td", {class: "long last"}, make("p", {class: "acts"}, act)));
    row.update = (now) => {
      on = now.on;
      pill(state, ...stateOfEndpoint(now));
      const texts = [count(now.waiting), lasting(now.oldest_seconds), count(now.delivered), count(now.given_up)];
      numbers.forEach((cell, place) => say(cell, texts[place]));
      say(last, now.last_outcome || "–");
      say(act, on ? "Switch off" : "Switch on");
      act.disabled = document.body.dataset.mayOperate !== "true";
    };
    return row;
  });
}
