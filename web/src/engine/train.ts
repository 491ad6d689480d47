/**
 * Learns a last layer on features, from the bundle's own: softmax regression, pulled back to where
 * it starts.
 *
 *     loss = mean cross entropy + PULL / 2 · |W - W0|²
 *
 * By Nesterov's accelerated gradient with the step that the loss's curvature allows: no rate to
 * tune, and the same examples give the same layer.
 */

import { EngineError, type Example, type Head, type Trained } from "./api";
import { logitsOf, probabilitiesOf, softmax } from "./head";

const PULL = 1e-3;
const STEPS = 100;
const MOST = 3000; // examples: their products with each other are held
const LEAST = 4; // examples of a label, so that one can be held back

interface View {
  readonly features: Float32Array;
  readonly label: number;
}

/** Splits examples: of each label the last quarter is held back, for frames of a row are alike. */
export function split(examples: readonly Example[]): [used: Example[], heldBack: Example[]] {
  const [used, heldBack]: [Example[], Example[]] = [[], []];
  for (const label of new Set(examples.map((one) => one.label))) {
    const own = examples.filter((one) => one.label === label);
    const count = own.length - (own.length >= LEAST ? Math.floor(own.length / 4) : 0);
    used.push(...own.slice(0, count));
    heldBack.push(...own.slice(count));
  }
  return [used, heldBack];
}

function accuracy(examples: readonly Example[], labels: readonly string[], head: Head): number {
  const right = examples.filter(({ label, features }) => {
    const row = probabilitiesOf(features, head);
    return labels[row.indexOf(row.reduce((a, b) => Math.max(a, b)))] === label;
  });
  return examples.length ? right.length / examples.length : 0;
}

function check(examples: readonly Example[], labels: readonly string[], start: Head): void {
  const width = start.weights.length / start.bias.length;
  const unknown = examples.find((one) => !labels.includes(one.label));
  const wrong = examples.find(({ features: x }) => !x.length || x.length % width || !x.every(isFinite));
  const kinds = new Set(examples.map((one) => one.label)).size;
  const faults: (string | false | undefined)[] = [
    labels.length !== start.bias.length && `${labels.length} labels for a layer of ${start.bias.length}`,
    unknown && `an example of ${unknown.label}`,
    wrong && `an example with ${wrong.features.length} features`,
    examples.length > MOST && `${examples.length} examples`,
    kinds < 2 && `examples of ${kinds} label${kinds === 1 ? "" : "s"}`,
    !split(examples)[1].length && `fewer than ${LEAST} examples of each label`,
  ];
  const found = faults.find(Boolean);
  if (!found) return;
  throw new EngineError(
    found,
    `${LEAST} or more of at least two of ${labels.length} labels, ${MOST} in all, ${width} features a view`,
    examples.length > MOST ? "leave some out" : "record more pictures of your hand, of at least two letters",
  );
}

/** Learns from examples; says how well the layer reads those held back, before and after. */
export function train(examples: readonly Example[], labels: readonly string[], start: Head): Trained {
  check(examples, labels, start);
  const width = start.weights.length / start.bias.length;
  const [used, heldBack] = split(examples);
  const views: View[] = used.flatMap(({ label, features }) =>
    Array.from({ length: features.length / width }, (_, v) => ({
      features: features.subarray(v * width, (v + 1) * width),
      label: labels.indexOf(label),
    })),
  );
  const head = descend(views, start);
  return {
    head,
    before: accuracy(heldBack, labels, start),
    after: accuracy(heldBack, labels, head),
    heldBack: heldBack.length,
  };
}

/**
 * The layer moves only by sums of the views x: W = W0 + Σ a x, the bias being a feature that is 1. So
 * each view's a (L) is what is learnt, on the views' products with each other, which are computed
 * once: of 200 pictures a fifth of the work.
 */
function descend(views: readonly View[], start: Head): Head {
  const [count, labels] = [views.length, start.bias.length];
  const products = productsOf(views);
  const rows = views.map(() => new Float64Array(labels));
  views.forEach(({ features }, n) => logitsOf(features, start, rows[n]));
  const trace = views.reduce((sum, _, n) => sum + products[n][n], 0);
  const step = 1 / ((0.5 * trace) / count + PULL);
  const [now, before] = [rows.map(() => new Float64Array(labels)), rows.map(() => new Float64Array(labels))];
  const ahead = rows.map(() => new Float64Array(labels));
  const row = new Float64Array(labels);
  for (let n = 0; n < STEPS; n++) {
    const push = n / (n + 3);
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < labels; k++) ahead[i][k] = now[i][k] + push * (now[i][k] - before[i][k]);
      before[i].set(now[i]);
    }
    for (let i = 0; i < count; i++) {
      row.set(rows[i]);
      for (let j = 0; j < count; j++) add(row, ahead[j], products[i][j]);
      softmax(row);
      row[views[i].label] -= 1;
      const [mine, to] = [ahead[i], now[i]];
      for (let k = 0; k < labels; k++) to[k] = mine[k] - step * (row[k] / count + PULL * mine[k]);
    }
  }
  const weights = Float64Array.from(start.weights);
  const bias = Float64Array.from(start.bias);
  views.forEach(({ features }, n) => {
    add(bias, now[n], 1);
    features.forEach((x, f) => add(weights.subarray(f * labels, (f + 1) * labels), now[n], x));
  });
  return { weights: Float32Array.from(weights), bias: Float32Array.from(bias) };
}

function add(to: Float64Array, from: Float64Array, share: number): void {
  for (let k = 0; k < from.length; k++) to[k] += share * from[k];
}

/** Returns the products of views with each other; the bias is a feature that is 1. */
function productsOf(views: readonly View[]): Float64Array[] {
  const products = views.map(() => new Float64Array(views.length));
  for (let i = 0; i < views.length; i++) {
    const a = views[i].features;
    for (let j = 0; j <= i; j++) {
      const b = views[j].features;
      let sum = 1;
      for (let f = 0; f < a.length; f++) sum += a[f] * b[f];
      products[i][j] = products[j][i] = sum;
    }
  }
  return products;
}
