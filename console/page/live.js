// The stream of looks: one a second while the page is seen, none while it is hidden.

const FULL_MILLISECONDS = 10_000;
/** There is an event a second, or some seconds after Redis has not answered one in time. */
const SILENT_MILLISECONDS = 15_000;

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
    this.#expect();
    source.addEventListener("open", () => this.on.opened());
    source.addEventListener("look", (event) => {
      this.#expect();
      const look = JSON.parse(event.data);
      // By the service's clock, as every other time on the page: the viewer's may be wrong.
      this.lastAt = look.at;
      this.on.look(look);
    });
    source.addEventListener("stale", (event) => {
      this.#expect();
      this.on.stale(JSON.parse(event.data));
    });
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

  /**
   * Waits for the next event. A connection whose other end is frozen, or out of reach, ends with no error: the browser
   * would wait for ever, and what is shown would pass for live.
   */
  #expect() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.#end();
      this.on.lost(this.lastAt);
      this.open();
    }, SILENT_MILLISECONDS);
  }

  #end() {
    clearTimeout(this.silence);
    this.source?.close();
    this.source = null;
  }
}
