// The bars of the chart: where they begin by the clock of whoever looks, and the labels of their axis.

const DAY = 1440; // minutes
const FORMATS = Object.fromEntries(
  Object.entries({
    time: { hour: "2-digit", minute: "2-digit" },
    date: { day: "numeric", month: "short" },
    day: { weekday: "short", day: "numeric", month: "short" },
    whole: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  }).map(([name, options]) => [name, new Intl.DateTimeFormat(undefined, options)]),
);
const told = (format, seconds) => FORMATS[format].format(seconds * 1000);

/** How long a bar is, in minutes: up to 48 of them in a span, so that a finger can hit one. */
export function barMinutes(spanS) {
  if (spanS <= 2 * 3600) return 5;
  if (spanS <= 48 * 3600) return 60;
  return spanS <= 10 * 86_400 ? 360 : DAY;
}

/** Where bars begin between two instants (epoch seconds), by the viewer's clock: hours, quarters of days, midnights. A day
without its midnight, or with 23 or 25 hours, is one bar all the same. */
export function startsOf(since, until, minutes) {
  const first = new Date(since * 1000);
  const starts = [];
  for (let minute = Math.ceil(minuteOfDay(first) / minutes) * minutes; ; minute += minutes) {
    const seconds = new Date(first.getFullYear(), first.getMonth(), first.getDate(), 0, minute).getTime() / 1000;
    if (seconds >= until) return starts;
    if (seconds >= since && seconds !== starts.at(-1)) starts.push(seconds);
  }
}

const minuteOfDay = (at) => at.getHours() * 60 + at.getMinutes();

/** What a bar is of, in words. bar: {from, to}. */
export function barLabel({ from, to }, minutes) {
  return minutes >= DAY ? told("day", from) : `${told("whole", from)} to ${told("time", to)}`;
}

/** Which bars have a label on the axis, at most `most`: [{index, text}]. */
export function ticksOf(bars, minutes, most) {
  const starts = bars.map(({ from }) => minuteOfDay(new Date(from * 1000)));
  if (minutes >= DAY || starts.filter((start) => start === 0).length > most) return dates(bars, starts, most, minutes);
  const fits = (every) => every % minutes === 0 && starts.filter((start) => start % every === 0).length <= most;
  const every = [5, 10, 15, 30, 60, 120, 180, 360, 720].find(fits) ?? DAY;
  return bars.flatMap(({ from }, index) =>
    starts[index] % every === 0 ? [{ index, text: told(starts[index] === 0 ? "date" : "time", from) }] : [],
  );
}

function dates(bars, starts, most, minutes) {
  const days = bars
    .map(({ from }, index) => ({ index, text: told("date", from) }))
    .filter(({ index }) => minutes >= DAY || starts[index] === 0);
  const every = Math.ceil(days.length / most);
  return days.filter((_, place) => (days.length - 1 - place) % every === 0);
}

/** The top of the axis: 1, 2 or 5 times a power of ten, at least the highest bar. */
export function topOf(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 5, 10].map((times) => times * power).find((top) => top >= most);
}
