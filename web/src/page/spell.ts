/** Spell: the letter now, the text, and what may be done with both. */

import type { Session, Speller, Words } from "../engine/api";
import { fill, glyph, h, percent, say, spoken } from "./dom";
import { icon, type Icon } from "./icons";
import { controls } from "./controls";
import { keep, kept, ownRules, settings } from "./settings";
import { promise, type Stage } from "./stage";
import { best, type Sight, type Studio } from "./studio";
import type { Screen } from "./app";

const DARK = 0.13;
const UNDO_MS = 8000;
const PROPOSED = 4;
const LEAST_PROBABLE = 0.05;

/** What to do when a frame says nothing; empty while all is well. */
export function advice(sight: Sight, labels: readonly string[], threshold: number): string {
  const [top, second] = best(sight.seen.probabilities, labels, 2);
  if (sight.seen.brightness < DARK) return "Too dark. Turn on a light in front of you.";
  if (top.label === "nothing" && top.p >= threshold) return "No hand. Hold one up, palm to the camera.";
  if (top.p >= threshold) return "";
  if (sight.seen.hand && sight.seen.hand[2] < 0.22) return "No clear hand. Hold one up, nearer.";
  const rival = second && second.label !== "nothing" && top.label !== "nothing";
  return rival ? `Not sure: ${glyph(top.label)} or ${glyph(second.label)}? Hold still, or turn the palm.`
    : "Not sure. Hold still, palm to the camera.";
}

