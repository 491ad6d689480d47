/** What all screens share: the recogniser, the camera, and what the last frame showed. */

import type { Contract, Engine, Head, Recogniser, Seen } from "../engine/api";
import { EngineError, LockedError, withKey } from "../engine/api";
import { Camera, eachFrame } from "./camera";
import { Signal } from "./dom";
import { allowed, keepSecret, secret, settings } from "./settings";

export interface Trouble {
  readonly found: string;
  readonly expected: string;
  readonly fix: string;
}

export type Status =
  /** `share` of the model is loaded, 0 to 1; null: nobody knows. */
  | { readonly kind: "loading"; readonly share: number | null }
  | { readonly kind: "ready" }
  /** `locked`: the server asks for a key. */
  | { readonly kind: "failed"; readonly trouble: Trouble; readonly locked: LockedError | null };

/** One frame's answer and the time since the one before. */
export interface Sight {
  readonly seen: Seen;
  readonly elapsedS: number;
}

/** The best labels of a frame or picture, best first. */
export function best(
  probabilities: Float32Array,
  labels: readonly string[],
  count: number,
): { label: string; p: number }[] {
  const all = labels.map((label, at) => ({ label, p: probabilities[at] }));
  return all.sort((one, other) => other.p - one.p).slice(0, count);
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof EngineError) return error;
  const found = error instanceof Error ? error.message : String(error);
  return {
    found,
    expected: "a recogniser that answers",
    fix: "Reload the page. If it stays, try another browser or read the pictures on the server.",
  };
}

/** So many frames in a row that fail are a recogniser that does. */
const MISSES = 5;

/** Width by height of what the network sees of a camera's picture. */
export const ratioOf = (contract: Contract | null): number =>
  contract ? contract.size_px[1] / contract.size_px[0] : 1;

export class Studio {
  readonly camera = new Camera();
  readonly status = new Signal<Status>({ kind: "loading", share: null });
  readonly contract = new Signal<Contract | null>(null);
  readonly recogniser = new Signal<Recogniser | null>(null);
  readonly gone = new Signal(false);
  readonly fps = new Signal(0);
  readonly sight = new Signal<Sight | null>(null);
  /** Words that the text may become, best first. */
  readonly words = new Signal<readonly string[]>([]);
  /** The last layer of one's own that is in use. */
  readonly head = new Signal<Head | null>(null);
  private opened = 0;
  private lastMs = 0;
  private misses = 0;
  private stopFrames = (): void => undefined;

  constructor(
    readonly engine: Engine,
    private readonly page: URL,
  ) {
    this.camera.state.on((state) => {
      this.stopFrames();
      this.lastMs = 0;
      if (state !== "on") return this.sight.set(null);
      this.stopFrames = eachFrame(this.camera.video, (atMs) => void this.read(atMs));
    });
    let where = settings.value.where;
    settings.on((choice) => {
      const elsewhere = choice.where !== where;
      where = choice.where;
      if (elsewhere) void this.open();
      else this.applyAllowed();
    });
    this.head.on(() => this.applyHead());
  }

  /** Where the studio's files are, with the server's key if one was given. */
  get base(): URL {
    const key = secret("key");
    return key ? withKey(this.page, key) : this.page;
  }

  /** Tries a key, and keeps it until the tab is closed. */
  unlock(key: string): Promise<void> {
    keepSecret("key", key);
    return this.open();
  }

  /** Loads the recogniser: on the device, or by the server where that was chosen or must be. */
  async open(): Promise<void> {
    const asked = ++this.opened;
    this.recogniser.value?.close();
    this.recogniser.set(null);
    this.gone.set(false);
    this.misses = 0;
    this.status.set({ kind: "loading", share: null });
    try {
      const contract = this.contract.value ?? (await this.engine.contract(this.base));
      if (asked !== this.opened) return;
      if (contract !== this.contract.value) this.contract.set(contract);
      const recogniser = await this.openSomewhere(contract);
      if (asked !== this.opened) return recogniser.close();
      this.recogniser.set(recogniser);
      this.applyAllowed();
      this.applyHead();
      this.status.set({ kind: "ready" });
    } catch (error) {
      if (asked === this.opened) this.fail(error);
    }
  }

  private async openSomewhere(contract: Contract): Promise<Recogniser> {
    const onServer = (): Promise<Recogniser> =>
      this.engine.openOnServer(this.base, contract, (state, locked) => {
        if (locked) return this.fail(locked);
        this.gone.set(state === "gone");
        if (state === "gone") this.sight.set(null); // What it showed last is not so any more.
      });
    // A folder of files has no server, and a server may hold the model back: the other is left.
    const server = contract.on_server && (settings.value.where === "server" || !contract.on_device);
    if (server) return onServer();
    const asked = this.opened;
    let told = 0;
    return this.engine.openOnDevice(this.base, contract, (share) => {
      if (asked !== this.opened || Math.floor(100 * share) === told) return; // Each per cent once.
      told = Math.floor(100 * share);
      this.status.set({ kind: "loading", share });
    });
  }

  private fail(error: unknown): void {
    this.recogniser.value?.close();
    this.recogniser.set(null);
    this.gone.set(false);
    this.sight.set(null);
    this.status.set({ kind: "failed", trouble: troubleOf(error), locked: error instanceof LockedError ? error : null });
  }

  private applyAllowed(): void {
    const contract = this.contract.value;
    if (contract) this.recogniser.value?.allow(allowed(settings.value, contract.allowed));
  }

  /** A server computes with its own last layer. */
  private applyHead(): void {
    const recogniser = this.recogniser.value;
    const can = recogniser?.mode !== "server" && recogniser?.contract.outputs.includes("features");
    if (can) recogniser?.adapt(this.head.value);
  }

  private async read(atMs: number): Promise<void> {
    const recogniser = this.recogniser.value;
    if (!recogniser || document.hidden) return;
    try {
      const frame = await this.camera.grab();
      const seen = frame && (await recogniser.frame(frame, atMs));
      if (!seen || recogniser !== this.recogniser.value || this.camera.state.value !== "on") return;
      this.misses = 0;
      if (atMs <= this.lastMs) return;
      const elapsedS = this.lastMs ? (atMs - this.lastMs) / 1000 : 0;
      this.lastMs = atMs;
      if (elapsedS > 0 && elapsedS < 2)
        this.fps.set(this.fps.value ? 0.9 * this.fps.value + 0.1 / elapsedS : 1 / elapsedS);
      this.sight.set({ seen, elapsedS });
    } catch (error) {
      // One frame may be unreadable, or lost with the server: the next one may do.
      if (recogniser !== this.recogniser.value || this.gone.value) return;
      if (++this.misses >= MISSES) this.fail(error);
    }
  }
}
