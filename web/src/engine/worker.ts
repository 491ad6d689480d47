/** The engine's worker: pixels, the network, and learning, away from the page's thread. */

import { type Contract, EngineError, type Head, type WordRules } from "./api";
import { fetched } from "./files";
import { fit } from "./fit";
import { allowedOf, only, probabilitiesOf } from "./head";
import { type Asked, errorOf, type Questions, type Told } from "./messages";
import { mean, motion, type Thumbnail, thumbnail } from "./motion";
import { fetchHead, Network } from "./network";
import { cut, decoded, jpeg, type Pixels, shown } from "./pixels";
import { train } from "./train";
import { decode, lastWord, type WordList, wordListOf } from "./words";

type Answers = {
  [N in keyof Questions]: (
    ...args: [...Parameters<Questions[N]>, onShare: (share: number) => void]
  ) => ReturnType<Questions[N]> | Promise<ReturnType<Questions[N]>>;
};

let network: Network | null = null;
let contract: Contract | null = null;
let allowed: boolean[] | null = null;
let own: Head | null = null;
let before: Thumbnail | null = null;
let words: [WordList, WordRules] | null = null;

function opened(): [Network, Contract] {
  if (network && contract) return [network, contract];
  throw new EngineError("a recogniser that is not open", "an open one", "open it first");
}

/** What a picture looks like beside what it shows. */
function look({ rgba, width, height }: Pixels) {
  const now = thumbnail(rgba, width, height);
  const seen = { motion: motion(before, now), brightness: mean(now) / 255 };
  return { now, seen };
}

async function read({ rgba, width, height }: Pixels) {
  const [model, { size_px }] = opened();
  const input = fit(rgba, width, height, size_px);
  const { probabilities, hand, features } = await model.run(input);
  const row = own && features ? probabilitiesOf(features, own) : probabilities;
  return { input, answer: { probabilities: only(row, allowed), hand, features } };
}

const answers: Answers = {
  async open(base, asked, onShare) {
    network = await Network.open(new URL(base), asked, onShare);
    contract = asked;
    allowed = allowedOf(null, asked);
  },
  async frame(frame) {
    const start = performance.now();
    const pixels = cut(frame, opened()[1].size_px);
    const { now, seen } = look(pixels);
    before = now;
    const { answer } = await read(pixels);
    return { ...answer, ...seen, ms: performance.now() - start };
  },
  async picture(file) {
    const start = performance.now();
    const pixels = await decoded(file);
    const { brightness } = look(pixels).seen;
    const { input, answer } = await read(pixels);
    const crop = shown(input, opened()[1].size_px);
    return { ...answer, motion: null, brightness, ms: performance.now() - start, crop };
  },
  allow(labels) {
    allowed = allowedOf(labels, opened()[1]);
  },
  adapt(head) {
    own = head;
  },
  async words(base, asked) {
    const text = new TextDecoder().decode(await fetched("words.txt", new URL(base)));
    words = [wordListOf(text, asked.labels), asked.word_rules];
  },
  decode(signs) {
    if (!words) throw new EngineError("no list of words", "a list that was loaded", "load it first");
    return decode(lastWord(signs), ...words);
  },
  heap: () => opened()[0].heapBytes,
  async train(base, examples, labels) {
    return train(examples, labels, await fetchHead(new URL(base), labels.length));
  },
  async shrink(frame, size, mostPx) {
    const pixels = cut(frame, size);
    const { now, seen } = look(pixels);
    before = now;
    return { ...seen, jpeg: await jpeg(pixels, mostPx) };
  },
  async still(file, size, mostPx) {
    const pixels = await decoded(file);
    const { brightness } = look(pixels).seen;
    const crop = shown(fit(pixels.rgba, pixels.width, pixels.height, size), size);
    return { motion: null, brightness, crop, jpeg: await jpeg(pixels, mostPx) };
  },
};

self.onmessage = async ({ data }: MessageEvent<Asked>) => {
  const { id, name, args } = data;
  let told: Told;
  try {
    const onShare = (share: number) => self.postMessage({ id, share } satisfies Told);
    told = { id, value: await (answers[name] as (...args: unknown[]) => unknown)(...args, onShare) };
  } catch (error) {
    for (const one of args) if (one instanceof ImageBitmap || isFrame(one)) one.close();
    told = { id, error: errorOf(error) };
  }
  self.postMessage(told);
};

function isFrame(value: unknown): value is VideoFrame {
  return typeof VideoFrame !== "undefined" && value instanceof VideoFrame;
}
