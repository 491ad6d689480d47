/** What the page and the engine know of each other: the page uses nothing else of the engine. */

/** A recogniser as the page sees it: `studio.json`, made by the server from the bundle's contract. */
export interface Contract {
  readonly name: string;
  readonly version: string;
  /** Answers come from no network: said loudly in the page. */
  readonly mock: boolean;
  /** In the order of the probabilities. */
  readonly labels: readonly string[];
  /** Those that it answers with: all, unless it was started with some only. */
  readonly allowed: readonly string[];
  readonly size_px: readonly [height: number, width: number];
  /** From which probability a still counts. */
  readonly threshold: number;
  /** The live rules' numbers, as Python's `LiveRules` has them. */
  readonly rules: unknown;
  readonly word_rules: WordRules;
  /** Whether the model file is there, so that the page can compute by itself. */
  readonly on_device: boolean;
  /** Whether a server answers at `v1/stream`; false where the page is a folder of files. */
  readonly on_server: boolean;
  /** The model file's outputs in their order; empty where it is not there. */
  readonly outputs: readonly string[];
  /** How a bundle is made of the model file; null where it cannot be. */
  readonly bundle: Bundle | null;
}

/** As Python's `PageModel.file` tells it: the first `bytes` of the model file, with `undo` in place. */
export interface Bundle {
  /** The TFLite file's name in a bundle. */
  readonly name: string;
  readonly file: {
    readonly bytes: number;
    readonly sha256: string;
    readonly undo: readonly (readonly [offset: number, hex: string])[];
    /** Where weights (labels × features) and bias (labels) lie; in half precision, or float32. */
    readonly head: readonly { readonly offset: number; readonly half: boolean }[];
  };
  /** `recogniser.json` without the hashes of files. */
  readonly contract: Readonly<Record<string, unknown>>;
}

/**
 * x and y of the centre, and the side, as Python's `Square`: shares of what the network saw. Of a
 * camera's frame that is the central part of the network's aspect ratio (a square), of a picture
 * the whole, padded. Where there is no hand it lies anywhere, and is small.
 */
export type Square = readonly [x: number, y: number, side: number];

/** What one frame or picture showed. */
export interface Seen {
  /** In label order; what `allow` left out is 0 and the rest adds up to 1. */
  readonly probabilities: Float32Array;
  readonly hand: Square | null;
  /** Change since the frame before, in standard deviations; null for the first and for stills. */
  readonly motion: number | null;
  /** (views × features) for training in the page; null in server mode. */
  readonly features: Float32Array | null;
  /** Mean grey level, 0 to 1: for "too dark". */
  readonly brightness: number;
  /** Milliseconds from the frame's arrival to its answer. */
  readonly ms: number;
}

export type Mode = "wasm" | "webgpu" | "server";

export interface Recogniser {
  readonly mode: Mode;
  readonly contract: Contract;
  /**
   * Reads a camera frame taken at `atMs`; takes the frame over and closes it. One is in flight:
   * of frames that come meanwhile the newest is read next, and an older one's promise is null. In
   * server mode frames beyond eight a second, and those while the server is gone, are null, too.
   * Rejects with `EngineError` where a frame cannot be read: the next one may.
   */
  frame(frame: VideoFrame | ImageBitmap, atMs: number): Promise<Seen | null>;
  /** Reads one still, `crop` is what the network read of it. Rejects with `EngineError`. */
  picture(file: Blob): Promise<Seen & { crop: ImageData }>;
  /** Answers with these labels only; null: with all that the contract allows. */
  allow(labels: readonly string[] | null): void;
  /**
   * Uses another last layer ("train in the page"); null: the bundle's own. On the device only, and
   * where the contract's outputs hold `features`. Throws `EngineError` for one that does not fit.
   */
  adapt(head: Head | null): void;
  close(): void;
}

/** softmax(features · weights + bias), averaged over the views. */
export interface Head {
  readonly weights: Float32Array; // (features × labels)
  readonly bias: Float32Array; // (labels)
}

export interface Example {
  readonly label: string;
  readonly features: Float32Array;
}

export interface Trained {
  readonly head: Head;
  /** Accuracy on the examples held back, with the bundle's head and with this one. */
  readonly before: number;
  readonly after: number;
  readonly heldBack: number;
}

