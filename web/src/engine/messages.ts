/** What page and worker say to each other: each question is answered once, by its `id`, and may tell before it how far it is. */

import type { Contract, Decoded, Example, Head, Seen, Trained } from "./api";
import { EngineError } from "./api";
import type { Sign } from "./live/frame";

/** What the server mode sends on: the picture, and what the page itself sees in it. */
export interface Shrunk {
  readonly jpeg: Blob;
  readonly motion: number | null;
  readonly brightness: number;
}

export type Still = Seen & { crop: ImageData };

export interface Questions {
  open(base: string, contract: Contract): void;
  frame(frame: VideoFrame | ImageBitmap): Seen;
  picture(file: Blob): Still;
  allow(labels: readonly string[] | null): void;
  adapt(head: Head | null): void;
  /** Loads the list of words; then `decode` says what the last word of the signs may be. */
  words(base: string, contract: Contract): void;
  decode(signs: readonly Sign[]): Decoded;
  /** Bytes that the runtime holds, for the benchmark. */
  heap(): number;
  train(base: string, examples: readonly Example[], labels: readonly string[]): Trained;
  /** `size` as the network's; `mostPx` of a side. A still is the whole picture, fitted. */
  shrink(frame: VideoFrame | ImageBitmap, size: Contract["size_px"], mostPx: number): Shrunk;
  still(file: Blob, size: Contract["size_px"], mostPx: number): Shrunk & { crop: ImageData };
}

export interface Asked {
  readonly id: number;
  readonly name: keyof Questions;
  readonly args: unknown[];
}

export interface Told {
  readonly id: number;
  /** How far the answer is, 0 to 1; the answer itself comes later. */
  readonly share?: number;
  readonly value?: unknown;
  readonly error?: { found: string; expected: string; fix: string };
}

/** Returns an error as it travels; one that nobody foresaw is a fault of the page. */
export function errorOf(error: unknown): Told["error"] {
  if (error instanceof EngineError) {
    const { found, expected, fix } = error;
    return { found, expected, fix };
  }
  const found = `an error inside the page (${error instanceof Error ? error.message : error})`;
  return { found, expected: "an answer", fix: "load the page again, and report it" };
}

type Waiting = [(value: never) => void, (error: EngineError) => void, ((share: number) => void)?];

/** Asks a worker; `ask` resolves with its answer and rejects with `EngineError`. */
export class Asker {
  private count = 0;
  private readonly open = new Map<number, Waiting>();
  private broken: EngineError | null = null;

  constructor(private readonly worker: Worker) {
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      const { id, value, error, share } = data;
      const [resolve, reject, onShare] = this.open.get(id) ?? [];
      if (share !== undefined) return onShare?.(share);
      this.open.delete(id);
      if (error) reject?.(new EngineError(error.found, error.expected, error.fix));
      else resolve?.(value as never);
    };
    worker.onerror = (event) => {
      const found = `a worker that does not run (${event.message || "its script did not load"})`;
      this.end(new EngineError(found, "studio_worker.js beside the page", "load the page again"));
    };
  }

  ask<N extends keyof Questions>(
    name: N,
    args: Parameters<Questions[N]>,
    transfer: Transferable[] = [],
    onShare?: (share: number) => void,
  ): Promise<ReturnType<Questions[N]>> {
    if (this.broken) return Promise.reject(this.broken);
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.open.set(id, [resolve, reject, onShare]);
      this.worker.postMessage({ id, name, args } satisfies Asked, transfer);
    });
  }

  /** Ends the worker; what it was asked and has not answered is rejected. */
  end(error = new EngineError("a recogniser that was closed", "an open one", "open it again")): void {
    this.broken = error;
    this.worker.terminate();
    for (const [, reject] of this.open.values()) reject(error);
    this.open.clear();
  }
}

/** Starts the engine's worker: a classic script, because LiteRT's runtime calls importScripts. */
export function startWorker(base: URL): Asker {
  return new Asker(new Worker(new URL("studio_worker.js", base)));
}

/** Reads frames one at a time: of those that come meanwhile the newest is next, the others null. */
export class Newest<F extends { close(): void }, T> {
  private busy = false;
  private waiting: { frame: F; give: (value: Promise<T> | null) => void } | null = null;

  constructor(private readonly read: (frame: F) => Promise<T>) {}

  take(frame: F): Promise<T | null> {
    if (!this.busy) return this.start(frame);
    this.drop();
    return new Promise((give) => (this.waiting = { frame, give }));
  }

  /** Gives up the frame that waits. */
  drop(): void {
    this.waiting?.frame.close();
    this.waiting?.give(null);
    this.waiting = null;
  }

  private async start(frame: F): Promise<T> {
    this.busy = true;
    try {
      return await this.read(frame);
    } finally {
      this.busy = false;
      const next = this.waiting;
      this.waiting = null;
      next?.give(this.start(next.frame));
    }
  }
}
