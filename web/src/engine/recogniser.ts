/** The recogniser on this device: the worker computes, and no picture leaves the page. */

import type { Contract, Head, Mode, Recogniser, Seen } from "./api";
import { EngineError } from "./api";
import { type Asker, Newest, startWorker, type Still } from "./messages";

type Frame = VideoFrame | ImageBitmap;

export class OnDevice implements Recogniser {
  readonly mode: Mode = "wasm";
  private readonly newest: Newest<Frame, Seen>;

  private constructor(
    readonly contract: Contract,
    private readonly worker: Asker,
  ) {
    this.newest = new Newest((frame) => worker.ask("frame", [frame], [frame]));
  }

  static async open(base: URL, contract: Contract, onShare?: (share: number) => void): Promise<OnDevice> {
    if (!contract.on_device) {
      throw new EngineError(
        `${contract.name}, of which there is no model file`,
        "a bundle with a TFLite file",
        "let the server compute, or serve a bundle",
      );
    }
    const worker = startWorker(base);
    try {
      await worker.ask("open", [base.href, contract], [], onShare);
    } catch (error) {
      worker.end();
      throw error;
    }
    return new OnDevice(contract, worker);
  }

  frame(frame: Frame, _atMs: number): Promise<Seen | null> {
    return this.newest.take(frame);
  }

  picture(file: Blob): Promise<Still> {
    return this.worker.ask("picture", [file]);
  }

  allow(labels: readonly string[] | null): void {
    checkAllowed(labels, this.contract);
    this.worker.ask("allow", [labels]).catch(() => null); // Only where it was closed.
  }

  adapt(head: Head | null): void {
    const { labels, outputs } = this.contract;
    const fits = !head || (head.bias.length === labels.length && head.weights.length % labels.length === 0);
    if (!fits || (head && !outputs.includes("features"))) {
      throw new EngineError(
        `a last layer of ${head?.bias.length} labels`,
        outputs.includes("features") ? `one of ${labels.length}` : "a model file that gives its features",
        "train it again with this recogniser",
      );
    }
    this.worker.ask("adapt", [head]).catch(() => null);
  }

  close(): void {
    this.newest.drop();
    this.worker.end();
  }
}

/** Throws `EngineError` unless at least one of the recogniser's labels is allowed. */
export function checkAllowed(labels: readonly string[] | null, { allowed: known }: Contract): void {
  if (!labels || labels.some((label) => known.includes(label))) return;
  throw new EngineError(
    `none of this recogniser's labels in "${labels.join(", ")}"`,
    `some of ${known.join(", ")}`,
    "allow at least one of them",
  );
}
