/** Majority vote over the last camera frames, in front of the evidence. */

import type { Row } from "./frame";
import { NOTHING, type Voting } from "./rules";

/** Each vote, oldest first: the label's number (null: no letter) and its age in seconds. */
export type Votes = readonly (readonly [label: number | null, ageS: number])[];

export function bestOf(row: Row, threshold: number, labels: readonly string[]): number | null {
  const best = row.indexOf(Math.max(...row));
  return row[best] >= threshold && labels[best] !== NOTHING ? best : null;
}

export function step(state: Votes, vote: number | null, elapsedS: number, how: Voting): Votes {
  const aged = state.map(([label, ageS]) => [label, ageS + elapsedS] as const);
  const fresh = aged.filter(([, ageS]) => ageS <= how.window_s);
  return [...fresh, [vote, 0] as const].slice(-how.votes);
}

export function majority(state: Votes): number | null {
  const labels = state.map(([label]) => label);
  const most = labels.find((x) => 2 * labels.filter((y) => y === x).length > labels.length);
  return most ?? null;
}
