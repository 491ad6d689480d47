/** J and Z by motion: an I that goes down and hooks, a pointing hand that goes in a zigzag. */

import type { Frame, Gathering, Row } from "./frame";
import type { Strokes } from "./rules";

/** The labels by which stills show the hand of each stroke. */
export const SHAPES: Readonly<Record<string, string>> = { J: "IJ", Z: "DZ" };

const BENT = 0.7; // The share of a J's drop after which its hook begins.

/** Seconds, and the hand's x and y, in sides of the hand. */
type Point = readonly [atS: number, x: number, y: number];

/** Frames of a hand with one stroke's shape and their seconds, oldest first. */
export type Way = readonly (readonly [atS: number, frame: Frame])[];
export type Ways = Readonly<Record<string, Way>>;

/** What a still gives to J is I's, to Z is nobody's; the stroke `held` takes what its still is given. */
export function asShapes(row: Row, labels: readonly string[], held: string | null): Row {
  const now = [...row];
  for (const [letter, shape] of Object.entries(SHAPES)) {
    const still = [...shape].find((label) => label !== letter)!;
    const [gives, takes] = held === letter ? [still, letter] : [letter, still];
    const [from, to] = [labels.indexOf(gives), labels.indexOf(takes)];
    if (from < 0 || to < 0) continue;
    now[to] += gives === "Z" ? 0 : now[from];
    now[from] = 0;
  }
  return now;
}

/** Returns the ways after a frame, and the letter that it completed, if it did. */
export function step(
  ways: Ways,
  frame: Frame,
  atS: number,
  labels: readonly string[],
  how: Strokes,
): [Ways, Gathering | null] {
  const after: Record<string, Way> = {};
  for (const letter of Object.keys(SHAPES)) {
    if (!labels.includes(letter)) continue;
    const shape = labels.flatMap((label, i) => (SHAPES[letter].includes(label) ? [i] : []));
    const shaped = shape.reduce((sum, i) => sum + frame.probabilities[i], 0) >= how.shape;
    const way = followed(ways[letter] ?? [], frame, shaped, atS, how);
    const draws = letter === "J" ? drawsJ : drawsZ;
    if (shaped && way.length > 2 && draws(pointsOf(way), how)) {
      return [{}, signed(way, labels.indexOf(letter), shape)];
    }
    after[letter] = way;
  }
  return [after, null];
}

function followed(way: Way, frame: Frame, shaped: boolean, atS: number, how: Strokes): Way {
  const now: Way = shaped && frame.hand ? [...way, [atS, frame] as const] : way;
  if (!now.length || atS - now[now.length - 1][0] > how.lost_s) return [];
  return now.filter(([thenS]) => thenS >= atS - how.longest_s);
}

function pointsOf(way: Way): Point[] {
  const squares = way.flatMap(([atS, { hand }]) => (hand ? [[atS, hand] as const] : []));
  const sides = squares.reduce((sum, [, hand]) => sum + hand[2], 0);
  const side = sides / Math.max(squares.length, 1);
  return squares.map(([atS, [x, y]]) => [atS, x / side, y / side] as const);
}

/** What the frames gave to stills of the letter's shape is its own. */
function signed(way: Way, index: number, shape: readonly number[]): Gathering {
  const sums = way[0][1].probabilities.map((_, i) =>
    way.reduce((sum, [, frame]) => sum + frame.probabilities[i], 0),
  );
  const whole = shape.reduce((sum, i) => sum + sums[i], 0);
  const total = sums.map((p, i) => (i === index ? whole : shape.includes(i) ? 0 : p));
  const [startS, endS] = [way[0][0], way[way.length - 1][0]];
  const seconds = way.length;
  return { index, startS, endS, evidenceS: 0, surest: 0, seconds, total, fixed: true };
}

/** Whether a way goes down and then sideways. */
function drawsJ(points: readonly Point[], how: Strokes): boolean {
  const last = points[points.length - 1];
  return points.slice(0, -2).some(([atS, x, y], start) => {
    const rest = points.slice(start);
    const drop = Math.max(...rest.map((p) => p[2])) - y;
    if (drop < how.drop || last[0] - atS < how.shortest_s) return false;
    const bend = rest.find((p) => p[2] - y >= BENT * drop)!;
    const [across, along] = [Math.abs(last[1] - bend[1]), Math.abs(last[2] - bend[2])];
    return across >= Math.max(how.hook, along) && Math.abs(bend[1] - x) <= drop;
  });
}

/** Whether a way turns twice, sideways, and ends lower than it began. */
function drawsZ(points: readonly Point[], how: Strokes): boolean {
  const turns = [points[0]]; // the first point, then the furthest of every leg
  for (const point of points.slice(1)) {
    const end = turns[turns.length - 1];
    const far = turns.length > 1 ? end[1] - turns[turns.length - 2][1] : 0;
    const across = point[1] - end[1];
    if (turns.length > 1 && across * far >= 0) turns[turns.length - 1] = point;
    else if (Math.abs(across) >= how.leg) turns.push(point);
  }
  const legs = turns.slice(-4);
  return (
    legs.length === 4 &&
    legs[3][2] - legs[0][2] >= how.leg &&
    legs[3][0] - legs[0][0] >= how.shortest_s
  );
}
