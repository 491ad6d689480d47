import type { Square } from "../api";

/** Probabilities in label order. */
export type Row = readonly number[];

/** What the recogniser saw in one camera frame; null is unknown. */
export interface Frame {
  readonly probabilities: Row;
  readonly hand: Square | null;
  readonly motion: number | null;
}

/** One sign that counted; `evidence` is the mean of the frames' probabilities. */
export interface Sign {
  readonly label: string;
  readonly startS: number;
  readonly endS: number;
  readonly evidence: Row;
  readonly written: string;
}

/** One label's evidence; `total` is the sum of probabilities, each times its seconds. */
export interface Gathering {
  readonly index: number;
  readonly startS: number;
  readonly endS: number;
  readonly evidenceS: number;
  readonly surest: number;
  readonly seconds: number;
  readonly total: Row;
  /** Complete: it does not go on while held. */
  readonly fixed: boolean;
}

export function signOf(one: Gathering, label: string): Sign {
  const evidence = one.total.map((p) => p / one.seconds);
  return { label, startS: one.startS, endS: one.endS, evidence, written: "" };
}
