/**
 * A decoder for words: from what was seen of each sign to proposals, best first, and completions.
 * Costs, search and their reasons stand in `fingerspell/live/words.py`, which this follows.
 */

import type { Decoded, Proposal, WordRules } from "./api";
import type { Sign } from "./live/frame";

const MARGIN = 6;
const MOST_NODES = 250;
const MOST_BEGINNINGS = 50;
const MOST_SIGNS = 32;
const ALIKE = ["AEMNST", "CO", "DZ", "GHPQ", "IJ", "KPV", "RUV", "TX"];

/** Nodes, breadth first; node 0 is the empty beginning. See Python's `_Trie`. */
interface Trie {
  readonly letter: Int32Array;
  readonly first: Int32Array;
  readonly children: Int32Array;
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly ends: Int32Array;
  readonly cheapest: Float64Array;
}

export interface WordList {
  readonly words: readonly string[];
  readonly rarity: Float64Array;
  /** The label of each letter, in the alphabet's order. */
  readonly columns: readonly number[];
  readonly alike: readonly Float64Array[];
  readonly trie: Trie;
}

/** Reads lines of a word and its count; words that the labels cannot spell are left out. */
export function wordListOf(text: string, labels: readonly string[]): WordList {
  const column = new Map<string, number>();
  labels.forEach((x, i) => x.length === 1 && /\p{L}/u.test(x) && column.set(x.toUpperCase(), i));
  const letters = [...column.keys()].sort();
  const counts = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [word, count] = line.split(" ");
    if (!(Number(count) > 0) || ![...word].every((x) => column.has(x))) continue;
    counts.set(word, (counts.get(word) ?? 0) + Number(count));
  }
  const words = [...counts.keys()].sort();
  const total = words.reduce((sum, word) => sum + counts.get(word)!, 0);
  const rarity = Float64Array.from(words, (word) => -Math.log(counts.get(word)! / total));
  const columns = letters.map((letter) => column.get(letter)!);
  return { words, rarity, columns, alike: alikeOf(letters), trie: trieOf(words, letters, rarity) };
}

/** How what a letter gives is spread over those like it. */
function alikeOf(letters: readonly string[]): Float64Array[] {
  return letters.map((a) => {
    const groups = ALIKE.filter((group) => group.includes(a));
    const near = Float64Array.from(letters, (b) => groups.filter((group) => group.includes(b)).length);
    const own = letters.indexOf(a);
    near[own] = 0;
    const others = near.reduce((sum, x) => sum + x, 0);
    if (others === 0) near[own] = 1; // Nothing alike: it keeps all.
    const sum = others || 1;
    return near.map((x) => x / sum);
  });
}

function trieOf(words: readonly string[], letters: readonly string[], rarity: Float64Array): Trie {
  const number = new Map(letters.map((letter, i) => [letter, i]));
  const [letter, first, children, low, high, ends, depth] = [[-1], [0], [0], [0], [words.length], [-1], [0]];
  for (let node = 0; node < letter.length; node++) {
    let at = low[node];
    if (words[at]?.length === depth[node]) ends[node] = at++;
    first[node] = letter.length;
    while (at < high[node]) {
      const next = words[at][depth[node]];
      const start = at;
      while (at < high[node] && words[at][depth[node]] === next) at++;
      letter.push(number.get(next)!);
      first.push(0), children.push(0), low.push(start), high.push(at), ends.push(-1);
      depth.push(depth[node] + 1);
    }
    children[node] = letter.length - first[node];
  }
  const cheapest = new Float64Array(letter.length).fill(Infinity);
  for (let node = letter.length - 1; node >= 0; node--) {
    if (ends[node] >= 0) cheapest[node] = rarity[ends[node]];
    for (let k = first[node]; k < first[node] + children[node]; k++) {
      cheapest[node] = Math.min(cheapest[node], cheapest[k]);
    }
  }
  const [a, b, c, d, e, f] = [letter, first, children, low, high, ends].map((x) => Int32Array.from(x));
  return { letter: a, first: b, children: c, low: d, high: e, ends: f, cheapest };
}

/** Returns the signs of the word that is being spelled; after a space, of the word before it. */
export function lastWord(signs: readonly Sign[]): readonly Sign[] {
  const isSpace = (sign: Sign) => sign.written.trim() === "";
  let end = signs.length;
  while (end && isSpace(signs[end - 1])) end--;
  let start = end;
  while (start && !isSpace(signs[start - 1])) start--;
  return signs.slice(start, end);
}

/** Returns what the signs of one word may be; of none, and of more than 32, nothing is proposed. */
export function decode(signs: readonly Sign[], list: WordList, rules: WordRules): Decoded {
  const letters = signs.map((sign) => sign.written).join("");
  if (!signs.length || signs.length > MOST_SIGNS) return { letters, proposals: [], completions: [] };
  const costs = letterCosts(signs, list, rules);
  const unlisted = rules.unlisted + rules.letter_cost * signs.length;
  const [found, seen] = search(costs, list, unlisted, rules);
  found.set(letters, Math.min(unlisted, found.get(letters) ?? Infinity));
  const proposals = likeliest([...found.keys()], [...found.values()], rules);
  return { letters, proposals, completions: completionsOf(seen, list, signs.length, rules) };
}

