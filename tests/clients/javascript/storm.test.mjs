// 200 people with sessions of their own in virtual time, and a service that is out for a while.
import assert from "node:assert/strict";
import test from "node:test";
import { answer, LIFE, stormed } from "./world.mjs";

const SECOND_MS = 1000;
const OUT = { from: 1200 * SECOND_MS, to: 1210 * SECOND_MS };
const RETRY_AFTER_S = 20;

for (const [status, error] of [[503, "temporarily_unavailable"], [429, "rate_limited"]]) {
  test(`a storm of ${status}: nobody tries before Retry-After, and no peak follows`, async () => {
    const isOut = (now) => now >= OUT.from && now < OUT.to;
    const refusal = answer(status, { error }, String(RETRY_AFTER_S));

    const { tries, falseSignOuts } = await stormed({ ...LIFE, tabs: 200, useEveryMs: 15_000, hours: 0.4, refused: 0 }, (now) => isOut(now) && refusal);

    assert.equal(falseSignOuts, 0);
    for (const times of tries.values()) {
      const gaps = times.slice(1).map((time, index) => [times[index], time - times[index]]);
      assert.ok(gaps.every(([at, gap]) => !isOut(at) || gap >= RETRY_AFTER_S * SECOND_MS));
    }
    const all = [...tries.values()].flat();
    const most = (from, to) => {
      const buckets = new Map();
      for (const time of all.filter((time) => time >= from && time < to)) {
        const bucket = Math.floor(time / (10 * SECOND_MS));
        buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
      }
      return Math.max(...buckets.values());
    };
    const steady = most(300 * SECOND_MS, OUT.from);
    const after = most(OUT.to, 1300 * SECOND_MS);
    console.log(`# ${status}: at most ${steady} tries in 10 s before, ${after} after`);
    assert.ok(after <= 2 * steady, `${after} after, ${steady} before`);
  });
}
