/** Reads `evaluation_report.json`: the part of it that the Results screen shows. */

import type { Trouble } from "./studio";

export interface ClassScore {
  readonly pictures: number;
  readonly recall: number | null;
  readonly precision: number | null;
}

export interface Confusion {
  readonly truth: string;
  readonly answer: string;
  readonly count: number;
  readonly share: number;
}

export interface Report {
  readonly name: string;
  readonly accuracy: number;
  readonly interval: readonly [number, number] | null;
  readonly macroF1: number | null;
  readonly pictures: number;
  /** Share answered at the threshold, and how many of these are right. */
  readonly accepted: { threshold: number; coverage: number; accuracy: number | null } | null;
  readonly calibration: number | null;
  readonly unseen: readonly { name: string; accuracy: number }[];
  readonly classes: ReadonlyMap<string, ClassScore>;
  readonly confusions: readonly Confusion[];
}

type Json = Record<string, unknown>;
const object = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});
const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

export const NAME = "evaluation_report.json";

/** Throws `Trouble` for what is no report. */
export function report(name: string, text: string): Report {
  let body: Json;
  try {
    body = object(JSON.parse(text));
  } catch (error) {
    throw trouble(`${name}, which is no JSON (${(error as Error).message})`);
  }
  const accuracy = number(body.test_accuracy);
  const scores = object(body.per_class_metrics);
  if (accuracy === null || !Object.keys(scores).length)
    throw trouble(`${name} without test_accuracy and per_class_metrics`);
  const accepted = object(body.acceptance);
  const [low, high] = (object(body.intervals).groups_95 ?? object(body.intervals).pictures_95 ?? []) as number[];
  return {
    name,
    accuracy,
    interval: typeof low === "number" && typeof high === "number" ? [low, high] : null,
    macroF1: number(body.macro_f1),
    pictures: number(body.pictures) ?? 0,
    accepted: number(accepted.coverage) === null ? null : {
      threshold: number(accepted.threshold) ?? 0, coverage: number(accepted.coverage)!, accuracy: number(accepted.accuracy),
    },
    calibration: number(object(body.calibration).expected_calibration_error),
    unseen: Object.entries(object(body.unseen_signers)).flatMap(([people, section]) => {
      const share = number(object(section).test_accuracy);
      return share === null ? [] : [{ name: people, accuracy: share }];
    }),
    classes: new Map(Object.entries(scores).map(([label, score]) => {
      const { support, recall, precision } = object(score);
      return [label, { pictures: number(support) ?? 0, recall: number(recall), precision: number(precision) }];
    })),
    confusions: (Array.isArray(body.top_confusions) ? body.top_confusions : []).map(object).map((one) => ({
      truth: String(one.truth), answer: String(one.answer), count: number(one.count) ?? 0, share: number(one.share) ?? 0,
    })),
  };
}

function trouble(found: string): Trouble {
  return {
    found,
    expected: `the ${NAME} of a run`,
    fix: "choose the folder that fingerspell train, adapt or evaluate wrote, or this file of it",
  };
}
