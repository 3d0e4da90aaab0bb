// The rules of docs/how-to/clients.md in a world of misfortune (world.mjs): with all of them no session ends, without any one some do.
// RUNS=1000 counts the losses of each mutant; without it one loss is enough.
import assert from "node:assert/strict";
import test from "node:test";
import { MUTANTS } from "./mutants.mjs";
import { LIFE, simulated } from "./world.mjs";

const RUNS = Number(process.env.RUNS ?? 0);
const MANY = RUNS || 400;

for (const [name, settings, runs] of [
  ["with a lock", {}, RUNS || 300],
  ["without a lock", { hasLocks: false }, RUNS || 100],
  ["with a slow store", { storeMs: 500 }, RUNS || 100],
]) {
  test(`all rules, ${name}: no session ends`, async () => {
    const total = await simulated([], { ...LIFE, ...settings }, runs);

    console.log(`# all rules, ${name}: ${total.ended} of ${total.runs}; ${total.rotations} rotations, ${total.repeats} repeats`);
    assert.equal(total.ended, 0);
    assert.ok(total.repeats > runs && total.rotations > 20 * runs, "misfortune, and life");
  });
}

for (const [name, { changes, settings }] of Object.entries(MUTANTS)) {
  test(`without ${name}: sessions end`, async () => {
    const total = await simulated(changes, { ...LIFE, ...settings }, MANY, { enough: RUNS ? Infinity : 1 });

    console.log(`# without ${name}: ${total.ended} of ${total.runs}`);
    assert.ok(total.ended > 0);
  });
}

test("what a rule is switched off in, is as safe as any with it on", { skip: !RUNS }, async () => {
  for (const [name, { settings }] of Object.entries(MUTANTS)) {
    if (!settings || settings.isReplayed) continue;
    const total = await simulated([], { ...LIFE, ...settings }, RUNS);
    console.log(`# all rules, where ${name}: ${total.ended} of ${total.runs}`);
    assert.equal(total.ended, 0);
  }
});
