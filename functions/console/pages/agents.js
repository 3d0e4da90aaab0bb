// A User-Agent header in words. It is what the program says of itself: anybody can say anything.

// The first that fits: most programs also name those that they want to be taken for.
const BROWSERS = [
  ["Edge", /\bEdg(?:e|A|iOS)?\//],
  ["Opera", /\bOPR\//],
  ["Samsung Internet", /\bSamsungBrowser\//],
  ["Firefox", /\b(?:Firefox|FxiOS)\//],
  ["Chrome", /\b(?:Chrome|CriOS|HeadlessChrome)\//],
  ["Safari", /\bVersion\/\S+ .*Safari\//],
];
const SYSTEMS = [
  ["Android", /\bAndroid\b/],
  ["iPad", /\biPad\b/],
  ["iPhone", /\biPhone\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Windows", /\bWindows\b/],
  ["macOS", /\bMac OS X\b|\bMacintosh\b/],
  ["Linux", /\bLinux\b/],
];

/** «Chrome on Linux»; the name of another program as it says it; empty for one that says nothing. */
export function program(agent) {
  const [browser, system] = [found(BROWSERS, agent), found(SYSTEMS, agent)];
  const called = browser ?? /^[^\s/(]*/.exec(agent)[0];
  return system && called ? `${called} on ${system}` : called;
}

/** "phone", "tablet", "computer", or "program" for what is no browser. */
export function kindOf(agent, platform = "") {
  const said = `${agent} ${platform}`;
  if (/\biPad\b|\btablet\b/i.test(said) || (/\bAndroid\b/.test(agent) && !/\bMobile\b/.test(agent))) return "tablet";
  if (/\biPhone\b|\bAndroid\b|\bios\b|\bphone\b/i.test(said)) return "phone";
  return found(BROWSERS, agent) || found(SYSTEMS, agent) || platform === "web" ? "computer" : "program";
}

const found = (table, agent) => table.find(([, pattern]) => pattern.test(agent))?.[0];
