/** Try pictures: drop, paste or choose; the five best, the crop that was read, a table to save. */

import type { Screen } from "./app";
import { fill, glyph, h, percent, save, say, spoken } from "./dom";
import { icon } from "./icons";
import { table } from "./csv";
import { best, troubleOf, type Studio, type Trouble } from "./studio";

interface Read {
  readonly file: string;
  readonly url: string;
  readonly five: readonly { label: string; p: number }[];
  readonly crop: ImageData | null;
  readonly trouble: Trouble | null;
}

const FIVE = 5;

export function pictures(studio: Studio): Screen {
  const reads: Read[] = [];
  const input = h("input", { type: "file", accept: "image/*", multiple: true, class: "unseen", id: "files",
    onchange: () => { void take([...(input.files ?? [])]); input.value = ""; } });
  const drop = h("label", { class: "drop", for: "files" }, h("span", { class: "sign" }, icon("upload")),
    h("strong", {}, "Drop pictures here, paste one, or choose"),
    h("span", { class: "quiet" }, "One hand in each. JPEG, PNG, WebP and whatever else this browser opens."));
  const busy = h("p", { class: "small quiet", role: "status" });
  const list = h("div", { class: "reads" });
  const saveButton = h("button", { onclick: () => save("fingerspell.csv", new Blob([csv()], { type: "text/csv" })) },
    icon("download"), "Save as CSV");
  const forget = h("button", { class: "plain", onclick: () => {
    for (const read of reads.splice(0)) URL.revokeObjectURL(read.url);
    draw();
  } }, icon("clear"), "Clear all");
  let asTable = false;
  const view = h("button", { onclick: () => { asTable = !asTable; draw(); } });
  const bar = h("div", { class: "row spread" }, h("h2", {}, "Answers"), h("div", { class: "row" }, forget, view, saveButton));
  const promise = h("p", { class: "small quiet mode" });
  const node = h("div", { class: "pictures" }, h("div", { class: "droparea" }, input, drop, promise), busy, bar, list);

  for (const name of ["dragover", "dragenter", "dragleave", "drop"] as const)
    node.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover" || name === "dragenter");
      if (name === "drop") void take([...((event as DragEvent).dataTransfer?.files ?? [])]);
    });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (node.closest("[hidden]") || !files.length) return;
    event.preventDefault();
    void take(files);
  });

  let queue = Promise.resolve();
  function take(files: readonly File[]): Promise<void> {
    let left = files.length;
    for (const file of files)
      queue = queue.then(async () => {
        say(busy, `Reading ${file.name}${left > 1 ? `, ${left} to go` : ""}`);
        reads.unshift(await read(file));
        say(busy, --left ? `${left} to go` : "");
        draw();
      });
    return queue;
  }

  async function read(file: File): Promise<Read> {
    const url = URL.createObjectURL(file);
    const name = file.name || "pasted picture";
    try {
      const recogniser = await ready();
      const { probabilities, crop } = await recogniser.picture(file);
      const five = best(probabilities, recogniser.contract.labels, FIVE);
      return { file: name, url, five, crop, trouble: null };
    } catch (error) {
      return { file: name, url, five: [], crop: null, trouble: troubleOf(error) };
    }
  }

  /** The recogniser, as soon as it is loaded. */
  function ready() {
    return new Promise<NonNullable<typeof studio.recogniser.value>>((resolve, reject) => {
      const stop: (() => void)[] = [];
      const done = (): void => queueMicrotask(() => stop.forEach((end) => end()));
      stop.push(studio.status.on((status) => {
        if (status.kind === "failed") reject(status.trouble), done();
        else if (status.kind === "ready" && studio.recogniser.value) resolve(studio.recogniser.value), done();
      }));
    });
  }

  function draw(): void {
    bar.hidden = !reads.length;
    drop.classList.toggle("slim", reads.length > 0);
    view.hidden = reads.length < 2;
    fill(view, icon(asTable ? "picture" : "chart"), asTable ? "As cards" : "As a table");
    list.className = asTable ? "card" : "reads";
    if (asTable) fill(list, rows());
    else fill(list, ...reads.map((one) => (one.trouble ? failed(one, one.trouble) : answered(one))));
  }

  function answered(one: Read): HTMLElement {
    const threshold = studio.contract.value?.threshold ?? 0;
    const [top] = one.five;
    const sure = top.p >= threshold;
    const row = ({ label, p }: { label: string; p: number }, at: number): HTMLElement => {
      const bar = h("div", { class: "bar" }, h("div", {}));
      bar.style.setProperty("--share", String(p));
      return h("li", { class: at ? "" : "first" }, h("span", { "aria-label": spoken(label) }, glyph(label)), bar, h("span", { class: "value" }, percent(p)));
    };
    return h("article", { class: "card read" },
      h("div", { class: "pair" },
        h("figure", {}, h("img", { src: one.url, alt: one.file }), h("figcaption", {}, "picture")),
        one.crop && h("figure", {}, drawn(one.crop), h("figcaption", {}, "what was read"))),
      h("div", { class: "answer" },
        h("p", { class: "filename", title: one.file }, one.file),
        h("p", { class: "big" }, glyph(top.label), h("span", { class: `verdict ${sure ? "yes" : "no"}` },
          icon(sure ? "check" : "alert"), sure ? "sure" : `not sure: below ${percent(threshold)}`)),
        h("ol", { class: "five" }, ...one.five.map(row))));
  }

  /** All pictures as a table; the same is saved as CSV. */
  function rows(): HTMLElement {
    const threshold = studio.contract.value?.threshold ?? 0;
    const heads = ["Picture", "File", "Answer", "How sure", "Then"];
    const body = reads.map((one) => {
      const [top, ...others] = one.five;
      const name = h("td", {}, h("div", { class: "filename", title: one.file }, one.file));
      if (!top) return h("tr", {}, h("td", {}, icon("alert")), name,
        h("td", { colspan: 3 }, h("div", { class: "small found" }, `${one.trouble?.found}. To mend it: ${one.trouble?.fix}`)));
      const sure = top.p >= threshold;
      return h("tr", {}, h("td", {}, h("img", { src: one.url, alt: "" })), name, h("td", {}, h("strong", {}, glyph(top.label))),
        h("td", {}, h("span", { class: `verdict ${sure ? "yes" : "no"}` }, icon(sure ? "check" : "alert"), percent(top.p))),
        h("td", { class: "small quiet value" }, others.slice(0, 3).map(({ label, p }) => `${glyph(label)} ${percent(p)}`).join(" · ")));
    });
    return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Answers" }, h("table", { class: "answers" },
      h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, ...body)));
  }

  function failed(one: Read, trouble: Trouble): HTMLElement {
    return h("article", { class: "card read bad" }, h("span", { class: "sign" }, icon("alert")),
      h("div", { class: "answer" }, h("p", { class: "filename" }, one.file), facts(trouble)));
  }

  function drawn(crop: ImageData): HTMLElement {
    const canvas = h("canvas", { width: crop.width, height: crop.height, role: "img", "aria-label": "The crop that was read" });
    canvas.getContext("2d")!.putImageData(crop, 0, 0);
    return canvas;
  }

  function csv(): string {
    const head = ["file", ...Array.from({ length: FIVE }, (_, at) => [`label_${at + 1}`, `probability_${at + 1}`]).flat(), "problem"];
    const rows = reads.map((one) => [
      one.file,
      ...Array.from({ length: FIVE }, (_, at) => [one.five[at]?.label ?? "", one.five[at]?.p.toFixed(4) ?? ""]).flat(),
      one.trouble ? `${one.trouble.found}; expected ${one.trouble.expected}; ${one.trouble.fix}` : "",
    ]);
    return table([head, ...rows]);
  }

  studio.recogniser.on((recogniser) => fill(promise, icon("shield"),
    recogniser?.mode === "server" ? `Pictures go to ${location.host} to be read; it keeps none.` : "No picture leaves this machine."));
  draw();
  return { name: "pictures", title: "Try pictures", icon: "picture", node, camera: null };
}

/** What was found, what was expected and how to mend it, as a list. */
export function facts(trouble: Trouble): HTMLElement {
  const line = (name: string, words: string): HTMLElement => h("div", {}, h("dt", {}, name), h("dd", {}, words));
  return h("dl", { class: "facts" }, line("Found", trouble.found), line("Expected", trouble.expected), line("To mend it", trouble.fix));
}
