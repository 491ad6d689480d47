// Pads and scales a picture as fingerspell.images.fit does; a canvas's own scaling does not.

const SLIVER = 1e-3; // OpenCV leaves out a pixel of which less than this share is covered.

// Halves go to the even number, as in Python.
const round = (x) => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

// Returns [first source pixel, weights] for each of `target` pixels of a side.
function weightsOf(padded, target, shrink) {
  const scale = padded / target;
  return Array.from({ length: target }, (_, i) => {
    if (shrink) {
      const [start, end] = [i * scale, (i + 1) * scale];
      const first = Math.floor(start);
      const count = Math.min(padded, Math.ceil(end)) - first;
      const covered = Array.from({ length: count }, (_, k) =>
        Math.min(end, first + k + 1) - Math.max(start, first + k));
      return [first, covered.map((x) => (x > SLIVER ? x / scale : 0))];
    }
    const centre = Math.min(padded - 1, Math.max(0, (i + 0.5) * scale - 0.5));
    const first = Math.floor(centre);
    return [first, [1 - (centre - first), centre - first]];
  });
}

// rgba: 8-bit pixels, 4 a pixel; returns Float32Array(h * w * 3), RGB in [0, 1], rows first.
export function fit(rgba, width, height, [h, w]) {
  const [tall, wide] = width * h >= height * w
    ? [Math.max(height, round((width * h) / w)), width]
    : [height, Math.max(width, round((height * w) / h))];
  const [top, left] = [Math.floor((tall - height) / 2), Math.floor((wide - width) / 2)];
  const shrink = tall > h || wide > w;
  const narrow = new Float64Array(height * w * 3); // The width first, then the height.
  weightsOf(wide, w, shrink).forEach(([first, weights], x) => {
    weights.forEach((weight, k) => {
      const from = first + k - left;
      if (from < 0 || from >= width) return; // black border
      for (let y = 0; y < height; y++)
        for (let c = 0; c < 3; c++)
          narrow[(y * w + x) * 3 + c] += (weight * rgba[(y * width + from) * 4 + c]) / 255;
    });
  });
  const sums = new Float64Array(h * w * 3);
  weightsOf(tall, h, shrink).forEach(([first, weights], y) => {
    weights.forEach((weight, k) => {
      const from = first + k - top;
      if (from < 0 || from >= height) return;
      for (let i = 0; i < w * 3; i++) sums[y * w * 3 + i] += weight * narrow[from * w * 3 + i];
    });
  });
  return Float32Array.from(sums, (x) => Math.min(1, Math.max(0, x)));
}
