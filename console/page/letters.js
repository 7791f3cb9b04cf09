// The list of dead letters. It is read anew when their number changes, at most every two seconds.

import {ask} from "./asking.js";
import {at, byId, count, keepFocus, keyed, make, rowOf, say} from "./dom.js";

const LEAST_MILLISECONDS = 2000;

export class Letters {
  constructor(acts) {
    this.acts = acts;
    this.shown = null;
    this.readAt = -Infinity;
    this.reads = 0;
    this.lookAt = 0;
    this.newestAt = 0;
    this.listed = 0;
    this.allSeen = true;
    byId("reason").addEventListener("change", () => this.read());
    byId("requeue-all").addEventListener("click", () => acts.requeue(this.#all(), this.#inWords()));
    byId("drop-all").addEventListener("click", () => acts.drop(this.#all(), this.#inWords()));
  }

  /** Reads the list anew with the next look: another operator may do other things with it. */
  forget() {
    this.shown = null;
    this.readAt = -Infinity;
  }

  /** Called with each look. */
  look({at: lookAt, dead: {count: number}}) {
    this.lookAt = lookAt;
    const changed = number !== this.shown;
    if (changed && performance.now() - this.readAt > LEAST_MILLISECONDS) this.read(number);
  }

  async read(number = this.shown) {
    this.readAt = performance.now();
    const turn = ++this.reads;
    const reason = byId("reason").value;
    try {
      const listed = await ask(`dead-letters?reason=${encodeURIComponent(reason)}`);
      if (turn !== this.reads) return; // A later question, with another reason perhaps, has been asked since.
      this.#show(listed);
      keepFocus();
      this.shown = number;
    } catch {
      this.shown = null; // The next look asks again.
    }
  }

  /** All that were there at the last look, and all that are listed. By Redis' clock: that of this device may be wrong. */
  #all() {
    return {all: true, reason: byId("reason").value, until: Math.ceil(Math.max(this.lookAt, this.newestAt) / 1000)};
  }

  /** What is meant by all, in words. */
  #inWords() {
    const reason = byId("reason").value;
    const letters = this.listed === 1 && this.allSeen ? "the only dead letter" : `all ${count(this.listed)}${this.allSeen ? "" : " or more"} dead letters`;
    return `${letters}${reason ? ` with the reason ${reason}` : ""}`;
  }

  #show({letters, reasons, all_seen: allSeen}) {
    const may = document.body.dataset.mayOperate === "true";
    // A list may be newer than the last look.
    this.newestAt = Math.max(0, ...letters.map((each) => Date.parse(each.parked_at)));
    keyed(byId("letters").tBodies[0], letters, (each) => each.id, (each) => {
      const rows = each.rows ? ` (${count(each.rows)} rows)` : "";
      const id = make("button", {class: "id", click: () => this.acts.find(each.id)}, each.id);
      const requeue = make("button", {click: () => this.acts.requeue({id: each.id}, `the dead letter ${each.id}`)}, "Requeue");
      const drop = make("button", {class: "danger", click: () => this.acts.drop({id: each.id}, `the dead letter ${each.id}`)}, "Drop");
      const [starts, parked, why] = [make("td", {class: "n"}), make("td"), make("td", {class: "long reason"})];
      const row = rowOf(byId("letters"), make("td", {}, id, rows), why, starts, make("td", {}, at(Date.parse(each.accepted_at))),
        parked, make("td", {class: "long last"}, make("p", {class: "acts"}, requeue, drop)));
      // A task that was sent again may be a dead letter again before it was seen to be none.
      row.update = (now) => {
        why.replaceChildren(now.reason, ...(now.detail ? [make("span", {class: "soft"}, ` ${now.detail}`)] : []));
        say(starts, String(now.starts));
        say(parked, at(Date.parse(now.parked_at)));
        requeue.disabled = drop.disabled = document.body.dataset.mayOperate !== "true";
      };
      return row;
    });
    const select = byId("reason");
    const chosen = select.value;
    const names = Object.keys(reasons).sort();
    if (chosen && !names.includes(chosen)) names.push(chosen);
    select.replaceChildren(make("option", {value: ""}, "any"),
      ...names.map((name) => make("option", {value: name}, `${name} (${count(reasons[name] ?? 0)})`)));
    select.value = chosen;
    const some = names.length > 0;
    byId("letters").hidden = !letters.length;
    byId("no-letters").hidden = letters.length > 0;
    byId("letters-acts").hidden = !some;
    byId("requeue-all").disabled = byId("drop-all").disabled = !may;
    const more = chosen ? (reasons[chosen] ?? 0) : Object.values(reasons).reduce((sum, each) => sum + each, 0);
    [this.listed, this.allSeen] = [more, allSeen];
    byId("more-letters").hidden = more <= letters.length;
    say(byId("more-letters"), `The oldest ${count(letters.length)} of ${count(more)}${allSeen ? "" : " or more"}.`);
  }
}
