/** The view of the camera: the square that is read, and over it what to do when there is none. */

import type { Square } from "../engine/api";
import { fill, h, percent, say, Signal } from "./dom";
import { icon, type Icon } from "./icons";
import { settings } from "./settings";
import { ratioOf, type Sight, type Status, type Studio } from "./studio";
import type { CameraState } from "./camera";
import { hands } from "./hands";

interface Notice {
  readonly icon: Icon;
  readonly title: string;
  readonly lines: readonly string[];
  readonly action?: string;
  /** The other thing that helps, by its name. */
  readonly other?: string;
}

/** The smallest side of a hand, a share of the view, that is worth a frame. */
const SMALLEST = 0.15;
const MOCK = "These answers come from no network: it is a stand-in for tests.";

const OF_CAMERA: Record<Exclude<CameraState, "on">, Notice> = {
  off: {
    icon: "camera",
    title: "Spell with one hand",
    lines: ["Show a letter of the ASL alphabet and hold it until it is written."],
    action: "Turn on the camera",
  },
  asking: {
    icon: "camera",
    title: "May this page use the camera?",
    lines: ["Your browser is asking. Choose “Allow”."],
  },
  denied: {
    icon: "lock",
    title: "The camera is not allowed",
    lines: [
      "Click the camera or lock beside the address, set Camera to “Allow”, and try again.",
      "No luck? Your system may block cameras: look at its privacy settings.",
    ],
    action: "Try again",
  },
  absent: {
    icon: "off",
    title: "No camera found",
    lines: ["Plug one in: it starts by itself.", "Meanwhile, pictures can be read."],
    action: "Look again",
    other: "Try pictures",
  },
  busy: {
    icon: "alert",
    title: "Another program has the camera",
    lines: ["Close the video call or the other tab that uses it, and try again."],
    action: "Try again",
  },
  insecure: {
    icon: "lock",
    title: "This address may not use a camera",
    lines: [
      "Browsers give the camera to https:// and to localhost only.",
      "On the computer that serves this page run “fingerspell serve --https” and open the address that it prints.",
    ],
    other: "Try pictures",
  },
  unsupported: {
    icon: "alert",
    title: "The camera gave no picture",
    lines: ["Try again, or open this page in a current Chrome, Edge, Firefox or Safari."],
    action: "Try again",
    other: "Try pictures",
  },
  lost: {
    icon: "off",
    title: "The camera was disconnected",
    lines: ["Plug it in again: it goes on by itself. Your text is kept."],
    action: "Try again",
  },
  muted: {
    icon: "off",
    title: "The camera sends no picture",
    lines: ["Open its cover, or end the other program that uses it."],
    action: "Try again",
  },
};

function noticeOf(camera: CameraState, status: Status, server: boolean, choice: boolean): Notice | null {
  if (status.kind === "failed" && status.locked) {
    return { icon: "lock", title: "This server asks for a key", lines: ["Whoever runs it knows one.", "This tab keeps it until it is closed."] };
  }
  if (status.kind === "failed") {
    const { found, expected, fix } = status.trouble;
    return {
      icon: "alert",
      title: "The recogniser did not start",
      lines: [`Found: ${found}`, `Expected: ${expected}`, `To mend it: ${fix}`],
      action: "Try again",
      other: choice ? (server ? "Read on this device" : "Read on the server") : undefined,
    };
  }
  if (camera !== "on") return OF_CAMERA[camera];
  if (status.kind === "ready") return null;
  const once = "About 7 MB, once; then your browser has it.";
  const lines = [server ? "Connecting to the server." : once];
  return { icon: "chip", title: "Loading the recogniser", lines };
}

export class Stage {
  readonly node: HTMLElement;
  /** A short advice at the lower rim; empty for none. */
  readonly hint = new Signal("");
  private readonly cover = h("div", { class: "cover", role: "group" });
  private readonly key = h("input", { type: "password", autocomplete: "off", "aria-describedby": "keyproblem", required: true });
  private readonly keyProblem = h("p", { class: "bad", id: "keyproblem", role: "alert" });
  private readonly keyForm = h("form", { class: "row", onsubmit: (event: Event) => {
    event.preventDefault(); // The policy forbids sending it in any other way.
    void this.studio.unlock(this.key.value.trim());
    this.key.value = "";
  } }, h("label", {}, "Key", this.key), h("button", { class: "primary" }, "Open"));
  private readonly box = h("div", { class: "handbox", hidden: true });

