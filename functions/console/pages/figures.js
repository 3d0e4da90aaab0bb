// The figures of a span and of the one before, and the bars between, by the viewer's clock.

import { SPANS, ownSpan } from "/pages/address.js";
import { barMinutes, startsOf } from "/pages/bars.js";
import { request } from "/pages/session.js";
import { nowS } from "/pages/times.js";

/** span: as in addresses. { figures, previous, bars, minutes, open }: figures: by name, of the span; previous: of the span
before; bars: [{from, to, counts}]; minutes: how long a bar is; open: how many findings are, whatever the span. */
export async function figuresOf(span) {
  const now = Math.floor(nowS());
  const { from, to } = ownSpan(span) ?? { from: now - SPANS[span], to: now };
  const minutes = barMinutes(to - from);
  const [summary, inbox] = await Promise.all([
    request("GET", `/console/summary?${periodOf(from, to, minutes)}`),
    request("GET", "/console/inbox?limit=1"),
  ]);
  const bars = summary.series.map(({ at, ...counts }, index) => ({ from: at, to: summary.series[index + 1]?.at ?? summary.until, counts }));
  return { figures: summary.figures, previous: summary.previous.figures, bars, minutes, open: inbox.counts.open };
}

// The service keeps hours, and counts minutes of late ones; which hours make a day is up to the viewer's clock.
function periodOf(from, to, minutes) {
  const starts = minutes < 60 ? [] : startsOf(from, to, minutes);
  return new URLSearchParams(starts.length ? { starts: starts.join(), until: to } : { since: from, until: to, step: "5min" });
}
