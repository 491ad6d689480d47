/** Pictures as pixels, in a worker: cut out, decoded, made small. */

import { EngineError } from "./api";
import type { Size } from "./fit";

export interface Pixels {
  readonly rgba: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

const MOST_PIXELS = 50_000_000;

let canvas: OffscreenCanvas | null = null;
let context: OffscreenCanvasRenderingContext2D | null = null;

/** Returns a canvas of this size, the same one for camera frames of one size; black below alpha. */
function sheet(width: number, height: number): OffscreenCanvasRenderingContext2D {
  if (canvas?.width !== width || canvas.height !== height || !context) {
    canvas = new OffscreenCanvas(width, height);
    context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  }
  if (!context) {
    throw new EngineError("no canvas in this browser's worker", "a current browser", "update it");
  }
  return context;
}

function sizeOf(frame: VideoFrame | ImageBitmap): [width: number, height: number] {
  if (typeof VideoFrame !== "undefined" && frame instanceof VideoFrame) {
    return [frame.displayWidth, frame.displayHeight];
  }
  return [(frame as ImageBitmap).width, (frame as ImageBitmap).height];
}

/** The central part of a frame that has the network's aspect ratio: x, y, width, height. */
export function centre(width: number, height: number, [h, w]: Size): [number, number, number, number] {
  const wide = Math.min(width, Math.round((height * w) / h));
  const tall = Math.min(height, Math.round((width * h) / w));
  return [Math.floor((width - wide) / 2), Math.floor((height - tall) / 2), wide, tall];
}

/** Returns the central part of a camera frame, unscaled, and closes the frame. */
export function cut(frame: VideoFrame | ImageBitmap, size: Size): Pixels {
  const [x, y, width, height] = centre(...sizeOf(frame), size);
  const to = sheet(width, height);
  to.drawImage(frame, x, y, width, height, 0, 0, width, height);
  frame.close();
  return { rgba: to.getImageData(0, 0, width, height).data, width, height };
}

/** Returns a whole picture of a file, upright, its transparent parts black. */
export async function decoded(file: Blob): Promise<Pixels> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new EngineError(
      `a file that is no picture (${file.type || "unknown type"}, ${file.size} bytes)`,
      "JPEG, PNG, WebP or another format of this browser",
      "open it in another program and save it as JPEG",
    );
  }
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    bitmap.close();
    throw new EngineError(
      `a picture of ${width}×${height} pixels`,
      `at most ${MOST_PIXELS / 1e6} million`,
      "shrink it, or cut it to the hand",
    );
  }
  const to = new OffscreenCanvas(width, height).getContext("2d", { alpha: false })!;
  to.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { rgba: to.getImageData(0, 0, width, height).data, width, height };
}

/** Returns the network's input as a picture. */
export function shown(input: Float32Array, [h, w]: Size): ImageData {
  const image = new ImageData(w, h);
  for (let i = 0; i < h * w; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(input[3 * i + c] * 255);
    image.data[4 * i + 3] = 255;
  }
  return image;
}

/** Returns pixels as a JPEG of at most `mostPx` a side, for a server. */
export async function jpeg({ rgba, width, height }: Pixels, mostPx: number): Promise<Blob> {
  const share = Math.min(1, mostPx / Math.max(width, height));
  const [wide, tall] = [Math.round(width * share), Math.round(height * share)];
  const whole = await createImageBitmap(new ImageData(rgba as ImageDataArray, width, height));
  const small = new OffscreenCanvas(wide, tall);
  const to = small.getContext("2d", { alpha: false })!;
  to.imageSmoothingQuality = "high";
  to.drawImage(whole, 0, 0, wide, tall);
  whole.close();
  return small.convertToBlob({ type: "image/jpeg", quality: 0.9 });
}