  constructor(
    private readonly studio: Studio,
    private readonly toPictures: () => void,
  ) {
    const hint = h("p", { class: "hint" });
    const gone = h(
      "p",
      { class: "banner", hidden: true },
      icon("server"),
      "The server is gone. Your text is kept; it goes on by itself.",
    );
    const mock = h("p", { class: "banner", hidden: true }, icon("alert"), MOCK);
    const guide = h("div", { class: "guide", "aria-hidden": "true" });
    this.node = h("section", { class: "stage", "aria-label": "Camera" },
      studio.camera.video, this.box, guide, hint, this.cover, h("div", { class: "banners" }, gone, mock));
    this.hint.on((text) => {
      say(hint, text);
      hint.hidden = !text;
    });
    studio.gone.on((now) => (gone.hidden = !now));
    studio.contract.on((contract) => {
      mock.hidden = !contract?.mock;
      this.node.style.setProperty("--ratio", String(ratioOf(contract)));
    });
    const redraw = (): void => this.draw();
    studio.camera.state.on(redraw);
    studio.status.on(redraw);
    studio.sight.on((sight) => this.mark(sight && this.sure(sight) ? sight.seen.hand : null));
  }

  /** Puts the view into a screen; a browser pauses a video that moves. */
  moveTo(place: Element): void {
    place.append(this.node);
    if (this.studio.camera.video.srcObject) void this.studio.camera.video.play().catch(() => undefined);
  }

  private draw(): void {
    const { camera, status } = this.studio;
    const contract = this.studio.contract.value;
    const choice = !!contract?.on_device && contract.on_server;
    const notice = noticeOf(camera.state.value, status.value, onServer(this.studio), choice);
    this.cover.hidden = notice === null;
    this.node.classList.toggle("live", notice === null);
    this.node.dataset.state = status.value.kind === "failed" ? "failed" : notice ? camera.state.value : "live";
    if (!notice) return;
    const first = camera.state.value === "off" && status.value.kind !== "failed";
    const loading = camera.state.value === "on" && status.value.kind === "loading" && progress(status.value.share);
    const locked = status.value.kind === "failed" && status.value.locked;
    say(this.keyProblem, locked && locked.tried ? "This server does not know that key." : "");
    fill(
      this.cover,
      first ? hands("ASL") : h("span", { class: "sign" }, icon(notice.icon)),
      h("h2", {}, notice.title),
      ...notice.lines.map((line) => h("p", {}, line)),
      ...(loading ? [loading] : []),
      ...(locked ? [this.keyForm, this.keyProblem] : []),
      h("div", { class: "row" },
        notice.action && h("button", { class: "primary", onclick: () => this.act() },
          first ? icon("camera") : null, notice.action),
        notice.other && h("button", { onclick: () => this.actOtherwise() }, notice.other)),
      first && h("p", { class: "small quiet" }, icon("shield"), promise(this.studio)),
    );
  }

  private act(): void {
    if (this.studio.status.value.kind === "failed") void this.studio.open();
    else void this.studio.camera.start(settings.value.cameraId);
  }

  private actOtherwise(): void {
    if (this.studio.status.value.kind !== "failed") return this.toPictures();
    document.dispatchEvent(new CustomEvent("elsewhere"));
  }

  /** Whether there is a hand: without one its place lies anywhere. */
  private sure({ seen }: Sight): boolean {
    const nothing = this.studio.contract.value?.labels.indexOf("nothing") ?? -1;
    return (seen.hand?.[2] ?? 0) >= SMALLEST && !(seen.probabilities[nothing] >= 0.5);
  }

  /** Frames the hand; `x`, `y` are its middle. */
  private mark(hand: Square | null): void {
    this.box.hidden = hand === null;
    if (!hand) return;
    const [x, y, side] = hand;
    this.box.style.setProperty("--x", String(1 - x)); // Mirrored, as the view is.
    this.box.style.setProperty("--y", String(y));
    this.box.style.setProperty("--side", String(side));
  }
}

/** A bar that fills; where nobody knows how far it is, one that moves. */
function progress(share: number | null): HTMLElement {
  const bar = h("div", { class: share === null ? "loading" : "bar loaded", role: "progressbar", "aria-label": "Loading" });
  if (share === null) return bar;
  bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  bar.style.setProperty("--share", String(share));
  fill(bar, h("div", {}));
  return h("div", { class: "share" }, bar, h("span", { class: "value small" }, percent(share)));
}

function onServer({ recogniser, contract }: Studio): boolean {
  if (recogniser.value) return recogniser.value.mode === "server";
  const { on_device = true, on_server = true } = contract.value ?? {};
  return on_server && (settings.value.where === "server" || !on_device);
}

/** Says what leaves this machine. */
export function promise(studio: Studio): string {
  return onServer(studio)
    ? `The square's pictures go to ${location.host} to be read; it keeps none.`
    : "No picture leaves this machine.";
}
