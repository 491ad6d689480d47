/** What practising remembers of each letter, and which one is hardest. */

import { keep, kept } from "./settings";

export interface Tally {
  readonly right: number;
  readonly skipped: number;
  /** Mean seconds until it was right, newer ones weighing more. */
  readonly seconds: number;
}

const NONE: Tally = { right: 0, skipped: 0, seconds: 0 };
const NEWEST = 0.4;
const SLOW_S = 6;

export class Scores {
  private readonly all: Record<string, Tally> = kept("scores", {});

  of(label: string): Tally {
    return this.all[label] ?? NONE;
  }

  right(label: string, seconds: number): void {
    const { right, skipped, seconds: before } = this.of(label);
    const mean = right ? before + NEWEST * (seconds - before) : seconds;
    this.put(label, { right: right + 1, skipped, seconds: mean });
  }

  skipped(label: string): void {
    const now = this.of(label);
    this.put(label, { ...now, skipped: now.skipped + 1 });
  }

  forget(): void {
    for (const label of Object.keys(this.all)) delete this.all[label];
    keep("scores", this.all);
  }

  /** 0 (known well) to 1: skipped often, or slow; what was never tried stands in the middle. */
  hardness(label: string): number {
    const { right, skipped, seconds } = this.of(label);
    if (!right && !skipped) return 0.5;
    const missed = (skipped + 0.5) / (right + skipped + 1);
    return Math.min(1, 0.6 * missed + 0.4 * Math.min(1, seconds / SLOW_S));
  }

  /** The labels, hardest first; equals in their order. */
  hardest(labels: readonly string[]): readonly string[] {
    return [...labels].sort((a, b) => this.hardness(b) - this.hardness(a));
  }

  private put(label: string, tally: Tally): void {
    this.all[label] = tally;
    keep("scores", this.all);
  }
}