/** Said to the user as it is: what was found, what is expected, how to mend it. */
export class EngineError extends Error {
  constructor(
    readonly found: string,
    readonly expected: string,
    readonly fix: string,
  ) {
    super(`${found}; expected ${expected}; ${fix}`);
  }
}

/** The server asks for a key; `tried`: the one that it was given is none of its. */
export class LockedError extends EngineError {
  constructor(readonly tried: boolean) {
    super(tried ? "a key that this server does not know" : "a server that asks for a key", "one of its keys",
      "give the key on the screen Spell; whoever runs the server knows it");
  }
}

/** A word and its probability. */
export interface Proposal {
  readonly word: string;
  readonly probability: number;
}

/**
 * What the word that is being spelled may be, or after a space the word before it. `proposals` are
 * whole words, the letters as they are among them; `completions` begin like it. Best first.
 */
export interface Decoded {
  readonly letters: string;
  readonly proposals: readonly Proposal[];
  readonly completions: readonly Proposal[];
}

/** The decoder's costs, as Python's `WordRules` has them. */
export interface WordRules {
  readonly frequency: number;
  readonly sureness: number;
  readonly alike: number;
  readonly blur: number;
  readonly missing: number;
  readonly double: number;
  readonly extra: number;
  readonly unlisted: number;
  readonly letter_cost: number;
  readonly proposals: number;
}

/** English words, computed off the page's thread. */
export interface Words {
  /** Worth asking after a letter was written, typed or deleted. */
  of(speller: Speller): Promise<Decoded>;
  close(): void;
}

const KEY = "#key=";

/**
 * Returns `base` with the key that its server asks for. A fragment is never sent, so the key leaves
 * this machine only where `keyOf` is asked for it: in the header of a request, or by the socket.
 */
export function withKey(base: URL, key: string): URL {
  return new URL(KEY + encodeURIComponent(key), base);
}

export function keyOf(base: URL): string {
  return base.hash.startsWith(KEY) ? decodeURIComponent(base.hash.slice(KEY.length)) : "";
}

/** Told when a server is gone and back; `locked`: it is back and takes another key. */
export type OnState = (state: "open" | "gone", locked?: LockedError) => void;

/** The engine's doors: `engine` of engine/index.ts. `base` holds the server's key (`withKey`). */
export interface Engine {
  /** Rejects with `LockedError` where the server asks for a key, or for another. */
  contract(base: URL): Promise<Contract>;
  /** Tells `onShare` how much of the model is loaded, 0 to 1. */
  openOnDevice(base: URL, contract: Contract, onShare?: (share: number) => void): Promise<Recogniser>;
  /** By the server's WebSocket; tells `onState` when it is gone and back. */
  openOnServer(base: URL, contract: Contract, onState: OnState): Promise<Recogniser>;
  /**
   * Learns the last layer from the examples, from the bundle's own; off the page's thread. `labels`
   * are the contract's, in its order. Of each label the last quarter of its examples is held back.
   */
  train(examples: readonly Example[], labels: readonly string[]): Promise<Trained>;
  /**
   * Returns the files of a bundle with this last layer: model, labels and contract, for a phone, a
   * server or `fingerspell verify`. Rejects with `EngineError` where there is no model file.
   */
  bundle(base: URL, contract: Contract, head: Head): Promise<{ name: string; content: Blob }[]>;
  /** Loads the list of words (a tenth of a megabyte); rejects where it is not there. */
  words(base: URL, contract: Contract): Promise<Words>;
  /** Starts an empty text by the contract's live rules. */
  speller(contract: Contract): Speller;
}

/**
 * The live rules (engine/live): the page's text, whoever computes the probabilities.
 * Held to Python's `fingerspell.live` by tests/live/vectors.
 */
export interface Session {
  /** Text so far. */
  readonly text: string;
  /** The label that is on its way to be written or still held. */
  readonly shown: string | null;
  /** The label that the last frame completed. */
  readonly counted: string | null;
  /** 0 to 1: how far `shown` is on its way to be written. */
  readonly progress: number;
}

export interface Speller {
  readonly session: Session;
  step(seen: Pick<Seen, "probabilities" | "hand" | "motion">, elapsedS: number): Session;
  /** Writes a label as a key does (`space`, `del`, or a letter). */
  type(label: string): Session;
  clear(): Session;
  /** How long a sign is held before it is written, and what else the page lets people choose. */
  configure(choice: { needS?: number; openProbability?: number }): void;
}
