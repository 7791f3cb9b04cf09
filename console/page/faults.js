// What running processes say that they cannot use: which server (or room for more requests), whether it is away or refuses, and how many of them.

export const SILENT_SECONDS = 15;
const SERVERS = [["broker", "Redis"], ["database", "MongoDB"], ["room", "room"]];
const KINDS = ["shim", "worker"];

/** Processes that were heard of lately. What one found that is silent now was long ago. */
export const running = (look) => look.processes.filter((each) => each.silent_seconds <= SILENT_SECONDS);

/**
 * Whether silence says nothing of a process: Redis takes no writes, or does so again since a moment ago.
 * A refusal that is about the console's own user keeps no other process from telling that it runs.
 */
export const isDeaf = ({broker}) => broker.back_since != null || takesNoWrites(broker);

const OF_ALL = new Set(["BUSY", "MISCONF", "NOREPLICAS", "OOM", "READONLY"]);
export const takesNoWrites = ({refused}) => refused != null && OF_ALL.has(refused.code);

/** The faults of running processes, each with `server`, `kind`, `since`, `found` of `all`, and why it refuses, if it does. */
export function faultsOf(look) {
  const faults = [];
  for (const [name, server] of SERVERS) {
    for (const kind of KINDS) {
      const all = running(look).filter((each) => each.kind === kind);
      const found = all.filter((each) => each.away[name] != null);
      if (!found.length) continue;
      const since = Math.min(...found.map((each) => each.away[name]));
      const why = found.map((each) => each.refused[name]).find((each) => each);
      faults.push({server, kind, since, found: found.length, all: all.length, why});
    }
  }
  return faults;
}
