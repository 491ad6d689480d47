/** Pictures of synthetic hands to copy; J and Z are short films. */

import { h } from "./dom";
import { settings } from "./settings";
import { spoken } from "./dom";

const FRAMES = 8;
const STEP_MS = 140;
const HOLD = 5; // Steps that the last frame stays.

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** What the hand does; where fingers hide each other a picture alone says too little. */
export const WORDS: Record<string, string> = {
  A: "A fist, the thumb upright beside the index finger.",
  B: "Four fingers up and together, the thumb across the palm.",
  C: "All fingers and the thumb curved, as round a cup.",
  D: "The index finger up, the others round to the thumb.",
  E: "The fingertips bent down to the thumb, which lies under them.",
  F: "Index finger and thumb touch, the other three stand up.",
  G: "Index finger and thumb point sideways, a little apart.",
  H: "Index and middle finger point sideways, together.",
  I: "A fist with the little finger up.",
  J: "Start as I, then draw a J: down, and hook.",
  K: "Index and middle finger up in a V, the thumb between them.",
  L: "Index finger up, thumb out: an L.",
  M: "The thumb under three fingers.",
  N: "The thumb under two fingers.",
  O: "All fingertips meet the thumb in a round O.",
  P: "As K, but pointing down and sideways.",
  Q: "As G, but pointing down.",
  R: "Index and middle finger crossed.",
  S: "A fist, the thumb across the front.",
  T: "A fist, the thumb between index and middle finger.",
  U: "Index and middle finger up, together.",
  V: "Index and middle finger up, apart.",
  W: "Three fingers up, apart.",
  X: "The index finger bent like a hook.",
  Y: "Thumb and little finger out, the others closed.",
  Z: "Point with the index finger and draw a Z.",
  space: "An open hand, lying: palm up, thumb apart.",
  del: "A bent hand that points down.",
};

export const hasHand = (label: string): boolean => label in WORDS;
const moves = (label: string): boolean => label === "J" || label === "Z";

/** Returns a picture of a sign; the person's right hand is seen as in a mirror. */
export function hand(label: string): HTMLElement {
  const frame = h("div", {
    class: `handpicture${moves(label) ? " film" : ""}`,
    role: "img",
    "aria-label": `A hand that signs ${spoken(label)}. ${WORDS[label] ?? ""}`,
  });
  frame.classList.toggle("mirrored", settings.value.hand === "right");
  const picture = h("img", { src: `hands/${label}.webp`, alt: "", draggable: "false" });
  frame.append(picture);
  if (moves(label)) play(frame, picture);
  return frame;
}

/** Steps through a strip while it is on the page; without motion its last frame stands. */
function play(frame: HTMLElement, picture: HTMLElement): void {
  const show = (at: number): void => picture.style.setProperty("--frame", String(at));
  show(FRAMES - 1);
  if (still.matches) return;
  let step = 0;
  const timer = setInterval(() => {
    if (step > 1 && !frame.isConnected) return clearInterval(timer);
    show(Math.min(step++ % (FRAMES + HOLD), FRAMES - 1));
  }, STEP_MS);
}

/** Returns a word as a row of hands, each over its letter. */
export function hands(word: string): HTMLElement {
  const cells = [...word].map((letter) => h("figure", {}, hand(letter), h("figcaption", {}, letter)));
  return h("div", { class: "hands", "aria-hidden": "true" }, ...cells);
}
