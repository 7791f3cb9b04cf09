// Shows the way of one task, batch or row as a line of steps with times, as it was when it was asked for.

import {acting, ask, Refused} from "./asking.js";
import {at, byId, count, keepFocus, lasting, make} from "./dom.js";

const STEPS = {
  accepted: "Accepted",
  sent_again: "Sent again",
  left_to_others: "Left to a worker with the key",
  missed: "Missed by a sweep",
  started: "Started",
  held: "A worker has it",
  waiting: "Waits",
  last_row: "Last row done",
  finished: "Finished",
  dead_letter: "Dead letter",
};

/** What is said where there is nothing to show, by the status of the answer; 0 is none. */
const NOT_FOUND = {
  0: "The console does not answer. Look whether its process runs.",
  404: "There is nothing of this id. Ids of tasks and batches have 22 characters; a row is the id of its batch, a colon and " +
    "the number of its line. What was done more than a day ago is forgotten, and so is what was dropped.",
  500: "The console cannot read what Redis keeps of this id. Its log says why (request_failed).",
  503: "Redis does not answer this, or refuses: look again once it does.",
};

const MINUTE = 60;
let turn = 0;
let shown = null;

/** Shows again what is shown, if anything is: an act has changed it. The focus stays where it is. */
export async function findAgain(acts) {
  if (shown != null && !byId("found").hidden) await find(shown, acts, {focus: false});
}

export async function find(asked, acts, {focus = true} = {}) {
  const section = byId("found");
  const own = ++turn;
  const title = make("h2", {id: "found-title"}, asked);
  const close = make("button", {class: "plain", click: () => { section.hidden = true; byId("asked").focus(); }}, "Close");
  const show = (...content) => {
    if (own !== turn) return; // Something else has been asked for since.
    shown = asked;
    section.replaceChildren(make("div", {class: "head"}, title, close), ...content);
    section.hidden = false;
    if (focus) section.focus();
    else keepFocus();
  };
  await acting(async () => {
    try {
      const {found} = await ask(`find?id=${encodeURIComponent(asked)}`);
      title.textContent = `${found.kind[0].toUpperCase()}${found.kind.slice(1)} ${found.id}`;
      show(way(found), facts(found, acts), buttons(found, acts));
    } catch (error) {
      if (!(error instanceof Refused) || !(error.status in NOT_FOUND)) throw error;
      show(make("p", {class: "empty"}, NOT_FOUND[error.status]));
    }
  });
}

/** Between two steps: to the millisecond where that tells anything. */
const span = (seconds) => (seconds < MINUTE ? `${seconds.toFixed(3)} s` : lasting(seconds));

function way(found) {
  return make("ol", {class: "way", "aria-label": "Its way so far"}, ...found.steps.map((step, place) => {
    const times = step.times > 1 && step.what !== "last_row" ? ` × ${count(step.times)}` : "";
    const before = place ? found.steps[place - 1].at : null;
    const after = before != null && step.at != null ? ` · +${span((step.at - before) / 1000)}` : "";
    const kind = step.what === "dead_letter" ? "bad" : step.at == null ? "now" : "";
    return make("li", {class: kind}, `${STEPS[step.what] ?? step.what}${times}`,
      make("time", {}, step.at == null ? "now" : at(step.at) + after));
  }));
}

function facts(found, acts) {
  const list = make("dl", {class: "facts"});
  const add = (name, value) => {
    if (value != null && value !== "" && value !== false) list.append(make("dt", {}, name), make("dd", {}, value));
  };
  const link = (id) => make("button", {class: "plain", click: () => acts.find(id)}, id);
  add("State", found.state);
  add("Outcome", found.outcome);
  add("Customer", found.customer);
  add("Reason", found.reason);
  add("Detail", found.detail);
  add("Starts", found.starts && String(found.starts));
  add("Rows", found.rows != null && (found.finished == null ? count(found.rows) : `${count(found.finished)} of ${count(found.rows)} done`));
  const counted = Object.entries(found.counted ?? {}).map(([name, number]) => `${count(number)} ${name}`).join(", ");
  add("Outcomes", counted);
  add("Chunk", found.chunk && link(found.chunk));
  for (const each of found.batches ?? (found.batch ? [found.batch] : [])) add("Batch", link(each));
  return list;
}

function buttons(found, acts) {
  const may = document.body.dataset.mayOperate === "true";
  const row = make("p", {class: "acts"});
  if (found.is_dead && may) {
    row.append(make("button", {click: () => acts.requeue({id: found.id}, `the dead letter ${found.id}`)}, "Requeue"),
      make("button", {class: "danger", click: () => acts.drop({id: found.id}, `the dead letter ${found.id}`)}, "Drop"));
  }
  if (found.may_cancel && may) row.append(make("button", {class: "danger", click: () => acts.cancel(found.id)}, "Cancel batch"));
  return row;
}
