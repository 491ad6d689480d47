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
import { answerOf, probabilitiesOf } from "./head";

const PULL = 1e-3;
const STEPS = 150;
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
    kinds < 2 && `examples of ${kinds} label${kinds === 1 ? "" : "s"}`,
    !split(examples)[1].length && `fewer than ${LEAST} examples of each label`,
  ];
  const found = faults.find(Boolean);
  if (!found) return;
  throw new EngineError(
    found,
    `${LEAST} or more examples of two or more of ${labels.length} labels, ${width} features a view`,
    "record more pictures of your hand, of at least two letters",
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

function descend(views: readonly View[], start: Head): Head {
  const norms = views.map(({ features }) => features.reduce((sum, x) => sum + x * x, 1));
  const curvature = 0.5 * norms.reduce((a, b) => a + b, 0) / norms.length + PULL;
  const step = 1 / Math.max(curvature, 1e-6);
  let [now, before] = [copy(start), copy(start)];
  for (let n = 0; n < STEPS; n++) {
    const push = n / (n + 3);
    const ahead = copy(now);
    ahead.weights.forEach((x, i) => (ahead.weights[i] = x + push * (x - before.weights[i])));
    ahead.bias.forEach((x, i) => (ahead.bias[i] = x + push * (x - before.bias[i])));
    const slope = gradient(views, ahead, start);
    before = now;
    now = {
      weights: ahead.weights.map((x, i) => x - step * slope.weights[i]),
      bias: ahead.bias.map((x, i) => x - step * slope.bias[i]),
    };
  }
  return now;
}

const copy = ({ weights, bias }: Head): Head => ({ weights: weights.slice(), bias: bias.slice() });

function gradient(views: readonly View[], head: Head, start: Head): Head {
  const labels = head.bias.length;
  const weights = head.weights.map((x, i) => PULL * (x - start.weights[i]));
  const bias = head.bias.map((x, i) => PULL * (x - start.bias[i]));
  const row = new Float64Array(labels);
  for (const { features, label } of views) {
    answerOf(features, head, row);
    row[label] -= 1;
    for (let k = 0; k < labels; k++) bias[k] += row[k] /= views.length;
    for (let f = 0; f < features.length; f++) {
      const [x, at] = [features[f], f * labels];
      if (x !== 0) for (let k = 0; k < labels; k++) weights[at + k] += x * row[k];
    }
  }
  return { weights, bias };
}
