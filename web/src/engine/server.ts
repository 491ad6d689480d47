/** The recogniser on the server, by its WebSocket `v1/stream`; the live rules stay in the page. */

import type { Contract, Head, Mode, Recogniser, Seen } from "./api";
import { EngineError, keyOf, LockedError, type OnState } from "./api";
import { fetched } from "./files";
import { allowedOf, only } from "./head";
import { type Asker, Newest, type Shrunk, startWorker, type Still } from "./messages";
import { checkAllowed } from "./recogniser";

type Frame = VideoFrame | ImageBitmap;
type Answer = { predictions: { label: string; score: number }[]; hand: Seen["hand"] };
type Message = { type: string; found: string; expected: string; fix: string } & Answer;

const MOST_PX = 320;
const EVERY_MS = 115; // Every fourth frame of a camera's 30 a second; 140 took every fifth.
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 15_000];
const ANSWER_MS = 10_000;

const gone = (why: string) =>
  new EngineError(`a server that ${why}`, "a running server", "wait: the page asks it again");

/** A server refuses the socket of a wrong key without a word; its files say that it was the key. */
const lockedBy = (base: URL): Promise<LockedError | null> =>
  fetched("studio.json", base).then(() => null, (error) => (error instanceof LockedError ? error : null));

export class OnServer implements Recogniser {
  readonly mode: Mode = "server";
  private readonly newest: Newest<Frame, Seen>;
  private readonly worker: Asker;
  private socket: WebSocket | null = null;
  private answer: { give: (said: Message) => void; fail: (error: EngineError) => void } | null = null;
  private allowed: boolean[] | null = null;
  private pauseMs = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  private lastMs = -Infinity;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly base: URL,
    readonly contract: Contract,
    private readonly onState: OnState,
  ) {
    this.worker = startWorker(base);
    this.newest = new Newest((frame) => this.read(frame));
  }

  static async open(base: URL, contract: Contract, onState: OnState): Promise<OnServer> {
    const made = new OnServer(base, contract, onState);
    try {
      await made.connect();
    } catch (error) {
      made.close();
      throw (await lockedBy(base)) ?? error;
    }
    return made;
  }

  frame(frame: Frame, atMs: number): Promise<Seen | null> {
    // Five to eight a second are enough, and the rules take any rate: the others are not sent.
    const soon = atMs - this.lastMs < EVERY_MS && atMs >= this.lastMs;
    if (soon || this.socket?.readyState !== WebSocket.OPEN) {
      frame.close();
      return Promise.resolve(null);
    }
    this.lastMs = atMs;
    return this.newest.take(frame);
  }

  async picture(file: Blob): Promise<Still> {
    const start = performance.now();
    // A still has no second try: more pixels than a frame of a stream.
    const { crop, ...small } = await this.worker.ask("still", [file, this.contract.size_px, 2 * MOST_PX]);
    return { ...(await this.asked(small, start)), motion: null, crop };
  }

  allow(labels: readonly string[] | null): void {
    checkAllowed(labels, this.contract);
    this.allowed = allowedOf(labels, this.contract);
  }

  adapt(head: Head | null): void {
    if (!head) return;
    const found = "a last layer for a network that the server computes";
    throw new EngineError(found, "a recogniser on this device", "let this device compute");
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.newest.drop();
    this.socket?.close();
    this.worker.end();
  }

  private async read(frame: Frame): Promise<Seen> {
    const start = performance.now();
    const small = await this.worker.ask("shrink", [frame, this.contract.size_px, MOST_PX], [frame]);
    return this.asked(small, start);
  }

  /** Sends one picture and waits for its answer: one is on its way at a time. */
  private asked({ jpeg, motion, brightness }: Shrunk, start: number): Promise<Seen> {
    const mine = this.turn.then(async () => {
      const { predictions, hand } = await this.exchange(jpeg);
      const scores = new Map(predictions.map(({ label, score }) => [label, score]));
      const row = Float32Array.from(this.contract.labels, (label) => scores.get(label) ?? 0);
      const probabilities = only(row, this.allowed);
      return { probabilities, hand, motion, features: null, brightness, ms: performance.now() - start };
    });
    this.turn = mine.catch(() => null);
    return mine;
  }

  private exchange(picture: Blob): Promise<Message> {
    const { socket } = this;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(gone("is gone"));
    return new Promise<Message>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(gone("does not answer"));
        socket.close(); // Its late answer would be taken for the next picture's.
      }, ANSWER_MS);
      this.answer = {
        give: (said) => {
          clearTimeout(late);
          if (said.type === "error") reject(new EngineError(said.found, said.expected, said.fix));
          else resolve(said);
        },
        fail: (error) => {
          clearTimeout(late);
          reject(error);
        },
      };
      socket.send(picture);
    });
  }

  private connect(): Promise<void> {
    const url = new URL("v1/stream", this.base);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({ words: "0", top: `${this.contract.labels.length}` }).toString();
    const key = keyOf(this.base); // A page cannot set a socket's headers: it offers the key as a protocol.
    const socket = new WebSocket(url, key ? ["fingerspell", `key.${key}`] : []);
    this.socket = socket;
    return new Promise((resolve, reject) => {
      let ready = false;
      let refused = gone("does not answer");
      socket.onmessage = ({ data }) => {
        const said = JSON.parse(data) as Message;
        if (ready) {
          const { answer } = this;
          this.answer = null;
          answer?.give(said);
        } else if (said.type === "ready") {
          [ready, this.pauseMs] = [true, FIRST_PAUSE_MS];
          this.onState("open");
          resolve();
        } else refused = new EngineError(said.found, said.expected, said.fix);
      };
      socket.onclose = () => {
        this.answer?.fail(gone("is gone"));
        this.answer = null;
        if (ready && !this.closed) this.onState("gone");
        if (!this.closed) this.again();
        reject(refused);
      };
    });
  }

  /** Asks again after a pause that grows. */
  private again(): void {
    this.timer = setTimeout(() => void this.connect().catch(() => this.askWhy()), this.pauseMs);
    this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
  }

  private async askWhy(): Promise<void> {
    const locked = await lockedBy(this.base);
    if (!locked || this.closed) return;
    clearTimeout(this.timer);
    this.onState("gone", locked);
  }
}
