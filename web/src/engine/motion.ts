/** How much a picture changed since the one before, as `fingerspell.runtime.motion` says it. */

import { scaled } from "./fit";

const SIDE_PX = 40;
const FLAT = 1; // The least spread, in grey levels: noise on a blank wall is no motion.

/** Grey levels from 0 to 255 of a picture made small, (40 * 40). */
export type Thumbnail = Float32Array;

/** Halves go to the even number, as OpenCV's. */
const whole = (x: number): number => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

export function thumbnail(rgba: Uint8ClampedArray, width: number, height: number): Thumbnail {
  const small = scaled(rgba, width, height, [SIDE_PX, SIDE_PX], false);
  const grey = new Float32Array(SIDE_PX * SIDE_PX);
  grey.forEach((_, i) => {
    grey[i] = (whole(small[3 * i]) + whole(small[3 * i + 1]) + whole(small[3 * i + 2])) / 3;
  });
  return grey;
}

export function mean(values: Float32Array): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

/** Returns the mean absolute change in standard deviations of `now`; null without `before`. */
export function motion(before: Thumbnail | null, now: Thumbnail): number | null {
  if (!before) return null;
  const middle = mean(now);
  let [change, spread] = [0, 0];
  now.forEach((x, i) => {
    change += Math.abs(x - before[i]);
    spread += (x - middle) ** 2;
  });
  return change / now.length / Math.max(Math.sqrt(spread / now.length), FLAT);
}
