/** Probabilities from features: the last layer, and which labels are allowed. */

import type { Contract, Head } from "./api";

/** Reads the bundle's last layer as the server writes it: weights (F, L), bias (L), float32. */
export function headOf(bytes: ArrayBuffer, labels: number): Head {
  const numbers = new Float32Array(bytes);
  const end = numbers.length - labels;
  return { weights: numbers.slice(0, end), bias: numbers.slice(end) };
}

/** Writes features · weights + bias of one view into `out` (L). */
export function logitsOf(features: Float32Array, { weights, bias }: Head, out: Float64Array): void {
  const labels = bias.length;
  out.set(bias);
  for (let f = 0, at = 0; f < features.length; f++) {
    const x = features[f];
    for (let k = 0; k < labels; k++) out[k] += x * weights[at++];
  }
}

/** Makes probabilities of logits (L), in place. */
export function softmax(row: Float64Array): void {
  let most = -Infinity;
  for (let k = 0; k < row.length; k++) most = Math.max(most, row[k]);
  let sum = 0;
  for (let k = 0; k < row.length; k++) sum += row[k] = Math.exp(row[k] - most);
  for (let k = 0; k < row.length; k++) row[k] /= sum;
}

/** Returns probabilities (L), the mean over the views of features (V × F). */
export function probabilitiesOf(features: Float32Array, head: Head): Float32Array {
  const width = head.weights.length / head.bias.length;
  const views = features.length / width;
  const mean = new Float64Array(head.bias.length);
  const out = new Float64Array(head.bias.length);
  for (let v = 0; v < views; v++) {
    logitsOf(features.subarray(v * width, (v + 1) * width), head, out);
    softmax(out);
    out.forEach((p, k) => (mean[k] += p / views));
  }
  return Float32Array.from(mean);
}

/** Returns for each label whether it may be answered: chosen, and allowed by the contract. */
export function allowedOf(chosen: readonly string[] | null, contract: Contract): boolean[] {
  return contract.labels.map((x) => contract.allowed.includes(x) && (chosen?.includes(x) ?? true));
}

/** Returns 0 for what is not allowed; the rest adds up to 1, each as much as any where all were 0. */
export function only(row: Float32Array, allowed: readonly boolean[] | null): Float32Array {
  if (!allowed || allowed.every(Boolean)) return row;
  const kept = row.map((p, k) => (allowed[k] ? p : 0));
  const total = kept.reduce((sum, p) => sum + p, 0);
  const count = allowed.filter(Boolean).length;
  return kept.map((p, k) => (total > 0 ? p / total : allowed[k] ? 1 / count : 0));
}
