// The client with one rule switched off each. `settings`: what the rule is there for, where LIFE has none of it.
const KEY = "`${record.salt}.${record.n}`; // R1";
const READ = "const record = await this.#read(true);";
const LOOP = "for (let swaps = 0; swaps < MAX_SWAPS; ) {";
const SEND = "const got = await this.#send(record, device, raise);";
// A slow store without a lock.
const RACES = { hasLocks: false, lifeS: 60, storeMs: 800, strikeEveryMs: 20_000, freezeMs: 300_000, useEveryMs: 10_000, hours: 1 };
const FREEZES = { ...RACES, kinds: 0.45, strikeEveryMs: 8_000, freezeMs: 400_000, useEveryMs: 5_000, storeMs: 1500 };

export const MUTANTS = {
  "R1: no key": { changes: [[`"Idempotency-Key": key, `, ""]] },
  "R1: a new random key for each try": { changes: [[KEY, "String(Math.random());"]] },
  "R1: one random key per token, saved before it is sent": {
    changes: [
      [KEY, "record.rk;"],
      [SEND, `if (!record.rk || record.rkOf !== record.token) {
        [record.rk, record.rkOf] = [String(Math.random()), record.token];
        await this.#store.put(JSON.stringify(record));
      }
      ${SEND}`],
    ],
    settings: { ...RACES, lostAnswers: 0.5 },
  },
  "R2: the token kept in a variable across tries": {
    changes: [[LOOP, `let kept; ${LOOP}`], [READ, "const record = (kept ??= await this.#read(true));"]],
    settings: { ...RACES, storeMs: 0, lostAnswers: 0.3 },
  },
  "R2: no check for a freeze between read and send": {
    changes: [["while (this.#elapsed(began) > this.#timeoutMs / 5)", "while (false)"]],
    settings: FREEZES,
  },
  "R3: saved without compare-and-set": {
    changes: [["if (!(await this.#store.swap(this.#text, text))) return false;", "await this.#store.put(text);"]],
    settings: FREEZES,
  },
  "R4: no least age before a forced refresh": {
    changes: [["Math.min(MIN_AGE_MS, record.lifeMs / 2)", "0"], ["if (next?.n && ", "if (false && "]],
    settings: { refused: 0.3, useEveryMs: 20_000, hours: 2 },
  },
  "R5: answers accepted after a sleep": {
    changes: [["if (isLate || ", "if ("]],
    settings: { ...FREEZES, storeMs: 0, tabs: 4, slow: 0.4, strikeEveryMs: 5_000 },
  },
  "R6: a fault of the service ends the session": {
    changes: [["else this.#unreachable(got.retryAfterMs);", `else await this.#over("session_over");`]],
  },
  "R7: used before it is saved": { changes: [["(!(await this.#save(next)) && ++swaps)", "false"]] },
  "R8: lost token requests are queued and replayed": { changes: [], settings: { isReplayed: true } },
};
