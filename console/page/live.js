// The stream of looks: one a second while the page is seen, none while it is hidden.

const FULL_MILLISECONDS = 10_000;

export class Live {
  /** `on.look(look)`, `on.stale({since, reason})`, `on.lost(since)`, `on.full()`, `on.opened()`, `on.ended()` (no session), `on.unseen()` (what is shown gets old). */
  constructor(on) {
    this.on = on;
    this.source = null;
    this.lastAt = null;
    this.isWanted = false;
    document.addEventListener("visibilitychange", () => {
      if (!this.isWanted) return;
      if (document.hidden) {
        this.#end();
        this.on.unseen();
      } else this.open();
    });
  }

  /** Begins, or goes on once the page is seen, until `close`. */
  open() {
    this.isWanted = true;
    if (this.source || document.hidden) return;
    const source = new EventSource("api/live");
    this.source = source;
    source.addEventListener("open", () => this.on.opened());
    source.addEventListener("look", (event) => {
      const look = JSON.parse(event.data);
      // By the service's clock, as every other time on the page: the viewer's may be wrong.
      this.lastAt = look.at;
      this.on.look(look);
    });
    source.addEventListener("stale", (event) => this.on.stale(JSON.parse(event.data)));
    source.addEventListener("full", () => {
      this.#end();
      this.on.full();
      setTimeout(() => this.isWanted && this.open(), FULL_MILLISECONDS);
    });
    source.addEventListener("error", () => {
      if (this.source !== source) return;
      this.on.lost(this.lastAt);
      // The browser connects again by itself, but not after an answer that is no stream.
      if (source.readyState === EventSource.CLOSED) {
        this.#end();
        setTimeout(() => this.on.ended(), 1000);
      }
    });
  }

  close() {
    this.isWanted = false;
    this.#end();
  }

  #end() {
    this.source?.close();
    this.source = null;
  }
}
