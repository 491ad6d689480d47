/** The live rules' numbers, by the names that Python gives them (see `fingerspell.live`). */

export interface Evidence {
  readonly share: number;
  readonly need_s: number;
  readonly open_need_s: number;
  readonly open_probability: number;
  readonly vouch_s: number;
  readonly vouched: string;
  readonly idle_s: number;
  readonly release_s: number;
  readonly frame_s: number;
  readonly least_frames: number;
  readonly gap_s: number;
  readonly moving: number;
  readonly near_s: number;
  readonly apart_s: number;
  readonly rest_factor: number;
  readonly shift: number;
  readonly follow_s: number;
}

export interface Strokes {
  readonly shape: number;
  readonly lost_s: number;
  readonly shortest_s: number;
  readonly longest_s: number;
  readonly leg: number;
  readonly drop: number;
  readonly hook: number;
}

export interface Voting {
  readonly threshold: number;
  readonly votes: number;
  readonly window_s: number;
}

export interface LiveRules {
  readonly labels: readonly string[];
  readonly still_threshold: number;
  readonly evidence: Evidence;
  readonly voting: Voting | null;
  readonly strokes: Strokes | null;
  readonly max_chars: number;
}

/** Reads rules as Python writes them: JSON knows no infinity, `null` among the evidence is it. */
export function rulesOf(written: unknown): LiveRules {
  const rules = written as LiveRules;
  const evidence = Object.fromEntries(
    Object.entries(rules.evidence).map(([name, value]) => [name, value ?? Infinity]),
  ) as unknown as Evidence;
  return { ...rules, evidence };
}

export const CONTROLS: readonly string[] = ["del", "nothing", "space"];
export const NOTHING = "nothing";
/** Letters that are movements. */
export const MOVING: readonly string[] = ["J", "Z"];
