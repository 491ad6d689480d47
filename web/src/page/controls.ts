/** The controls of the Spell screen; each says what it does. */

import { fill, h, say } from "./dom";
import { icon } from "./icons";
import { allowed, choose, ownRules, settings, USUAL, type Settings } from "./settings";
import type { Studio } from "./studio";

let made = 0;

function field(title: string, help: string, control: HTMLElement, value?: HTMLElement): HTMLElement {
  const id = `control${++made}`;
  control.setAttribute("aria-describedby", `${id}help`);
  if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement) control.id = id;
  const head = control.id ? h("label", { for: id }, title) : h("span", { id: `${id}name`, class: "label" }, title);
  if (!control.id) control.setAttribute("aria-labelledby", `${id}name`);
  return h("div", { class: "field" }, h("div", { class: "fieldhead" }, head, value), control,
    h("p", { class: "small quiet", id: `${id}help` }, help));
}

function slider(
  title: string, help: string, least: number, most: number, step: number,
  now: () => number, words: (value: number) => string, set: (value: number) => void,
): HTMLElement {
  const value = h("output", { class: "value" });
  const input = h("input", { type: "range", min: least, max: most, step });
  input.addEventListener("input", () => set(Number(input.value)));
  const draw = (): void => {
    input.value = String(now());
    say(value, words(now()));
    input.setAttribute("aria-valuetext", words(now()));
    input.style.setProperty("--share", String((now() - least) / (most - least)));
  };
  settings.on(draw);
  input.addEventListener("own", draw);
  return field(title, help, input, value);
}

function segments<T extends string>(
  title: string, help: string, choices: readonly (readonly [T, string])[],
  now: () => T, set: (value: T) => void,
): HTMLElement {
  const name = `choice${++made}`;
  const group = h("div", { class: "segments", role: "radiogroup" });
  for (const [value, words] of choices) {
    const input = h("input", { type: "radio", name, value, onchange: () => set(value) });
    group.append(h("label", {}, input, h("span", {}, words)));
    settings.on(() => (input.checked = now() === value));
  }
  return field(title, help, group);
}

export function controls(studio: Studio): HTMLElement {
  const own = (): { needS: number; openProbability: number } => ownRules(studio.contract.value);
  const chosen = h("input", { type: "text", value: settings.value.chosen, spellcheck: "false", autocapitalize: "characters" });
  const said = h("p", { class: "small" });
  chosen.addEventListener("input", () => choose({ chosen: chosen.value }));
  const which = h("div", { class: "field" },
    h("label", { class: "small", for: "chosenletters" }, "Letters, such as A-I K-Y space"), chosen, said);
  chosen.id = "chosenletters";
  const camera = h("select", {}, h("option", { value: "" }, "Any"));
  camera.addEventListener("change", () => {
    choose({ cameraId: camera.value });
    void studio.camera.start(camera.value);
  });
  const cameraField = field("Camera", "Which camera looks at you.", camera);
  const need = slider("Hold time", "How long a sign is held before it is written. Longer: fewer slips. Shorter: quicker.",
    0.05, 1, 0.05, () => settings.value.needS ?? own().needS, (x) => `${x.toFixed(2)} s`, (needS) => choose({ needS }));
  const open = slider("Certainty", "How sure the first letter of a word must be. Lower it if nothing is written, raise it if too much is.",
    0.5, 0.99, 0.01, () => settings.value.openProbability ?? own().openProbability, (x) => `${Math.round(x * 100)} %`,
    (openProbability) => choose({ openProbability }));
  const letters = segments("Signs", "Letters only: the signs for space and delete are never written by the hand.",
    [["all", "All"], ["letters", "Letters only"], ["chosen", "Choose"]] as const,
    () => settings.value.letters, (value: Settings["letters"]) => choose({ letters: value }));
  const hand = segments("Your hand", "Both are read alike. Pictures to copy are shown for this one, as in a mirror.",
    [["left", "Left"], ["right", "Right"]] as const, () => settings.value.hand,
    (value: Settings["hand"]) => choose({ hand: value }));
  const where = segments("Pictures are read", "On this device nothing leaves it. A server helps a slow one: the square's pictures go to it.",
    [["device", "On this device"], ["server", "On the server"]] as const, () => settings.value.where,
    (value: Settings["where"]) => choose({ where: value }));
  settings.on((choice) => {
    which.hidden = choice.letters !== "chosen";
    const labels = studio.contract.value?.allowed ?? [];
    const some = allowed(choice, labels);
    say(said, some ? `Only ${some.filter((x) => x !== "nothing").join(" ")}` : "None of these is known: all signs are read.");
  });
  studio.contract.on((contract) => {
    where.hidden = !contract?.on_device || !contract.on_server; // There is nothing to choose.
    settings.set(settings.value); // Draws its own numbers.
  });
  studio.camera.state.on((state) => {
    if (state !== "on") return;
    void studio.camera.all().then((devices) => {
      cameraField.hidden = devices.length < 2;
      fill(camera, h("option", { value: "" }, "Any"), ...devices.map((device, at) =>
        h("option", { value: device.deviceId, selected: device.deviceId === settings.value.cameraId }, device.label || `Camera ${at + 1}`)));
    });
  });
  cameraField.hidden = true;
  const { needS, openProbability, letters: all, chosen: list, hand: side, where: place } = USUAL;
  const back = h("button", { class: "plain", onclick: () => {
    choose({ needS, openProbability, letters: all, chosen: list, hand: side, where: place });
    chosen.value = list;
  } }, icon("undo"), "As it was");
  return h("details", { class: "card controls" },
    h("summary", {}, icon("sliders"), h("span", {}, "Settings"), h("span", { class: "small quiet" }, "hold time, certainty, signs, hand")),
    h("div", { class: "fields" }, need, open, h("div", {}, letters, which), hand, where, cameraField), back);
}
