// Proposals for words against Python's: CASES holds what tests/web/test_engine.py writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { decode, lastWord, wordListOf } from "../src/engine/words";

const { labels, rules, list, cases } = JSON.parse(readFileSync(join(process.env.CASES, "words.json"), "utf8"));
const words = wordListOf(list, labels);

function same(found, expected, what) {
  assert.deepEqual(found.map((one) => one.word), expected.map((one) => one.word), what);
  found.forEach((one, i) => assert.ok(Math.abs(one.probability - expected[i].probability) < 1e-6, what));
}

for (const { signs, decoded } of cases) {
  test(`${decoded.letters} is completed and corrected as Python does`, () => {
    const start = performance.now();
    const found = decode(signs, words, rules);
    console.log(`# ${(performance.now() - start).toFixed(0)} ms`);
    assert.equal(found.letters, decoded.letters);
    same(found.proposals, decoded.proposals, "proposals");
    same(found.completions, decoded.completions, "completions");
  });
}

test("the last word is that before the spaces", () => {
  const signs = [..."AB C "].map((written) => ({ written }));
  assert.equal(lastWord(signs).map((one) => one.written).join(""), "C");
  assert.equal(lastWord(signs.slice(0, 2)).length, 2);
  assert.deepEqual(lastWord([]), []);
  assert.deepEqual(decode([], words, rules).proposals, []);
});
