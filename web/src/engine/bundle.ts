/** A bundle with a last layer of one's own: the recogniser's file, its contract and its labels. */

import { type Contract, EngineError, type Head } from "./api";
import { fetched } from "./files";

/** Returns the bits of a number in half precision (IEEE 754), rounded to the nearest, ties to even. */
export function half(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (!(size < 65520)) return sign | (Number.isNaN(value) ? 0x7e00 : 0x7c00);
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -14)));
  const steps = size / 2 ** (exponent - 10);
  const whole = Math.floor(steps);
  const rest = steps - whole;
  const rounded = whole + (rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? 1 : 0);
  return sign | ((exponent + 14) * 1024 + rounded); // Below 1024 steps: a subnormal of exponent -14.
}

function write(file: DataView, place: { offset: number; half: boolean }, numbers: Iterable<number>): void {
  let at = place.offset;
  for (const x of numbers) {
    if (place.half) file.setUint16(at, half(x), true);
    else file.setFloat32(at, x, true);
    at += place.half ? 2 : 4;
  }
}

/** Weights (features × labels) by label, as the file has them. */
function* byLabel({ weights, bias }: Head): Generator<number> {
  for (let k = 0; k < bias.length; k++) for (let at = k; at < weights.length; at += bias.length) yield weights[at];
}

async function sha256(content: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return [...digest].map((x) => x.toString(16).padStart(2, "0")).join("");
}

/** Returns the files of a bundle, by name, as `Engine.bundle` promises. */
export async function bundleOf(base: URL, contract: Contract, head: Head): Promise<{ name: string; content: Blob }[]> {
  const { bundle } = contract;
  if (!bundle) throw new EngineError(`${contract.name}, of which there is no model file`, "a bundle with a TFLite file", "serve one");
  if (!globalThis.crypto?.subtle) {
    throw new EngineError("an address that a browser does not trust", "https://, or this machine's own address", "start the server with --https");
  }
  const { bytes, undo, head: places } = bundle.file;
  const model = (await fetched("studio.tflite", base)).slice(0, bytes);
  const file = new DataView(model);
  for (const [at, hex] of undo)
    for (let i = 0; i < hex.length / 2; i++) file.setUint8(at + i, parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  if ((await sha256(model)) !== bundle.file.sha256) {
    throw new EngineError("another recogniser than this page began with", "the one that you adapted", "load the page again");
  }
  write(file, places[0], byLabel(head));
  write(file, places[1], head.bias);
  const labels = new TextEncoder().encode(contract.labels.map((x) => `${x}\n`).join(""));
  const contents: [string, ArrayBuffer | Uint8Array<ArrayBuffer>][] = [
    [bundle.name, model], ["training_set_labels.txt", labels],
  ];
  const files: Record<string, string> = {};
  for (const [name, content] of contents) files[name] = await sha256(content);
  const origin = { ...(bundle.contract.origin as object), adapted_in_a_page: new Date().toISOString() };
  const told = JSON.stringify({ ...bundle.contract, files, origin }, null, 2);
  return [...contents, ["recogniser.json", new TextEncoder().encode(`${told}\n`)] as const].map(([name, content]) => ({
    name, content: new Blob([content]),
  }));
}
