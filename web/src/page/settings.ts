/** What people chose, kept in this browser; a browser that keeps nothing still works. */

import type { Contract } from "../engine/api";
import { Signal } from "./dom";

const PREFIX = "fingerspell.";

export function kept<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

/** Keeps a value; false where the browser refuses. */
export function keep(name: string, value: unknown): boolean {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** What is nobody else's business, until the tab is closed. */
export const secret = (name: "key" | "token"): string => {
  try {
    return secrets[name] || (sessionStorage.getItem(PREFIX + name) ?? "");
  } catch {
    return secrets[name] ?? "";
  }
};

export function keepSecret(name: "key" | "token", value: string): void {
  secrets[name] = value;
  try {
    sessionStorage.setItem(PREFIX + name, value);
  } catch {
    // Then until the page is left.
  }
}

const secrets: Record<string, string> = {};

export interface Settings {
  /** How long a sign is held, in seconds; null: the recogniser's own. */
  readonly needS: number | null;
  readonly openProbability: number | null;
  readonly letters: "all" | "letters" | "chosen";
  /** For `chosen`: such as "A-I K-Y". */
  readonly chosen: string;
  readonly hand: "right" | "left";
  readonly where: "device" | "server";
  readonly cameraId: string;
  readonly theme: "auto" | "light" | "dark";
}

export const USUAL: Settings = {
  needS: null,
  openProbability: null,
  letters: "all",
  chosen: "A-Z",
  hand: "right",
  where: "device",
  cameraId: "",
  theme: "auto",
};

const stored = kept<unknown>("settings", {});
export const settings = new Signal<Settings>({
  ...USUAL,
  ...(typeof stored === "object" ? stored : {}),
});

export function choose(choice: Partial<Settings>): void {
  settings.set({ ...settings.value, ...choice });
  keep("settings", settings.value);
}

/** The live rules' own numbers, where the contract says them. */
export function ownRules(contract: Contract | null): { needS: number; openProbability: number } {
  const rules = contract?.rules as { evidence?: Record<string, unknown> } | null | undefined;
  const number = (name: string, otherwise: number): number => {
    const value = rules?.evidence?.[name];
    return typeof value === "number" ? value : otherwise;
  };
  return { needS: number("need_s", 0.15), openProbability: number("open_probability", 0.95) };
}

/**
 * The `labels` that a choice allows, null for all. `nothing` always stays: without it a picture
 * without a hand would have to be a letter.
 */
export function allowed(choice: Settings, labels: readonly string[]): readonly string[] | null {
  if (choice.letters === "all") return null;
  const wanted = choice.letters === "letters" ? lettersOf("A-Z") : lettersOf(choice.chosen);
  const found = labels.filter((label) => wanted.has(label) || label === "nothing");
  return found.some((label) => label !== "nothing") ? found : null;
}

/** Reads "A-I K-Y, space" as the labels that it names. */
export function lettersOf(text: string): Set<string> {
  const found = new Set<string>();
  for (const part of text.split(/[\s,;]+/).filter(Boolean)) {
    const range = /^(.)[-–](.)$/u.exec(part.toUpperCase());
    if (!range) {
      found.add(part.length === 1 ? part.toUpperCase() : part.toLowerCase());
      continue;
    }
    const [from, to] = [range[1].codePointAt(0)!, range[2].codePointAt(0)!];
    for (let at = from; at <= to; at++) found.add(String.fromCodePoint(at));
  }
  return found;
}
