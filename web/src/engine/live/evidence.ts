/**
 * When a sign counts: evidence that adds up over time, and a lock that the same sum releases.
 * The rules and their reasons stand in `fingerspell/live/evidence.py`, which this follows line by
 * line: names are the same.
 */

import type { Frame, Gathering, Row } from "./frame";
import { CONTROLS, type Evidence, MOVING, NOTHING } from "./rules";

const ROUNDING_S = 1e-6;
const LEAST_P = 1e-9;
const SHORTEST_S = 1e-3;
/** A camera's noise changes every picture: motion is well above the calmest frame of late. */
const [ABOVE_CALM, MOST_CALM, CALM_PER_S] = [1.3, 0.2, 0.005];

type Place = readonly [x: number, y: number];

/** What all labels have gathered at `atS` seconds of the stream, and the lock. */
export interface Gathered {
  readonly atS: number;
  readonly labels: readonly Gathering[];
  readonly locked: Gathering | null;
  readonly counted: boolean;
  readonly opener: Gathering | null;
  readonly awayS: number;
  readonly place: Place | null;
  readonly doubled: boolean;
  readonly stirred: number | null;
  readonly openS: number;
  readonly waiting: Gathering | null;
  readonly waitsS: number;
  readonly first: { readonly speaks: Row; readonly frame: Frame } | null;
  readonly started: boolean;
  readonly moved: boolean;
  readonly calm: number;
  readonly rested: boolean;
}

export const EMPTY: Gathered = {
  atS: 0,
  labels: [],
  locked: null,
  counted: false,
  opener: null,
  awayS: 0,
  place: null,
  doubled: false,
  stirred: null,
  openS: -Infinity,
  waiting: null,
  waitsS: -Infinity,
  first: null,
  started: false,
  moved: true,
  calm: Infinity,
  rested: true,
};

type Labels = readonly string[];

/** Folds in a frame, `elapsedS` seconds after the one before; `speaks` is what it says. */
export function step(
  state: Gathered,
  speaks: Row,
  frame: Frame,
  elapsedS: number,
  labels: Labels,
  how: Evidence,
): Gathered {
  const atS = state.atS + elapsedS;
  if (!state.started || elapsedS > how.gap_s) {
    return { ...EMPTY, atS, first: { speaks, frame: { ...frame, motion: null } }, started: true };
  }
  let before = state;
  if (state.first) {
    const { speaks: said, frame: seen } = state.first;
    before = fold({ ...state, first: null }, said, seen, elapsedS, labels, how);
  }
  return fold({ ...before, atS }, speaks, frame, elapsedS, labels, how);
}

/** Returns the state after a sign counted: all labels start again. */
export function locked(
  state: Gathered,
  sign: Gathering,
  frame: Frame,
  label: string,
  how: Evidence,
): Gathered {
  const isLetter = !CONTROLS.includes(label);
  return {
    ...EMPTY,
    atS: state.atS,
    locked: sign,
    counted: true,
    opener: isLetter ? openerOf(state, sign) : null,
    place: placeOf(frame),
    doubled: state.stirred === sign.index,
    openS: isLetter ? state.atS + how.idle_s : -Infinity,
    started: true,
    moved: false,
    calm: state.calm,
  };
}

function openerOf(state: Gathered, sign: Gathering): Gathering | null {
  const first = state.waiting;
  return first && first.index !== sign.index && state.atS <= state.waitsS ? first : null;
}

function placeOf(frame: Frame): Place | null {
  return frame.hand && [frame.hand[0], frame.hand[1]];
}

function fold(
  before: Gathered,
  speaks: Row,
  frame: Frame,
  elapsedS: number,
  labels: Labels,
  how: Evidence,
): Gathered {
  const moving = moves(before, frame, elapsedS, how);
  const calm = calmOf(before, frame, elapsedS);
  let state: Gathered = { ...before, counted: false, opener: null, calm };
  state = released(state, speaks, frame, moving, elapsedS, labels, how);
  state = { ...state, moved: state.moved || moving || frame.motion === null };
  const { waiting, locked: sign } = state;
  if (waiting && sign && sign.startS === waiting.startS) {
    if (opens(sign, labels, how)) return locked(state, sign, frame, labels[sign.index], how);
    state = { ...state, waitsS: state.atS + how.vouch_s };
  }
  const known = new Map(state.labels.map((one) => [one.index, one]));
  const onlyMoving = moving && elapsedS <= how.near_s;
  const dt = Math.min(elapsedS, how.frame_s);
  const after: Gathering[] = [];
  const done: Gathering[] = [];
  speaks.forEach((said, index) => {
    if (!(said > how.share || known.has(index))) return;
    const p = onlyMoving && !MOVING.includes(labels[index]) ? 0 : said;
    if (index === sign?.index || labels[index] === NOTHING) return;
    const fresh = { index, startS: state.atS, endS: state.atS, evidenceS: 0, surest: 0 };
    let now: Gathering = known.get(index) ?? { ...fresh, seconds: 0, total: [], fixed: false };
    const needS = needOf(now, state, labels, how);
    const gainS = within(dt * rate(p, how.share), needS / how.least_frames);
    if (gainS > 0) now = grown(now, p, dt, state.atS, frame);
    now = { ...now, evidenceS: now.evidenceS + gainS };
    if (now.evidenceS > ROUNDING_S) after.push(now);
    if (now.evidenceS >= needS - ROUNDING_S) done.push(now);
  });
  if (!done.length) return { ...state, labels: after };
  const best = done.reduce((a, b) => (b.evidenceS > a.evidenceS ? b : a));
  const label = labels[best.index];
  if (opens(best, labels, how) || best.startS <= state.openS || openerOf(state, best)) {
    state = locked(state, best, frame, label, how);
  } else {
    const waitsS = state.atS + how.vouch_s;
    const place = placeOf(frame);
    state = { ...state, labels: [], locked: best, awayS: 0, place, waiting: best, waitsS };
  }
  return { ...state, rested: !moving, place: moving ? null : state.place };
}

