/** The page: its head, the tabs, and which screen has the camera. */

import type { Engine } from "../engine/api";
import { fill, h } from "./dom";
import { icon, type Icon } from "./icons";
import { choose, keep, keepSecret, kept, settings, type Settings } from "./settings";
import { spell } from "./spell";
import { Stage } from "./stage";
import { Studio, type Sight } from "./studio";
import { pictures } from "./pictures";
import { practise } from "./practise";
import { collect } from "./collect";
import { results } from "./results";

/** One tab's content. */
export interface Screen {
  readonly name: string;
  readonly title: string;
  readonly icon: Icon;
  readonly node: HTMLElement;
  /** Where the camera's view goes; null: this screen needs none. */
  readonly camera: HTMLElement | null;
  /** Each frame while this screen is shown; null when frames end. */
  sight?(sight: Sight | null): void;
  shown?(): void;
  /** A key that no control took; true where the screen did. */
  key?(event: KeyboardEvent): boolean;
}

const THEMES: readonly [Settings["theme"], Icon, string][] = [
  ["auto", "auto", "as the system"],
  ["light", "sun", "light"],
  ["dark", "moon", "dark"],
];

function themeButton(): HTMLElement {
  const button = h("button", { class: "plain theme", onclick: () => {
    const at = THEMES.findIndex(([name]) => name === settings.value.theme);
    choose({ theme: THEMES[(at + 1) % THEMES.length][0] });
  } });
  settings.on(({ theme }) => {
    const [, name, words] = THEMES.find(([one]) => one === theme) ?? THEMES[0];
    document.documentElement.dataset.theme = theme;
    fill(button, icon(name));
    button.setAttribute("aria-label", `Colours: ${words}`);
    button.title = `Colours: ${words}`;
  });
  return button;
}

/** Returns the screen that the address names, and takes a token out of it: it stays in no history. */
function screenOf(hash: string): string {
  const [screen, token] = hash.slice(1).split("&token=");
  if (token) {
    keepSecret("token", token);
    history.replaceState(null, "", `#${screen}`);
  }
  return screen;
}

export function start(root: HTMLElement, engine: Engine): Studio {
  const studio = new Studio(engine, new URL(".", location.href));
  const stage = new Stage(studio, () => show("pictures", true));
  const screens: Screen[] = [
    spell(studio, stage), practise(studio, stage), pictures(studio), collect(studio, stage), results(),
  ];
  let current: Screen | null = null;
  let wasOn = false;

  const tabs = screens.map((screen) =>
    h("button", { role: "tab", id: `tab-${screen.name}`, "aria-controls": `screen-${screen.name}`,
      onclick: () => show(screen.name, true) }, icon(screen.icon), h("span", {}, screen.title)));
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": "Screens", onkeydown: arrows }, ...tabs);
  const panels = screens.map((screen) =>
    h("div", { role: "tabpanel", id: `screen-${screen.name}`, class: "panel", "aria-labelledby": `tab-${screen.name}`, hidden: true }, screen.node));
  fill(root,
    h("header", {}, h("h1", { class: "brand" }, icon("hand"), "Fingerspell"), list, themeButton()),
    h("main", {}, ...panels));

  function arrows(event: KeyboardEvent): void {
    const at = tabs.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    show(screens[next].name, true);
    tabs[next].focus();
  }

  function show(name: string, byHand = false): void {
    const at = Math.max(0, screens.findIndex((screen) => screen.name === name));
    const screen = screens[at];
    if (screen === current) return;
    current?.sight?.(null);
    current = screen;
    tabs.forEach((tab, one) => {
      tab.setAttribute("aria-selected", String(one === at));
      tab.tabIndex = one === at ? 0 : -1;
      panels[one].hidden = one !== at;
    });
    document.title = `${screen.title} · Fingerspell`;
    keep("screen", screen.name);
    if (byHand) history.replaceState(null, "", `#${screen.name}`);
    stage.hint.set("");
    if (screen.camera) stage.moveTo(screen.camera);
    // A screen without a camera turns it off, and one with it on again.
    if (!screen.camera) {
      wasOn ||= ["on", "asking", "muted"].includes(studio.camera.state.value);
      studio.camera.stop();
    } else if (wasOn) {
      wasOn = false;
      void studio.camera.start(settings.value.cameraId);
    }
    screen.shown?.();
  }

  studio.sight.on((sight) => current?.sight?.(sight));
  document.addEventListener("keydown", (event) => {
    const at = event.target as HTMLElement;
    const taken = at.closest("button, input, select, textarea, summary, a, [role=tab]");
    if (taken || event.ctrlKey || event.metaKey || event.altKey) return;
    if (current?.key?.(event)) event.preventDefault();
  });
  document.addEventListener("elsewhere", () =>
    choose({ where: settings.value.where === "server" ? "device" : "server" }));
  addEventListener("hashchange", () => show(screenOf(location.hash)));

  show(screenOf(location.hash) || kept("screen", "spell"));
  void studio.open();
  void startAllowed(studio, () => current?.camera !== null, () => (wasOn = true));
  return studio;
}

/** Starts the camera without a click where the person allowed it for good. */
async function startAllowed(studio: Studio, wanted: () => boolean, later: () => void): Promise<void> {
  if (!window.isSecureContext) return studio.camera.start("");
  const name = "camera" as PermissionName;
  const permission = await navigator.permissions?.query({ name }).catch(() => null);
  if (permission?.state !== "granted") return;
  if (wanted()) await studio.camera.start(settings.value.cameraId);
  else later();
}
