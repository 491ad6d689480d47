/** From frames to text: voting, evidence, strokes and writing as one state machine, no clock. */

import { EngineError, type Seen, type Session, type Speller } from "../api";
import * as evidence from "./evidence";
import { type Frame, type Sign, signOf } from "./frame";
import { type LiveRules, rulesOf } from "./rules";
import * as strokes from "./strokes";
import * as voting from "./voting";

/** A session: the signs that stand written, and what the next frame needs. */
export interface Live {
  readonly signs: readonly Sign[];
  readonly counted: string | null;
  readonly shown: string | null;
  readonly votes: voting.Votes;
  readonly gathered: evidence.Gathered;
  readonly ways: strokes.Ways;
}

export const START: Live = {
  signs: [],
  counted: null,
  shown: null,
  votes: [],
  gathered: evidence.EMPTY,
  ways: {},
};

export const textOf = (live: Live): string => live.signs.map((sign) => sign.written).join("");

/** Folds one frame into the session, `elapsedS` seconds after the one before. */
export function step(state: Live, frame: Frame, elapsedS: number, rules: LiveRules): Live {
  const { labels, evidence: how } = rules;
  let { votes } = state;
  let speaks = frame.probabilities;
  if (rules.voting) {
    const best = voting.bestOf(speaks, rules.voting.threshold, labels);
    votes = voting.step(votes, best, elapsedS, rules.voting);
    const winner = voting.majority(votes);
    speaks = speaks.map((_, index) => Number(index === winner));
  }
  const before = state.gathered.locked;
  const held = before?.fixed ? labels[before.index] : null;
  const rests = frame.hand !== null && !evidence.moves(state.gathered, frame, elapsedS, how);
  if (rules.strokes && (rests || held)) speaks = strokes.asShapes(speaks, labels, held);
  let gathered = evidence.step(state.gathered, speaks, frame, elapsedS, labels, how);
  let signs = heldOn(state.signs, gathered, labels);
  let { locked: sign } = gathered;
  let { ways } = state;
  if (rules.strokes) {
    const [after, stroke] = strokes.step(ways, frame, gathered.atS, labels, rules.strokes);
    ways = after;
    if (stroke) {
      const shape = strokes.SHAPES[labels[stroke.index]];
      signs = lessItsShape(signs, shape, stroke.startS);
      const { waiting } = gathered;
      if (waiting && shape.includes(labels[waiting.index])) gathered = { ...gathered, waiting: null };
      sign = stroke;
      gathered = evidence.locked(gathered, sign, frame, labels[sign.index], how);
    }
  }
  if (!gathered.counted || !sign) {
    return { signs, counted: null, shown: shownOf(gathered, rules), votes, gathered, ways };
  }
  for (const one of [gathered.opener, sign]) {
    if (one) signs = written(signs, signOf(one, labels[one.index]), rules.max_chars);
  }
  const counted = labels[sign.index];
  return { signs, counted, shown: counted, votes, gathered, ways };
}

function rising(gathered: evidence.Gathered) {
  const { labels } = gathered;
  return labels.length ? labels.reduce((a, b) => (b.evidenceS > a.evidenceS ? b : a)) : null;
}

/** Returns the label that is on its way to be written, or else the one that still holds. */
function shownOf(gathered: evidence.Gathered, rules: LiveRules): string | null {
  const { labels, evidence: how } = rules;
  const next = rising(gathered);
  if (next && next.evidenceS >= how.need_s / 2) return labels[next.index];
  const sign = gathered.locked;
  return sign && gathered.awayS <= how.release_s / 2 ? labels[sign.index] : null;
}

/** Returns the signs, of which the last goes on while it is held. */
function heldOn(
  signs: readonly Sign[],
  gathered: evidence.Gathered,
  labels: readonly string[],
): readonly Sign[] {
  const [now, last] = [gathered.locked, signs[signs.length - 1]];
  if (!now || gathered.counted || last?.startS !== now.startS) return signs;
  return [...signs.slice(0, -1), { ...signOf(now, labels[now.index]), written: last.written }];
}

/** Returns the signs without the stills that a stroke turned out to be the beginning of. */
function lessItsShape(signs: readonly Sign[], shape: string, sinceS: number): readonly Sign[] {
  let count = signs.length;
  while (count && shape.includes(signs[count - 1].label) && signs[count - 1].endS > sinceS) count--;
  return signs.slice(0, count);
}

/** Returns what stands written after one sign more; `del` takes back the last sign as a whole. */
function written(signs: readonly Sign[], sign: Sign, maxChars: number): readonly Sign[] {
  if (sign.label === "del") return signs.slice(0, -1);
  const isSpace = sign.label === "space";
  if (isSpace && (!signs.length || signs[signs.length - 1].label === "space")) return signs;
  const addition = isSpace ? " " : sign.label;
  const length = [...signs.map((one) => one.written), addition].reduce((n, x) => n + [...x].length, 0);
  return length <= maxChars ? [...signs, { ...sign, written: addition }] : signs;
}

/** Writes `label` as a key does: what the hand holds stays locked, and is not written again. */
export function typed(state: Live, label: string, rules: LiveRules): Live {
  const { atS } = state.gathered;
  const evidence = rules.labels.map(() => 0);
  const sign = { label, startS: atS, endS: atS, evidence, written: "" };
  return { ...state, signs: written(state.signs, sign, rules.max_chars), counted: null };
}

/** 0 to 1: how far the shown label is on its way to be written; a held one is there. */
function progressOf(live: Live, rules: LiveRules): number {
  const next = rising(live.gathered);
  if (!next || rules.labels[next.index] !== live.shown) return live.shown === null ? 0 : 1;
  return Math.min(1, next.evidenceS / evidence.needOf(next, live.gathered, rules.labels, rules.evidence));
}

/** Makes the page's text of a contract's live rules. */
export class LiveSpeller implements Speller {
  private live = START;
  private rules: LiveRules;
  session!: Session;

  constructor(written: unknown) {
    this.rules = rulesOf(written);
    this.told();
  }

  /** The signs that stand written, for word suggestions. */
  get signs(): readonly Sign[] {
    return this.live.signs;
  }

  step(seen: Pick<Seen, "probabilities" | "hand" | "motion">, elapsedS: number): Session {
    const probabilities = Array.from(seen.probabilities, (p) => Math.min(p, 1));
    const { length } = this.rules.labels;
    if (!(elapsedS >= 0 && elapsedS < Infinity) || probabilities.length !== length) {
      throw new EngineError(
        `${probabilities.length} probabilities, ${elapsedS} s after the frame before`,
        `one for each of ${length} labels, and time that goes forward`,
        "hand frames over in the order in which they were taken",
      );
    }
    const { hand, motion } = seen;
    this.live = step(this.live, { probabilities, hand, motion }, elapsedS, this.rules);
    return this.told();
  }

  type(label: string): Session {
    this.live = typed(this.live, label, this.rules);
    return this.told();
  }

  /** A sign that is still held is not written again. */
  clear(): Session {
    this.live = { ...this.live, signs: [], counted: null };
    return this.told();
  }

  configure({ needS, openProbability }: { needS?: number; openProbability?: number }): void {
    const { evidence: how } = this.rules;
    this.rules = {
      ...this.rules,
      evidence: {
        ...how,
        need_s: needS ?? how.need_s,
        open_probability: openProbability ?? how.open_probability,
      },
    };
  }

  private told(): Session {
    const { counted, shown } = this.live;
    const progress = progressOf(this.live, this.rules);
    this.session = { text: textOf(this.live), shown, counted, progress };
    return this.session;
  }
}