/** Whether a sign is certain enough to open a word alone. */
function opens(sign: Gathering, labels: Labels, how: Evidence): boolean {
  const label = labels[sign.index];
  const sure = sign.surest >= how.open_probability;
  const held = sign.seconds >= Math.max(how.need_s, how.open_need_s) - ROUNDING_S;
  return CONTROLS.includes(label) || (sure && held && !how.vouched.includes(label));
}

/** Returns what a label needs: more for a control where no word was open when it began. */
export function needOf(now: Gathering, state: Gathered, labels: Labels, how: Evidence): number {
  const waits = !CONTROLS.includes(labels[now.index]) || now.startS <= state.openS;
  const needS = Math.max(how.need_s, waits ? 0 : how.open_need_s, SHORTEST_S);
  return state.moved ? needS : needS * how.rest_factor;
}

/** Whether the picture changed so much that the hand moves, or did since the frame before. */
export function moves(state: Gathered, frame: Frame, elapsedS: number, how: Evidence): boolean {
  if (frame.motion === null || elapsedS > how.apart_s) return false;
  const noise = Math.min(ABOVE_CALM * calmOf(state, frame, elapsedS), MOST_CALM);
  return frame.motion > Math.max(how.moving * Math.max(1, elapsedS / how.near_s), noise);
}

/** Returns the motion of the calmest frame of late, this one among them unless it came twice. */
function calmOf(state: Gathered, frame: Frame, elapsedS: number): number {
  return Math.min(state.calm + CALM_PER_S * elapsedS, frame.motion || Infinity);
}

function grown(now: Gathering, p: number, dt: number, atS: number, frame: Frame): Gathering {
  const total = frame.probabilities.map((q, i) => (now.total[i] ?? 0) + dt * q);
  const seconds = now.seconds + dt;
  return { ...now, endS: atS, surest: Math.max(now.surest, p), seconds, total };
}

/** Returns the state in which the locked sign was away, or seen, for one frame more. */
function released(
  state: Gathered,
  speaks: Row,
  frame: Frame,
  moving: boolean,
  elapsedS: number,
  labels: Labels,
  how: Evidence,
): Gathered {
  let { locked: sign, place } = state;
  if (!sign) return state;
  const [p, dt] = [speaks[sign.index], Math.min(elapsedS, how.frame_s)];
  let elsewhere = false;
  if (p > how.share && (!moving || MOVING.includes(labels[sign.index]))) {
    sign = sign.fixed ? sign : grown(sign, p, dt, state.atS, frame);
    [place, elsewhere] = placed(place, frame, elapsedS, how);
  }
  const rests = MOVING.includes(labels[sign.index]) || state.doubled || !state.rested;
  const stirs = (moving || elsewhere) && !rests;
  const releaseS = Math.max(how.release_s, SHORTEST_S);
  const gone = stirs ? -Math.log(how.share) : -rate(p, how.share);
  const goneS = within(dt * gone, releaseS / how.least_frames);
  const awayS = Math.max(0, state.awayS + goneS);
  // A hand that only moves comes to rest first: one that never does would write again and again.
  if (!moving && Math.max(awayS, state.awayS) >= releaseS - ROUNDING_S) {
    const stirred = p > how.share ? sign.index : null;
    return { ...state, locked: null, awayS: 0, place: null, stirred, doubled: false };
  }
  const [moved, rested] = [state.moved || elsewhere, state.rested || !moving];
  return { ...state, locked: sign, awayS: Math.min(awayS, releaseS), place, moved, rested };
}

/** Returns a sign's place after a frame, and whether the hand is elsewhere. */
function placed(
  place: Place | null,
  frame: Frame,
  elapsedS: number,
  how: Evidence,
): [Place | null, boolean] {
  if (!place || !frame.hand) return [place ?? placeOf(frame), false];
  const [x, y, side] = frame.hand;
  const [across, down] = [x - place[0], y - place[1]];
  if (Math.hypot(across, down) > how.shift * side) return [place, true];
  const part = Math.min(elapsedS / how.follow_s, 1);
  return [[place[0] + part * across, place[1] + part * down], false];
}

/** Returns the seconds of evidence that one second of probability `p` makes. */
function rate(p: number, share: number): number {
  return Math.max(-1, Math.min(Math.log(Math.max(p, LEAST_P) / share), -Math.log(share)));
}

function within(seconds: number, mostS: number): number {
  return Math.max(-mostS, Math.min(seconds, mostS));
}
