/** Collect: pictures of one's own hand, a last layer trained on them, and a ZIP to take along. */

import type { Trained } from "../engine/api";
import type { Screen } from "./app";
import { fill, glyph, h, percent, save, say, spoken } from "./dom";
import { drop, dropHead, examples, ownHead, remember, rememberHead, type Recorded } from "./examples";
import { handOver } from "./handover";
import { hand, hasHand } from "./hands";
import { icon } from "./icons";
import { facts } from "./pictures";
import { secret } from "./settings";
import type { Stage } from "./stage";
import { ratioOf, troubleOf, type Sight, type Studio, type Trouble } from "./studio";
import { zip } from "./zip";

/** Frames that are kept: more a second are too much alike. */
const APART_S = 0.2;
/** From how many pictures of how many labels there is something to learn and to hold back. */
const LEAST = 5;
const LABELS = 2;
const GOOD = 20;

type Work = { kind: "none" } | { kind: "training" } | { kind: "done"; trained: Trained } | { kind: "failed"; trouble: Trouble }
  | { kind: "sending"; left: number } | { kind: "handed"; count: number; command: string };

export function collect(studio: Studio, stage: Stage): Screen {
  let all: Recorded[] = [];
  let label = "";
  let recording = false;
  let sinceS = 0;
  let forgets = false;
  let work: Work = { kind: "none" };
  const handed = new Set<string>();

  const slot = h("div", { class: "slot" });
  const picture = h("div", { class: "tocopy small-hand" });
  const title = h("h2", {});
  const count = h("p", { class: "quiet" });
  const record = h("button", { class: "primary record" });
  const thumbs = h("div", { class: "thumbs" });
  const live = h("p", { class: "unseen", "aria-live": "polite" });
  const grid = h("div", { class: "letters", role: "group", "aria-label": "Which sign" });
  const kept = h("p", { class: "small quiet mode" });
  const trainBox = h("section", { class: "card train", "aria-label": "Train" });
  const node = h("div", { class: "spell collect" },
    h("div", { class: "left" }, slot, kept),
    h("div", { class: "right" },
      h("section", { class: "card copycard", "aria-label": "Record" },
        h("div", { class: "copyrow" }, picture, h("div", { class: "copywords" }, title, count, record)), thumbs, live),
      h("section", { class: "card" }, h("h3", {}, "Which sign"), grid), trainBox));

  const version = (): string => {
    const contract = studio.contract.value;
    return contract ? `${contract.name} ${contract.version}` : "";
  };
  const of = (one: string): Recorded[] => all.filter((recorded) => recorded.label === one);
  /** What can be learnt from: features of this recogniser. */
  const usable = (): Recorded[] => all.filter((one) => one.features && one.of === version());

  function toggle(on: boolean): void {
    if (on && (!label || studio.camera.state.value !== "on")) return;
    if (recording === on) return;
    recording = on;
    sinceS = APART_S;
    if (!on) say(live, `${of(label).length} pictures of ${spoken(label)}`);
    stage.node.classList.toggle("recording", on);
    draw();
  }

  // Held by a pointer, pressed once and once more by the keyboard.
  record.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    record.setPointerCapture(event.pointerId);
    record.focus();
    toggle(true);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"] as const)
    record.addEventListener(name, () => toggle(false));
  record.addEventListener("contextmenu", (event) => event.preventDefault());
  record.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) toggle(!recording);
  });
  // Speech and switch controls send a click alone, without a pointer.
  record.addEventListener("click", (event) => event.detail === 0 && toggle(!recording));

  async function take({ seen, elapsedS }: Sight): Promise<void> {
    sinceS += elapsedS;
    if (!recording || sinceS < APART_S) return;
    sinceS = 0;
    const at = label;
    const photo = await studio.camera.photograph(ratioOf(studio.contract.value));
    if (!photo) return;
    const one: Recorded = { id: `${Date.now()}-${Math.random().toString(36).slice(2, 8)}`, label: at, picture: photo,
      features: seen.features?.slice() ?? null, of: version() };
    all.push(one);
    forgets ||= !(await remember(one));
    draw();
  }

  function remove(gone: readonly Recorded[]): void {
    all = all.filter((one) => !gone.includes(one));
    for (const one of gone) void drop(one.id);
    work = { kind: "none" };
    draw();
  }

  async function train(): Promise<void> {
    const contract = studio.contract.value;
    if (!contract) return;
    work = { kind: "training" };
    draw();
    try {
      const learnt = usable().map(({ label: one, features }) => ({ label: one, features: features! }));
      work = { kind: "done", trained: await studio.engine.train(learnt, contract.labels) };
    } catch (error) {
      work = { kind: "failed", trouble: troubleOf(error) };
    }
    draw();
  }

  async function use({ head }: Trained): Promise<void> {
    studio.head.set(head);
    await rememberHead({ id: "head", head, of: version(), labels: studio.contract.value?.labels ?? [] });
    draw();
  }

  function goBack(): void {
    studio.head.set(null);
    void dropHead();
    draw();
  }

  /** Sends what the server does not have yet, one after the other. */
  async function send(): Promise<void> {
    const left = all.filter((one) => !handed.has(one.id));
    try {
      let command = "";
      for (const [at, one] of left.entries()) {
        work = { kind: "sending", left: left.length - at };
        drawTraining();
        command = await handOver(one, studio.base, secret("token"));
        handed.add(one.id);
      }
      work = { kind: "handed", count: left.length, command };
    } catch (error) {
      work = { kind: "failed", trouble: troubleOf(error) };
    }
    draw();
  }

  async function download(): Promise<void> {
    const numbers = new Map<string, number>();
    const files = all.map(({ label: one, picture: content }) => {
      const number = (numbers.get(one) ?? 0) + 1;
      numbers.set(one, number);
      return { name: `my_pictures/${one}/${one}_${String(number).padStart(3, "0")}.jpg`, content };
    });
    save("my_pictures.zip", await zip(files));
  }

  /** The recogniser as it answers now, for a phone or a server. */
  async function downloadRecogniser(): Promise<void> {
    try {
      const files = await studio.engine.bundle(studio.base, studio.contract.value!, studio.head.value!);
      save("my_recogniser.zip", await zip(files.map((one) => ({ ...one, name: `my_recogniser/${one.name}` }))));
    } catch (error) {
      work = { kind: "failed", trouble: troubleOf(error) };
      draw();
    }
  }

  function draw(): void {
    const here = of(label);
    if (picture.dataset.label !== label) {
      picture.dataset.label = label;
      fill(picture, hasHand(label) ? hand(label) : h("span", { class: "letter" }, glyph(label)));
    }
    say(title, label ? `Record ${label.length > 1 ? spoken(label) : label}` : "Choose a sign");
    say(count, !here.length ? "Move your hand a little while you record: nearer, farther, turned."
      : `${here.length} picture${here.length > 1 ? "s" : ""}${here.length < GOOD ? `, ${GOOD} are good` : ": enough"}`);
    const on = studio.camera.state.value === "on" && studio.status.value.kind === "ready";
    record.disabled = !on;
    record.setAttribute("aria-pressed", String(recording));
    fill(record, icon("record"), on ? (recording ? "Recording…" : "Hold to record") : "Turn on the camera first");
    drawThumbs(here);
    const labels = studio.contract.value?.labels ?? [];
    fill(grid, ...labels.map((one) => {
      const many = of(one).length;
      const cell = h("button", { class: one === label ? "lettercell chosen" : "lettercell", "aria-pressed": String(one === label),onclick: () => { toggle(false); label = one; draw(); } },
        h("strong", {}, glyph(one)), one.length > 1 && h("span", { class: "unseen" }, spoken(one)), h("span", { class: "small" }, String(many)), h("span", { class: "unseen" }, " pictures"), h("span", { class: "bar" }, h("div", {})));
      cell.style.setProperty("--share", String(Math.min(1, many / GOOD)));
      return cell;
    }));
    drawTraining();
    fill(kept, icon("shield"), h("span", {}, h("strong", {}, "What you record stays in this browser. "),
      forgets ? "It keeps nothing when the page is left: download the pictures before." : secret("token") ? "Nothing is sent until you hand it over." : "Nothing is sent."));
  }

  const shown = new Map<string, { node: HTMLElement; url: string }>();
  function drawThumbs(here: readonly Recorded[]): void {
    const last = here.slice(-12).reverse();
    for (const [id, { url }] of shown)
      if (!last.some((one) => one.id === id)) { URL.revokeObjectURL(url); shown.delete(id); }
    for (const one of last) {
      if (shown.has(one.id)) continue;
      const url = URL.createObjectURL(one.picture);
      const button = h("button", { class: "thumb", "aria-label": "Delete this picture", title: "Delete this picture", onclick: () => remove([one]) },
        h("img", { src: url, alt: "" }), icon("clear"));
      shown.set(one.id, { node: button, url });
    }
    fill(thumbs, ...last.map((one) => shown.get(one.id)!.node),
      here.length > 0 && h("button", { class: "plain", onclick: () => remove(here) }, icon("clear"), `Delete all of ${glyph(label)}`));
  }

  function drawTraining(): void {
    const good = usable();
    const labels = [...new Set(good.map((one) => one.label))].filter((one) => good.filter((x) => x.label === one).length >= LEAST);
    const enough = labels.length >= LABELS;
    const onDevice = studio.recogniser.value?.mode !== "server";
    const why = !onDevice ? "Training needs the recogniser on this device: change that in the settings of Spell."
      : enough ? `Learns from ${good.length} pictures of ${labels.length} signs; a quarter is held back to see what it gains.`
      : `Record ${LEAST} pictures or more of ${LABELS} signs or more. You have ${labels.length}.`;
    const busy = work.kind === "training" || work.kind === "sending";
    const token = !!secret("token") && studio.contract.value?.on_server;
    const fresh = all.some((one) => !handed.has(one.id));
    fill(trainBox,
      h("div", { class: "row spread" }, h("h3", {}, "Train in the page"),
        studio.head.value && h("span", { class: "verdict yes" }, icon("check"), "Adapted to your hand")),
      h("p", { class: "small quiet" }, why),
      h("div", { class: "row" },
        h("button", { class: "primary", disabled: !enough || !onDevice || busy, onclick: () => void train() }, icon("chart"), work.kind === "training" ? "Training…" : "Train"),
        studio.head.value && h("button", { onclick: goBack }, icon("undo"), "Go back to its own"),
        studio.head.value && studio.contract.value?.bundle && h("button", { onclick: () => void downloadRecogniser() }, icon("download"), "Download the recogniser"),
        h("button", { disabled: !all.length, onclick: () => void download() }, icon("download"), "Download pictures"),
        token && h("button", { disabled: !fresh || busy, onclick: () => void send() }, icon("server"),
          work.kind === "sending" ? `${work.left} to go` : "Hand to the server")),
      work.kind === "training" && h("div", { class: "loading", role: "progressbar", "aria-label": "Training" }),
      work.kind === "failed" && facts(work.trouble),
      work.kind === "done" && outcome(work.trained),
      work.kind === "handed" && h("div", { class: "outcome" },
        h("p", { role: "status" }, `${work.count} picture${work.count > 1 ? "s were" : " was"} handed over. To train the recogniser itself, run on the server's machine:`),
        h("code", { class: "command" }, work.command)),
      all.length > 0 && !token && h("p", { class: "small quiet" }, "To train the recogniser itself, unpack the pictures and run ",
        h("code", {}, "fingerspell adapt --input_dir my_pictures")));
  }

  function outcome(trained: Trained): HTMLElement {
    const gained = trained.after > trained.before;
    const value = (name: string, share: number): HTMLElement => {
      const bar = h("div", { class: "bar" }, h("div", {}));
      bar.style.setProperty("--share", String(share));
      return h("div", { class: "beforeafter" }, h("span", {}, name), bar, h("strong", { class: "value" }, percent(share)));
    };
    const used = studio.head.value === trained.head;
    return h("div", { class: "outcome" }, value("Before", trained.before), value("After", trained.after),
      h("p", { class: "small quiet" }, `Right of ${trained.heldBack} pictures held back. ${gained ? "" : "It gained nothing: more pictures, or other ones, may help."}`),
      !used && h("button", { class: gained ? "primary" : "", onclick: () => void use(trained) }, icon("check"), "Use it"));
  }

  studio.contract.on(async (contract) => {
    if (!contract || label) return;
    label = contract.labels[0];
    draw();
    all = [...(await examples()), ...all];
    const own = await ownHead();
    // Features of another recogniser mean something else.
    if (own && own.of === version() && own.labels.join() === contract.labels.join()) studio.head.set(own.head);
    draw();
  });
  studio.camera.state.on((state) => { if (state !== "on") toggle(false); draw(); });
  studio.status.on(draw);

  return {
    name: "collect", title: "Collect", icon: "collect", node, camera: slot,
    sight: (sight) => (sight ? void take(sight) : toggle(false)),
    shown: draw,
  };
}
