/**
 * Pads and scales a picture as `fingerspell.images.fit` does: a canvas's own scaling does not, and
 * changes answers by up to 0.35. What a size asks for is computed once: frames of a camera share it.
 */

export type Size = readonly [height: number, width: number];

const SLIVER = 1e-3; // OpenCV leaves out a pixel of which less than this share is covered.

/** For each target pixel of a side `[first[i], first[i + 1])` of what it takes from which source. */
interface Side {
  readonly first: Int32Array;
  readonly source: Int32Array;
  readonly weight: Float64Array;
}

/** Halves go to the even number, as in Python. */
const round = (x: number): number => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** `length` pixels, `before` of black in front, `padded` with the black behind; to `target`. */
function sideOf(length: number, before: number, padded: number, target: number, shrink: boolean): Side {
  const scale = padded / target;
  const first = new Int32Array(target + 1);
  const [source, weight]: [number[], number[]] = [[], []];
  const take = (at: number, share: number): void => {
    if (share === 0 || at < before || at >= before + length) return; // black
    source.push(at - before);
    weight.push(share);
  };
  for (let i = 0; i < target; i++) {
    if (shrink) {
      const [start, end] = [i * scale, (i + 1) * scale];
      for (let at = Math.floor(start); at < Math.min(padded, Math.ceil(end)); at++) {
        const covered = Math.min(end, at + 1) - Math.max(start, at);
        take(at, covered > SLIVER ? covered / scale : 0);
      }
    } else {
      const centre = Math.min(padded - 1, Math.max(0, (i + 0.5) * scale - 0.5));
      const at = Math.floor(centre);
      take(at, 1 - (centre - at));
      take(at + 1, centre - at);
    }
    first[i + 1] = source.length;
  }
  return { first, source: Int32Array.from(source), weight: Float64Array.from(weight) };
}

interface Plan {
  readonly across: Side;
  readonly down: Side;
  readonly narrow: Float32Array; // (height, w, 3): the width is scaled first
}

function planOf(width: number, height: number, [h, w]: Size, pad: boolean): Plan {
  let [tall, wide] = [height, width];
  if (pad && width * h >= height * w) tall = Math.max(height, round((width * h) / w));
  else if (pad) wide = Math.max(width, round((height * w) / h));
  const [top, left] = [Math.floor((tall - height) / 2), Math.floor((wide - width) / 2)];
  const shrink = tall > h || wide > w;
  return {
    across: sideOf(width, left, wide, w, shrink),
    down: sideOf(height, top, tall, h, shrink),
    narrow: new Float32Array(height * w * 3),
  };
}

const plans = new Map<string, Plan>();
const MOST_PLANS = 4;

function plan(width: number, height: number, size: Size, pad: boolean): Plan {
  const key = `${width} ${height} ${size} ${pad}`;
  const known = plans.get(key) ?? planOf(width, height, size, pad);
  plans.delete(key); // The one used last stands last.
  plans.set(key, known);
  if (plans.size > MOST_PLANS) plans.delete(plans.keys().next().value!);
  return known;
}

/** Returns grey levels 0 to 255, (h, w, 3): 8-bit RGBA scaled, and padded with black with `pad`. */
export function scaled(rgba: Uint8ClampedArray, width: number, height: number, size: Size, pad: boolean): Float32Array {
  const { across, down, narrow } = plan(width, height, size, pad);
  const [h, w] = size;
  const { first, source, weight } = across;
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < w; x++, to += 3) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let k = first[x]; k < first[x + 1]; k++) {
        const from = (row + source[k]) * 4;
        const share = weight[k];
        r += share * rgba[from];
        g += share * rgba[from + 1];
        b += share * rgba[from + 2];
      }
      narrow[to] = r;
      narrow[to + 1] = g;
      narrow[to + 2] = b;
    }
  }
  const out = new Float32Array(h * w * 3);
  const sums = new Float64Array(w * 3);
  for (let y = 0; y < h; y++) {
    sums.fill(0);
    for (let k = down.first[y]; k < down.first[y + 1]; k++) {
      const from = down.source[k] * w * 3;
      const share = down.weight[k];
      for (let i = 0; i < w * 3; i++) sums[i] += share * narrow[from + i];
    }
    out.set(sums, y * w * 3);
  }
  return out;
}

/** Returns float32 (h, w, 3) in [0, 1], rows first; rgba: 8-bit pixels, 4 a pixel. */
export function fit(rgba: Uint8ClampedArray, width: number, height: number, size: Size): Float32Array {
  const out = scaled(rgba, width, height, size, true);
  for (let i = 0; i < out.length; i++) out[i] = Math.min(1, Math.max(0, out[i] / 255));
  return out;
}
