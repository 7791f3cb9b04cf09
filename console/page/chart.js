/* global uPlot */
// The chart of the last hour: rates as lines, what waits as an area with an axis of its own.

import {byId, count, rate, say} from "./dom.js";

const HEIGHT = 260;
const HOUR = 3600;
const MINUTE = 60;
const MOST_POINTS = 360;
/** Nobody knows what was between two points that are further apart. The console takes the same for a gap. */
const GAP_SECONDS = 5;
/** There is a sample a second. A newest one that is older than this is the last one for now. */
const OLD_SECONDS = 10;
const TITLES = {300: "The last 5 minutes", 900: "The last 15 minutes", 3600: "The last hour"};

/** The mean of those that are known; null where none is. */
function mean(numbers) {
  const known = numbers.filter((each) => each != null);
  return known.length ? known.reduce((sum, each) => sum + each, 0) / known.length : null;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Chart {
  constructor() {
    this.columns = [[], [], [], []];
    this.thinned = this.columns;
    this.span = HOUR;
    this.now = 0;
    this.holder = byId("chart");
    this.plot = null;
    new ResizeObserver(() => this.plot?.setSize({width: this.holder.clientWidth, height: HEIGHT})).observe(this.holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    for (const each of document.getElementsByName("span")) {
      each.addEventListener("change", () => {
        this.#choose(each);
        this.#show();
      });
      // A browser keeps what was chosen when the page is loaded anew.
      if (each.checked) this.#choose(each);
    }
  }

  #choose(input) {
    this.span = Number(input.value);
    say(byId("chart-title"), TITLES[this.span]);
  }

  /** Puts the whole hour in, and keeps newer points that came before it. Points far above it are of a wrong clock. */
  hour({at, accepted, finished, waiting}) {
    const last = at.at(-1) ?? 0;
    const newer = this.#rows().filter(([time]) => time > last && (!last || time < last + MINUTE));
    this.columns = [at, accepted, finished, waiting];
    this.add(newer, this.now);
  }

  /**
   * Adds points `[at, accepted, finished, waiting]`, each once. After the clock was set back, they replace those above.
   * `now` are the Unix seconds of the look that brings them; 0 where there is none.
   */
  add(points, now = 0) {
    this.now = now;
    const times = this.columns[0];
    for (const point of points) {
      const isLater = point[0] > (times.at(-1) ?? 0);
      if (!isLater && times.includes(point[0])) continue;
      const kept = isLater ? times.length : times.findIndex((time) => time > point[0]);
      for (const column of this.columns) column.splice(kept);
      point.forEach((value, place) => this.columns[place].push(value));
    }
    const surplus = this.columns[0].length - HOUR;
    if (surplus > 0) for (const column of this.columns) column.splice(0, surplus);
    this.#show();
  }

  #rows() {
    return this.columns[0].map((_, place) => this.columns.map((column) => column[place]));
  }

  #show() {
    this.thinned = this.#thin();
    if (!this.plot) this.#draw();
    this.plot.setData(this.thinned);
    const [at, accepted, finished, waiting] = this.columns.map((column) => column.at(-1));
    if (at) {
      this.holder.setAttribute("aria-label", `${TITLES[this.span]}. Now ${rate(accepted)} accepted a second, ` +
        `${rate(finished)} finished a second, ${count(waiting)} waiting.`);
    }
  }

  /**
   * The span in some hundred points, of which each stands for as many seconds: the mean of the rates, and the most that
   * waited. A line of a point a second is a thick band over an hour. Stretches begin at fixed times, so that points of
   * the past stay as they are. No line is drawn over a gap: nobody kept samples while it lasted.
   */
  #thin() {
    const seconds = Math.ceil(this.span / MOST_POINTS);
    const from = (this.columns[0].at(-1) ?? 0) - this.span - seconds;
    const stretches = Map.groupBy(this.#rows().filter(([at]) => at >= from), ([at]) => Math.floor(at / seconds));
    const points = [];
    let last = null;
    for (const rows of stretches.values()) {
      if (last != null && rows[0][0] - last > GAP_SECONDS) points.push([(last + rows[0][0]) / 2, null, null, null]);
      last = rows.at(-1)[0];
      points.push([last, mean(rows.map((row) => row[1])), mean(rows.map((row) => row[2])), Math.max(...rows.map((row) => row[3]))]);
    }
    return this.columns.map((_, place) => points.map((point) => point[place]));
  }

  /** The highest rate that is shown. A batch comes within a second or two: its peak is cut off, or all else would be flat. */
  #top() {
    const [, accepted, finished] = this.thinned.map((column) => column.map((each) => each ?? 0));
    const usual = accepted.sort((one, other) => one - other)[Math.floor(accepted.length * 0.97)] ?? 0;
    return 1.1 * Math.max(5, usual, ...finished);
  }

  /**
   * Where the chart ends: at the newest point, so that it moves evenly and never jumps. Once nobody keeps samples it ends
   * now, so that an old point does not stand for the present.
   */
  #end() {
    const newest = this.columns[0].at(-1);
    if (newest == null) return this.now || Date.now() / 1000;
    return this.now - newest > OLD_SECONDS ? this.now : newest;
  }

  #draw() {
    this.plot?.destroy();
    const soft = colour("--soft");
    const grid = {stroke: colour("--line"), width: 1};
    const axis = {stroke: soft, grid, ticks: {show: false}, font: "12px system-ui, sans-serif"};
    const upwards = (least) => (_plot, _low, high) => [0, Math.max(least, (high ?? 0) * 1.1)];
    const line = (name) => ({stroke: colour(name), width: 1.5, points: {show: false}, spanGaps: false});
    this.plot = new uPlot({
      width: this.holder.clientWidth || 600,
      height: HEIGHT,
      legend: {show: false},
      cursor: {show: false},
      padding: [10, 0, 0, 0],
      scales: {
        x: {range: () => { const end = this.#end(); return [end - this.span, end]; }},
        y: {range: () => [0, this.#top()]},
        waiting: {range: upwards(10)},
      },
      axes: [
        {...axis, size: 28, incrs: [60, 120, 300, 600, 1200, 1800], grid: {show: false}, values: (_plot, marks) => marks.map((each) =>
          new Date(each * 1000).toLocaleTimeString("en-GB", {hour: "2-digit", minute: "2-digit"}))},
        {...axis, size: 52, values: (_plot, marks) => marks.map((each) => count(each))},
        {...axis, scale: "waiting", side: 1, size: 60, grid: {show: false}, values: (_plot, marks) => marks.map((each) =>
          (marks.at(-1) >= 10000 && each ? `${count(each / 1000)} k` : count(each)))},
      ],
      series: [
        {},
        line("--accent"),
        line("--finished"),
        {scale: "waiting", stroke: colour("--waiting"), width: 1, fill: colour("--waiting-fill"), points: {show: false}},
      ],
    }, this.thinned, this.holder);
  }
}
