/** A stand-in for the engine: tests say what a frame shows (`window.fake`). Never shipped. */

import {
  EngineError, keyOf, LockedError, type Contract, type Engine, type Head, type Recogniser, type Seen, type Session,
  type Speller,
} from "../src/engine/api";
import { start } from "../src/page/app";

const LABELS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ", "del", "nothing", "space"];
const FEATURES = 16;

const fake = {
  label: "nothing",
  p: 0.97,
  rival: "S",
  hand: [0.5, 0.5, 0.55] as [number, number, number] | null,
  brightness: 0.5,
  /** What does not start: `contract`, `device`, `server`, or `frame`. */
  fails: new URLSearchParams(location.search).get("fails") ?? "",
  slow: new URLSearchParams(location.search).has("slow"),
  /** The key that the server asks for; empty: none. */
  key: new URLSearchParams(location.search).get("key") ?? "",
  state: (_: "open" | "gone"): void => undefined,
  takeKeyBack: (): void => undefined,
  head: null as Head | null,
  allowed: null as readonly string[] | null,
  trained: 0,
  words: {} as Record<string, string[]>,
  speller: null as Record<string, number | undefined> | null,
};
Object.assign(window, { fake });

const contract: Contract = {
  name: "stand-in", version: "1", mock: new URLSearchParams(location.search).has("mock"),
  labels: LABELS, allowed: LABELS, size_px: [64, 64], threshold: 0.7,
  rules: { evidence: { need_s: 0.15, open_probability: 0.95 } }, on_device: true, on_server: true, outputs: ["features"], bundle: {} as Contract["bundle"], word_rules: {} as Contract["word_rules"],
};

function seen(label: string, features: boolean): Seen {
  const probabilities = new Float32Array(LABELS.length).fill((1 - fake.p) / 100);
  probabilities[LABELS.indexOf(fake.rival)] = (1 - fake.p) * 0.7;
  probabilities[LABELS.indexOf(label)] = fake.p;
  const numbers = Float32Array.from({ length: FEATURES }, (_, at) => (at === LABELS.indexOf(label) % FEATURES ? 1 : 0));
  return {
    probabilities, hand: label === "nothing" ? null : fake.hand, motion: 0.02,
    features: features ? numbers : null, brightness: fake.brightness, ms: 20,
  };
}

function fail(what: string): void {
  if (fake.fails.includes(what))
    throw new EngineError(`a stand-in that fails at ${what}`, "one that works", "omit ?fails");
}

function recogniser(mode: "wasm" | "server"): Recogniser {
  return {
    mode, contract,
    async frame(frame) {
      frame.close();
      fail("frame");
      await new Promise((done) => setTimeout(done, 20));
      return seen(fake.label, mode === "wasm");
    },
    async picture(file) {
      const bitmap = await createImageBitmap(file).catch(() => null);
      if (!bitmap) throw new EngineError(`${(file as File).name} of ${file.size} bytes`, "a picture", "save it as JPEG or PNG");
      const canvas = new OffscreenCanvas(96, 96);
      const context = canvas.getContext("2d")!;
      context.drawImage(bitmap, 0, 0, 96, 96);
      return { ...seen(/^([A-Z]|del|space)\b/.exec((file as File).name)?.[1] ?? "A", true), crop: context.getImageData(0, 0, 96, 96) };
    },
    allow: (labels) => (fake.allowed = labels),
    adapt(head) {
      if (head && mode === "server") throw new Error("the server has its own last layer");
      fake.head = head;
    },
    close: () => undefined,
  };
}

const engine: Engine = {
  speller: makeSpeller,
  async contract(base) {
    fail("contract");
    if (keyOf(base) !== fake.key) throw new LockedError(keyOf(base) !== "");
    return contract;
  },
  async openOnDevice(_base, _contract, onShare) {
    if (fake.slow) {
      onShare?.(0.4267);
      await new Promise(() => undefined);
    }
    fail("device");
    return recogniser("wasm");
  },
  async openOnServer(_base, _contract, onState) {
    fail("server");
    fake.state = onState;
    fake.takeKeyBack = () => onState("gone", new LockedError(true));
    return recogniser("server");
  },
  async words() {
    const of = async ({ session }: Speller) => {
      const letters = session.text.trimEnd().split(" ").at(-1)!;
      const all = [letters, ...(fake.words[letters] ?? [])];
      return { letters, proposals: all.map((word) => ({ word, probability: 0.5 })), completions: [] };
    };
    return { of, close: () => undefined };
  },
  async bundle(_base, { labels }, head) {
    return [{ name: "labels.txt", content: new Blob([labels.join(" "), String(head.bias.length)]) }];
  },
  async train(examples, labels) {
    fake.trained = examples.length;
    const head = { weights: new Float32Array(FEATURES * labels.length), bias: new Float32Array(labels.length) };
    return { head, before: 0.71, after: 0.96, heldBack: Math.round(examples.length / 5) };
  },
};

function makeSpeller(): Speller {
  let needS = 0.15;
  let session: Session = { text: "", shown: null, counted: null, progress: 0 };
  let heldS = 0;
  let locked = "";
  const written = (text: string, label: string): string =>
    label === "del" ? text.slice(0, -1) : text + (label === "space" ? " " : label);
  return {
    get session() { return session; },
    step({ probabilities }, elapsedS) {
      const at = probabilities.reduce((a, p, i) => (p > probabilities[a] ? i : a), 0);
      const label = LABELS[at];
      if (label !== session.shown) heldS = 0;
      heldS += elapsedS;
      if (label !== locked) locked = "";
      const good = label !== "nothing" && probabilities[at] >= 0.7;
      const done = good && heldS >= needS && locked !== label;
      if (done) locked = label;
      session = {
        text: done ? written(session.text, label) : session.text, shown: good ? label : null,
        counted: done ? label : null, progress: good ? (locked === label ? 1 : Math.min(1, heldS / needS)) : 0,
      };
      return session;
    },
    type: (label) => (session = { ...session, text: written(session.text, label), counted: null }),
    clear: () => (session = { ...session, text: "", counted: null }),
    configure(choice) {
      needS = choice.needS ?? needS;
      fake.speller = { ...choice };
    },
  };
}

Object.assign(window, { studio: start(document.getElementById("studio")!, engine) });
