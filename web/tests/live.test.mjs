// The live rules against Python's: node --test, with VECTORS the folder tests/live/vectors.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { LiveSpeller, START, step, textOf } from "../src/engine/live/session";
import { rulesOf } from "../src/engine/live/rules";

const VECTORS = process.env.VECTORS;
const files = readdirSync(VECTORS).map((name) => JSON.parse(readFileSync(join(VECTORS, name), "utf8")));

function rowOf(pairs, count) {
  const row = new Array(count).fill(0);
  for (const [index, p] of pairs) row[index] = p;
  return row;
}

function* framesOf(stream, count) {
  for (const [number, at_s] of stream.times.entries()) {
    const probabilities = rowOf(stream.p[number], count);
    yield [at_s, { probabilities, hand: stream.hand[number], motion: stream.motion[number] }];
  }
}

// What `tests/live/make_vectors.py` writes of a stream.
function read(stream, rules) {
  const { labels } = rules;
  let [state, beforeS, counted] = [START, 0, []];
  for (const [atS, frame] of framesOf(stream, labels.length)) {
    state = step(state, frame, atS - beforeS, rules);
    beforeS = atS;
    const { opener } = state.gathered;
    if (opener) counted.push([atS, labels[opener.index], textOf({ signs: state.signs.slice(0, -1) })]);
    if (state.counted !== null) counted.push([atS, state.counted, textOf(state)]);
  }
  return { counted, signs: state.signs };
}

const near = (found, expected, most, what) =>
  assert.ok(Math.abs(found - expected) <= most, `${what}: ${found}, not ${expected}`);

test("every stream is read as Python reads it", () => {
  let streams = 0;
  for (const file of files) {
    const rules = rulesOf(file.rules);
    for (const [number, stream] of file.streams.entries()) {
      const { counted, signs } = read(stream, rules);
      const what = `stream ${number}`;
      assert.deepEqual(counted.map(([, ...x]) => x), stream.counted.map(([, ...x]) => x), what);
      counted.forEach(([atS], i) => near(atS, stream.counted[i][0], 1e-4, what));
      assert.deepEqual(signs.map((x) => x.label), stream.signs.map((x) => x[0]), what);
      signs.forEach((sign, i) => {
        const [, startS, endS, evidence] = stream.signs[i];
        near(sign.startS, startS, 1e-4, what);
        near(sign.endS, endS, 1e-4, what);
        const row = rowOf(evidence, rules.labels.length);
        sign.evidence.forEach((p, k) => near(p, row[k], 1.1e-3, what));
      });
      streams++;
    }
  }
  assert.ok(streams >= 300, `${streams} streams`);
});

test("the page's speller writes the same text, and says how far a letter is", () => {
  const [file] = files.filter((one) => one.rules.strokes);
  const stream = file.streams.find((one) => one.signs.length > 3 && one.hand[0]);
  const speller = new LiveSpeller(file.rules);
  let beforeS = 0;
  for (const [atS, frame] of framesOf(stream, file.rules.labels.length)) {
    const { progress, counted } = speller.step(frame, atS - beforeS);
    beforeS = atS;
    assert.ok(progress >= 0 && progress <= 1);
    if (counted !== null) assert.equal(progress, 1);
  }
  const text = stream.counted.at(-1)[2];
  assert.equal(speller.session.text, text);
  assert.equal(speller.type("space").text, `${text.trimEnd()} `);
  assert.equal(speller.type("del").text.trimEnd(), text.trimEnd());
  assert.equal(speller.clear().text, "");
});

test("a need of its own makes a letter come later", () => {
  const [file] = files.filter((one) => one.rules.strokes);
  const row = rowOf([[0, 1]], file.rules.labels.length);
  const framesFor = (needS) => {
    const speller = new LiveSpeller(file.rules);
    speller.configure({ needS });
    for (let n = 0; ; n++) if (speller.step({ probabilities: row, hand: null, motion: 0 }, 0.1).counted) return n;
  };
  assert.ok(framesFor(1) >= framesFor(0.3) + 5);
  assert.throws(() => new LiveSpeller(file.rules).step({ probabilities: row, hand: null, motion: 0 }, -1), /forward/);
});