/** For each sign what it costs that it shows each letter. */
function letterCosts(signs: readonly Sign[], { columns, alike }: WordList, rules: WordRules): Float64Array[] {
  const even = 1 / columns.length;
  return signs.map(({ evidence }) => {
    const given = columns.map((column) => evidence[column]);
    const total = given.reduce((sum, p) => sum + p, 0);
    const shares = given.map((p) => (total > 0 ? p / total : even));
    return Float64Array.from(columns, (_, k) => {
      const spread = shares.reduce((sum, p, j) => sum + p * alike[j][k], 0);
      const share = (1 - rules.alike) * shares[k] + rules.alike * spread;
      return -rules.sureness * Math.log((1 - rules.blur) * share + rules.blur * even);
    });
  });
}

interface Beginning {
  readonly node: number;
  readonly row: Float64Array;
  readonly bound: number;
}

/** Follows the trie level by level, all promising beginnings at once. */
function search(
  costs: readonly Float64Array[],
  { trie, words, rarity }: WordList,
  known: number,
  rules: WordRules,
): [Map<string, number>, Beginning[]] {
  const signs = costs.length;
  const rest = new Float64Array(signs + 1);
  for (let i = signs - 1; i >= 0; i--) rest[i] = rest[i + 1] + Math.min(...costs[i], rules.extra);
  const found = new Map<string, number>();
  const seen: Beginning[] = [];
  let best = known;
  let kept: Beginning[] = [{ node: 0, row: Float64Array.from(rest, (_, i) => rules.extra * i), bound: 0 }];
  while (kept.length) {
    const [level, before]: [Beginning[], number] = [[], best];
    for (const { node, row } of kept) {
      for (let below = trie.first[node]; below < trie.first[node] + trie.children[node]; below++) {
        const letter = trie.letter[below];
        const missing = letter === trie.letter[node] ? rules.double : rules.missing;
        const after = row.map((cost) => cost + missing);
        let bound = after[0] + rest[0];
        for (let i = 1; i <= signs; i++) {
          after[i] = Math.min(after[i], row[i - 1] + costs[i - 1][letter], after[i - 1] + rules.extra);
          bound = Math.min(bound, after[i] + rest[i]);
        }
        const end = trie.ends[below];
        const whole = end < 0 ? Infinity : after[signs] + rules.frequency * rarity[end];
        if (whole <= before + MARGIN) {
          found.set(words[end], whole);
          best = Math.min(best, whole);
        }
        level.push({ node: below, row: after, bound: bound + rules.frequency * trie.cheapest[below] });
      }
    }
    const most = level.reduce((least, one) => Math.min(least, one.bound), best) + MARGIN;
    kept = level.filter((one) => one.bound <= most);
    if (kept.length > MOST_NODES) kept = kept.sort((a, b) => a.bound - b.bound).slice(0, MOST_NODES);
    seen.push(...kept);
  }
  return [found, seen];
}

/** Returns the likeliest words that begin like the signs and have more letters. */
function completionsOf(
  seen: readonly Beginning[],
  { trie, words, rarity }: WordList,
  signs: number,
  rules: WordRules,
): Proposal[] {
  const costOf = ({ row }: Beginning) => row[row.length - 1];
  const boundOf = (one: Beginning) => costOf(one) + rules.frequency * trie.cheapest[one.node];
  const start = new Map<number, number>();
  for (const one of [...seen].sort((a, b) => boundOf(a) - boundOf(b)).slice(0, MOST_BEGINNINGS)) {
    for (let i = trie.low[one.node]; i < trie.high[one.node]; i++) {
      if (words[i].length > signs) start.set(i, Math.min(start.get(i) ?? Infinity, costOf(one)));
    }
  }
  const there = [...start.keys()].sort((a, b) => a - b);
  const whole = there.map((i) => start.get(i)! + rules.frequency * rarity[i]);
  const least = whole.reduce((a, b) => Math.min(a, b), Infinity) + MARGIN;
  const best = there.flatMap((_, k) => (whole[k] <= least ? [k] : []));
  return likeliest(best.map((k) => words[there[k]]), best.map((k) => whole[k]), rules);
}

/** Returns the words of the least costs; their probabilities are the softmax over all. */
function likeliest(words: readonly string[], costs: readonly number[], rules: WordRules): Proposal[] {
  const least = costs.reduce((a, b) => Math.min(a, b), 0 + (costs[0] ?? 0));
  const weights = costs.map((cost) => Math.exp(least - cost));
  const sum = weights.reduce((a, b) => a + b, 0);
  return words
    .map((word, i) => ({ word, probability: weights[i] / sum }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, rules.proposals);
}
