// Scaling and motion against Python's: CASES is a folder that tests/web/test_engine.py writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fit } from "../src/engine/fit";
import { mean, motion, thumbnail } from "../src/engine/motion";

const { CASES } = process.env;
const bytes = (name) => new Uint8Array(readFileSync(join(CASES, name)));
const floats = (name) => new Float32Array(bytes(name).buffer);
const cases = JSON.parse(readFileSync(join(CASES, "cases.json"), "utf8"));

for (const { name, width, height, size_px, motion: expected } of cases) {
  const rgba = new Uint8ClampedArray(bytes(`${name}.rgba`).buffer);
  test(`${name} is scaled as Python scales it`, () => {
    const [found, wanted] = [fit(rgba, width, height, size_px), floats(`${name}.fit`)];
    assert.equal(found.length, wanted.length);
    const off = found.reduce((most, x, i) => Math.max(most, Math.abs(x - wanted[i])), 0);
    assert.ok(off <= 1e-5, `${off}`);
  });
  test(`${name} moves as much as Python says`, () => {
    const before = thumbnail(rgba, width, height);
    const after = thumbnail(rgba.map((x, i) => (i % 4 === 3 ? x : 255 - x)), width, height);
    assert.equal(motion(null, before), null);
    assert.equal(motion(before, before), 0);
    assert.ok(Math.abs(motion(before, after) - expected) <= 1e-3 * expected, `${motion(before, after)}`);
    assert.ok(mean(before) > 0);
  });
}

test("a camera's frame takes little time", () => {
  const rgba = new Uint8ClampedArray(640 * 480 * 4).map((_, i) => i);
  const times = Array.from({ length: 12 }, () => {
    const start = performance.now();
    fit(rgba, 640, 480, [200, 200]);
    thumbnail(rgba, 640, 480);
    return performance.now() - start;
  });
  const best = Math.min(...times);
  console.log(`# ${best.toFixed(1)} ms a frame`);
  assert.ok(best < 40, `${best} ms`);
});