export function spell(studio: Studio, stage: Stage): Screen {
  let speller: Speller | null = null;
  let undo = "";
  let words: Words | null = null;
  let asked = 0;
  let told = "";

  const slot = h("div", { class: "slot" });
  const letter = h("span", { class: "letter" }, icon("hand"));
  const ring = h("div", { class: "ring", "aria-hidden": "true" }, letter);
  const name = h("p", { class: "name" }, "Waiting for a hand");
  const sure = meter("sure");
  const rival = meter("rival");
  const now = h("section", { class: "card now", "aria-label": "The letter now" },
    ring, h("div", { class: "measures" }, name, sure.node, rival.node));

  const written = h("p", { class: "written", tabindex: "0", "aria-label": "Your text" });
  const live = h("p", { class: "unseen", "aria-live": "polite", id: "committed" });
  const suggestions = h("div", { class: "suggestions", role: "group", "aria-label": "Words" });
  const button = (text: string, name: Icon, act: () => void): HTMLButtonElement =>
    h("button", { onclick: act }, icon(name), h("span", {}, text));
  const clear = button("Clear", "clear", () => (undo ? restore() : wipe()));
  const copy = button("Copy", "copy", () => void copied());
  const speak = button("Speak", "speak", () => aloud());
  const keys = h("div", { class: "keys" },
    button("Space", "space", () => type("space")), button("Delete", "del", () => type("del")), clear, copy, speak);
  const text = h("section", { class: "card text", "aria-label": "Text" }, written, suggestions, keys, live);

  const mode = h("p", { class: "small quiet mode" });
  const panel = controls(studio);
  const node = h("div", { class: "spell" },
    h("div", { class: "left" }, slot, mode),
    h("div", { class: "right" }, now, text, panel));

  function meter(kind: string): { node: HTMLElement; set(label: string, p: number): void } {
    const of = h("span", {});
    const value = h("span", { class: "value" });
    const bar = h("div", { class: "bar" }, h("div", {}));
    const node = h("div", { class: `meter ${kind}` }, of, value, bar);
    return {
      node,
      set(label, p) {
        say(of, label);
        say(value, label ? percent(p) : "");
        bar.style.setProperty("--share", String(label ? p : 0));
      },
    };
  }

  function write(session: Session, said = ""): void {
    const words = session.text.replace(/ $/, "\u00a0");
    const caret = h("span", { class: "caret", "aria-hidden": "true" });
    const coming = session.shown && session.shown !== session.counted && session.progress > 0
      ? h("span", { class: "coming", "aria-hidden": "true" }, glyph(session.shown)) : null;
    const empty = !session.text && h("span", { class: "empty" }, "Your text appears here.");
    fill(written, words, coming, caret, empty);
    written.scrollTop = written.scrollHeight;
    if (said) say(live, said);
    for (const one of [copy, speak]) one.disabled = !session.text.trim();
    clear.disabled = !session.text && !undo;
    if (session.text !== told) void propose();
    told = session.text;
    keep("text", session.text);
  }

  function type(label: string): void {
    if (!speller) return;
    forgetUndo();
    write(speller.type(label), spoken(label));
  }

  function wipe(): void {
    if (!speller) return;
    undo = speller.session.text;
    write(speller.clear(), "cleared");
    fill(clear, icon("undo"), h("span", {}, "Undo"));
    clear.disabled = false;
    setTimeout(() => { if (undo) { forgetUndo(); if (speller) write(speller.session); } }, UNDO_MS);
  }

  function forgetUndo(): void {
    undo = "";
    fill(clear, icon("clear"), h("span", {}, "Clear"));
  }

  function restore(): void {
    const before = undo;
    forgetUndo();
    retype(before);
  }

  /** Writes a whole text as keys do. */
  function retype(words: string): void {
    if (!speller) return;
    for (const one of words) speller.type(one === " " ? "space" : one);
    write(speller.session);
  }

  /** Asks for words that the letters may mean; without the list the row stays empty. */
  async function propose(): Promise<void> {
    const turn = ++asked;
    const found = speller?.session.text ? await words?.of(speller).catch(() => undefined) : undefined;
    if (turn !== asked) return;
    const worth = found?.proposals.filter(({ probability }) => probability >= LEAST_PROBABLE) ?? [];
    // Letters that were read wrongly are the proposals' business: completions go on from what stands.
    const longer = found?.completions.filter(({ word }) => word.startsWith(found.letters)) ?? [];
    const likely = [...worth, ...longer].map(({ word }) => word);
    studio.words.set([...new Set(likely)].filter((one) => one !== found?.letters).slice(0, PROPOSED));
  }

  /** Puts a word and a blank where the last word stands. */
  function complete(word: string): void {
    if (!speller) return;
    const { text: before } = speller.session;
    speller.clear();
    retype(`${before.slice(0, before.trimEnd().lastIndexOf(" ") + 1)}${word} `);
  }

  async function copied(): Promise<void> {
    const words = speller?.session.text ?? "";
    const done = await navigator.clipboard?.writeText(words).then(() => true, () => false);
    if (!done) getSelection()?.selectAllChildren(written); // Ctrl+C does the rest.
    flash(copy, done ? "Copied" : "Press Ctrl+C", "copy", "Copy");
  }

  function aloud(): void {
    if (!("speechSynthesis" in window)) return flash(speak, "No voice here", "speak", "Speak");
    speechSynthesis.cancel();
    const words = new SpeechSynthesisUtterance((speller?.session.text ?? "").toLowerCase());
    words.lang = "en";
    speechSynthesis.speak(words);
  }

  function flash(at: HTMLButtonElement, words: string, name: Icon, after: string): void {
    fill(at, icon("check"), h("span", {}, words));
    setTimeout(() => fill(at, icon(name), h("span", {}, after)), 1800);
  }

  function blank(): void {
    if (!letter.firstElementChild) fill(letter, icon("hand"));
  }

  function rest(): void {
    blank();
    say(name, "Waiting for a hand");
    ring.style.setProperty("--progress", "0");
    now.classList.remove("certain");
    sure.set("", 0);
    rival.set("", 0);
    stage.hint.set("");
  }

  function show(sight: Sight): void {
    const contract = studio.contract.value;
    if (!contract || !speller) return;
    const before = speller.session;
    const session = speller.step(sight.seen, sight.elapsedS);
    const [top, second] = best(sight.seen.probabilities, contract.labels, 2);
    const hint = advice(sight, contract.labels, contract.threshold);
    stage.hint.set(hint);
    const none = top.label === "nothing";
    if (none) blank();
    else say(letter, glyph(top.label));
    say(name, none ? "No sign" : hint.startsWith("Not sure") ? "Not sure yet" : top.label.length > 1 ? spoken(top.label) : `Letter ${top.label}`);
    now.classList.toggle("certain", !none && top.p >= contract.threshold);
    sure.set(none ? "" : "sure", top.p);
    rival.set(none || !second ? "" : `or ${glyph(second.label)}`, second?.p ?? 0);
    ring.style.setProperty("--progress", String(session.counted ? 1 : session.progress));
    ring.classList.toggle("written-now", session.counted !== null);
    if (session.counted !== null || session.text !== before.text) forgetUndo();
    if (session.counted !== null && session.counted !== before.counted) write(session, spoken(session.counted));
    else if (session.shown !== before.shown || session.text !== before.text || !!session.progress !== !!before.progress) write(session);
  }

  function tellMode(): void {
    mode.hidden = studio.camera.state.value !== "on"; // Elsewhere the view itself says it.
    const what = { wasm: "On this device", webgpu: "On this device, by its GPU", server: "On the server" };
    const how = studio.recogniser.value ? what[studio.recogniser.value.mode] : "";
    const quick = studio.camera.state.value === "on" && studio.fps.value
      ? `${Math.round(studio.fps.value)} frames a second` : "";
    const own = studio.head.value ? "adapted to your hand" : "";
    const whole = (part: string): string => part.replaceAll(" ", "\u00a0"); // It breaks between parts.
    const line = [how, quick, own].filter(Boolean).map(whole).join(" · ");
    const words = `${promise(studio)} ${line}`;
    if (mode.textContent === words) return; // It is asked at each frame.
    fill(mode, icon(studio.recogniser.value?.mode === "server" ? "server" : "shield"),
      h("span", {}, h("strong", {}, promise(studio)), ` ${line}`));
  }

  studio.contract.on((contract) => {
    if (!contract || speller) return;
    speller = studio.engine.speller(contract);
    apply();
    retype(kept("text", ""));
  });
  function apply(): void {
    const own = ownRules(studio.contract.value);
    const { needS, openProbability } = settings.value;
    speller?.configure({ needS: needS ?? own.needS, openProbability: openProbability ?? own.openProbability });
  }
  settings.on(apply);
  studio.status.on(async ({ kind }) => {
    const contract = studio.contract.value;
    if (kind !== "ready" || words || !contract) return;
    words = await studio.engine.words(studio.base, contract).catch(() => null);
    void propose();
  });
  studio.words.on((all) => fill(suggestions, ...all.map((one) =>
    h("button", { class: "chip", onclick: () => complete(one) }, one))));
  studio.recogniser.on(tellMode);
  studio.head.on(tellMode);
  studio.camera.state.on(tellMode);
  studio.fps.on(tellMode);
  fill(written, h("span", { class: "caret" }), h("span", { class: "empty" }, "Your text appears here."));

  return {
    name: "spell", title: "Spell", icon: "hand", node, camera: slot,
    sight: (sight) => (sight ? show(sight) : rest()),
    key(event) {
      if (event.key === " ") type("space");
      else if (event.key === "Backspace") type("del");
      else return false;
      return true;
    },
  };
}
