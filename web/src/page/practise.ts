/** Practise: a letter or a word to sign, with a hand to copy, and a score for each letter. */

import type { Speller } from "../engine/api";
import type { Screen } from "./app";
import { fill, h, say, spoken } from "./dom";
import { hand, hasHand, WORDS } from "./hands";
import { icon } from "./icons";
import { Scores } from "./score";
import { keep, kept, settings } from "./settings";
import { advice } from "./spell";
import type { Stage } from "./stage";
import type { Sight, Studio } from "./studio";

const TO_SPELL = [
  "HELLO", "BOOK", "CAT", "LOVE", "MILK", "QUICK", "JAZZ", "FRIEND", "WATER", "BOX", "VERY", "GARDEN",
  "PHONE", "SUNDAY", "THANKS",
];
const PRAISE_MS = 900;
const HARDEST = 5;

/** A stroke begins as the still of another letter. */
const BEGINS: Record<string, string> = { J: "I", Z: "D" };

type Way = "letters" | "words";

export function practise(studio: Studio, stage: Stage): Screen {
  const scores = new Scores();
  let way: Way = kept<Way>("practise", "letters");
  let speller: Speller | null = null;
  let word = "";
  let at = 0;
  let waitedS = 0;
  let praising = false;

  const slot = h("div", { class: "slot" });
  const picture = h("div", { class: "tocopy" });
  const target = h("h2", { class: "target" });
  const words = h("p", { class: "quiet" });
  const spelled = h("p", { class: "spelled" });
  const verdict = h("p", { class: "verdict yes", hidden: true });
  const live = h("p", { class: "unseen", "aria-live": "polite" });
  const ways = h("div", { class: "segments", role: "radiogroup", "aria-label": "What to practise" });
  for (const [value, text] of [["letters", "Letters"], ["words", "Words"]] as const)
    ways.append(h("label", {}, h("input", { type: "radio", name: "way", value, checked: value === way,
      onchange: () => { way = value; keep("practise", way); next(); } }), h("span", {}, text)));
  const skip = h("button", { onclick: () => { scores.skipped(word[at]); next(); } }, icon("next"), "Skip");
  const hardest = h("button", { onclick: () => aim(pick(HARDEST)) }, icon("target"), "Something hard");
  const grid = h("div", { class: "letters", role: "group", "aria-label": "Score by letter" });
  const forget = h("button", { class: "plain", onclick: () => { scores.forget(); draw(); } }, icon("clear"), "Forget the scores");
  const card = h("section", { class: "card copycard", "aria-label": "To sign" },
    ways, h("div", { class: "copyrow" }, picture, h("div", { class: "copywords" }, target, words, verdict)),
    spelled, h("div", { class: "row" }, skip, hardest), live);
  const node = h("div", { class: "spell practise" },
    h("div", { class: "left" }, slot, h("p", { class: "small quiet mode" }, icon("shield"),
      h("span", {}, "Scores stay in this browser."))),
    h("div", { class: "right" }, card, h("section", { class: "card" },
      h("div", { class: "row spread" }, h("h3", {}, "Your letters"), forget),
      h("p", { class: "small quiet" }, "How often each was right, and how well you know it. Choose one to practise it."), grid)));

  const known = (): readonly string[] => (studio.contract.value?.allowed ?? []).filter((x) => x.length === 1 && hasHand(x));

  /** One of the `many` hardest, never the one before. */
  function pick(many: number): string {
    const others = scores.hardest(known().filter((label) => label !== word[at]));
    return others[Math.floor(Math.random() * Math.min(many, others.length))] ?? "";
  }

  function next(): void {
    if (way === "letters") return aim(pick(known().length / 2));
    const fits = TO_SPELL.filter((one) => one !== word && [...one].every((x) => known().includes(x)));
    const hard = (one: string): number => Math.max(...[...one].map((x) => scores.hardness(x)));
    const sorted = fits.sort((a, b) => hard(b) - hard(a));
    aim(sorted[Math.floor(Math.random() * Math.min(6, sorted.length))] ?? "");
  }

  function aim(at_: string): void {
    word = at_;
    at = 0;
    begin();
  }

  /** Starts on the letter that is next: what was seen before does not count for it. */
  function begin(): void {
    speller?.clear();
    waitedS = 0;
    praising = false;
    verdict.hidden = true;
    draw();
  }

  function draw(): void {
    const label = word[at];
    card.classList.remove("right-now");
    if (!label) return;
    fill(picture, hand(label));
    say(target, `Sign ${label}`);
    say(words, WORDS[label] ?? "");
    spelled.hidden = word.length < 2;
    fill(spelled, ...[...word].map((one, place) =>
      h("span", { class: place < at ? "done" : place === at ? "now" : "" }, one)));
    const best = Math.max(1, ...known().map((one) => scores.of(one).right));
    fill(grid, ...known().map((one) => {
      const { right, skipped } = scores.of(one);
      const cell = h("button", { class: one === label ? "lettercell chosen" : "lettercell", "aria-pressed": String(one === label),onclick: () => aim(one) },
        h("strong", {}, one), h("span", { class: "small" }, String(right)), h("span", { class: "unseen" }, ` times right${skipped ? `, ${skipped} skipped` : ""}`), h("span", { class: "bar" }, h("div", {})));
      cell.style.setProperty("--share", String(right ? Math.max(0.1, (1 - scores.hardness(one)) * Math.min(1, right / Math.min(best, 5))) : 0));
      return cell;
    }));
  }

  function show(sight: Sight): void {
    const contract = studio.contract.value;
    if (!contract || !speller || !word) return;
    waitedS += sight.elapsedS;
    const session = speller.step(sight.seen, sight.elapsedS);
    stage.hint.set(praising ? "" : advice(sight, contract.labels, contract.threshold));
    if (praising || session.counted === null) return;
    if (session.counted === word[at]) return hit();
    const wrong = session.counted;
    if (wrong.length > 1 || BEGINS[word[at]] === wrong) return;
    verdict.hidden = false;
    verdict.className = "verdict no";
    fill(verdict, icon("alert"), `That looks like ${wrong}`);
  }

  function hit(): void {
    praising = true;
    scores.right(word[at], waitedS);
    card.classList.add("right-now");
    verdict.hidden = false;
    verdict.className = "verdict yes";
    fill(verdict, icon("check"), "Right!");
    say(live, `${spoken(word[at])} is right`);
    setTimeout(() => {
      if (!praising) return;
      if (++at < word.length) begin();
      else next();
    }, PRAISE_MS);
  }

  studio.contract.on((contract) => {
    if (!contract || speller) return;
    const rules = contract.rules as { readonly evidence: object };
    const evidence = { ...rules.evidence, vouched: "" }; // Here a D is asked for alone.
    speller = studio.engine.speller({ ...contract, rules: { ...rules, evidence } });
    next();
  });
  let side = settings.value.hand;
  settings.on(({ hand: now }) => {
    if (now !== side) draw();
    side = now;
  });
  return {
    name: "practise", title: "Practise", icon: "target", node, camera: slot,
    sight: (sight) => (sight ? show(sight) : stage.hint.set("")),
  };
}
