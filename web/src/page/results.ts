/** Results: reports of runs side by side, read in this page alone. */

import type { Screen } from "./app";
import { fill, h } from "./dom";
import { icon } from "./icons";
import { facts } from "./pictures";
import { NAME, report, type Report } from "./reports";
import { troubleOf, type Trouble } from "./studio";

const CONFUSIONS = 6;
const tenths = (share: number | null | undefined): string =>
  share === null || share === undefined ? "–" : `${(share * 100).toFixed(1)} %`;

export function results(): Screen {
  const reports: Report[] = [];
  let troubles: Trouble[] = [];

  const input = (folder: boolean): HTMLInputElement => {
    const made = h("input", { type: "file", class: "unseen", multiple: true, id: folder ? "runfolder" : "reportfiles",
      accept: folder ? null : ".json", webkitdirectory: folder,
      onchange: () => { void take([...(made.files ?? [])], folder); made.value = ""; } });
    return made;
  };
  const files = input(false);
  const folder = input(true);
  const drop = h("div", { class: "drop" }, h("span", { class: "sign" }, icon("chart")),
    h("strong", {}, "Compare runs side by side"),
    h("span", { class: "quiet" }, "Drop ", h("code", {}, NAME), " of one or more runs here, or choose them. Nothing is uploaded."),
    h("div", { class: "row" }, h("button", { class: "primary", onclick: () => files.click() }, icon("upload"), "Choose reports"),
      h("button", { onclick: () => folder.click() }, "Choose a run's folder")));
  files.tabIndex = folder.tabIndex = -1; // The buttons stand for them.
  files.setAttribute("aria-label", "Reports");
  folder.setAttribute("aria-label", "A run's folder");
  const shown = h("div", { class: "reports" });
  const node = h("div", { class: "pictures" }, files, folder, drop, shown);

  for (const name of ["dragover", "dragenter", "dragleave", "drop"] as const)
    node.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover" || name === "dragenter");
      if (name === "drop") void take([...((event as DragEvent).dataTransfer?.files ?? [])], false);
    });

  async function take(chosen: readonly File[], inFolder: boolean): Promise<void> {
    troubles = [];
    const wanted = inFolder ? chosen.filter((file) => file.name === NAME) : chosen;
    if (!wanted.length && chosen.length)
      troubles.push({ found: `a folder of ${chosen.length} files without ${NAME}`, expected: "a run's folder",
        fix: "choose the output_dir of fingerspell train, adapt or evaluate" });
    for (const file of wanted) {
      try {
        reports.push(report(nameOf(file), await file.text()));
      } catch (error) {
        troubles.push("found" in Object(error) ? (error as Trouble) : troubleOf(error));
      }
    }
    draw();
  }

  /** A run's name: its folder where that is known, else the file, numbered where it is not the first. */
  function nameOf(file: File): string {
    const path = file.webkitRelativePath.split("/");
    const base = path.length > 1 ? path.slice(0, -1).join("/") : file.name.replace(/\.json$/, "");
    const same = reports.filter((one) => one.name === base || one.name.startsWith(`${base} (`)).length;
    return same ? `${base} (${same + 1})` : base;
  }

  function draw(): void {
    drop.classList.toggle("slim", reports.length > 0);
    fill(shown,
      ...troubles.map((one) => h("article", { class: "card read bad" }, h("span", { class: "sign" }, icon("alert")), facts(one))),
      ...(reports.length ? [summary(), classes(), confusions()] : []));
  }

  function summary(): HTMLElement {
    const best = Math.max(...reports.map((one) => one.accuracy));
    return h("div", { class: "runs" }, ...reports.map((one, at) =>
      h("article", { class: "card run" },
        h("div", { class: "row spread" }, h("h3", { title: one.name }, one.name),
          h("button", { class: "plain", "aria-label": `Remove ${one.name}`, onclick: () => { reports.splice(at, 1); draw(); } }, icon("clear"))),
        h("p", { class: "big" }, tenths(one.accuracy), reports.length > 1 && one.accuracy === best
          && h("span", { class: "verdict yes" }, icon("check"), "best")),
        h("dl", { class: "facts" },
          fact("Pictures", `${one.pictures}`),
          fact("95 % interval", one.interval ? `${tenths(one.interval[0])} to ${tenths(one.interval[1])}` : "–"),
          fact("Macro F1", one.macroF1 === null ? "–" : one.macroF1.toFixed(3)),
          fact("Calibration", one.calibration === null ? "–" : `${tenths(one.calibration)} off`),
          one.accepted && fact(`From ${one.accepted.threshold} on`, `${tenths(one.accepted.coverage)} answered, ${tenths(one.accepted.accuracy)} of these right`),
          ...one.unseen.map((people) => fact("Unseen signers", `${people.name}: ${tenths(people.accuracy)}`))))));
  }

  const fact = (name: string, value: string): HTMLElement => h("div", {}, h("dt", {}, name), h("dd", {}, value));

  function classes(): HTMLElement {
    const labels = [...new Set(reports.flatMap((one) => [...one.classes.keys()]))];
    const worst = (label: string): number => Math.min(...reports.map((one) => one.classes.get(label)?.recall ?? 2));
    labels.sort((a, b) => worst(a) - worst(b));
    const cell = (one: Report, label: string): HTMLElement => {
      const score = one.classes.get(label);
      const bar = h("span", { class: "bar" }, h("span", {}));
      bar.style.setProperty("--share", String(score?.recall ?? 0));
      return h("td", {}, h("div", { class: "scored" }, bar, h("span", { class: "value" }, tenths(score?.recall))),
        h("span", { class: "small quiet" }, score ? `precision ${tenths(score.precision)} · ${score.pictures} pictures` : "not in this run"));
    };
    return h("section", { class: "card" }, h("h2", {}, "By sign, the worst first"),
      h("p", { class: "small quiet" }, "The bar is the share of a sign's pictures that were read rightly (recall)."),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "By sign" }, h("table", {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Sign"), ...reports.map((one) => h("th", { scope: "col" }, one.name)))),
        h("tbody", {}, ...labels.map((label) => h("tr", {}, h("th", { scope: "row" }, label), ...reports.map((one) => cell(one, label))))))));
  }

  function confusions(): HTMLElement {
    return h("section", { class: "card" }, h("h2", {}, "Worst confusions"),
      h("div", { class: "runs" }, ...reports.map((one) => h("div", {}, h("h3", { title: one.name }, one.name),
        one.confusions.length ? h("ol", { class: "confusions" }, ...one.confusions.slice(0, CONFUSIONS).map((pair) => h("li", {},
          h("strong", {}, pair.truth), h("span", { class: "quiet" }, "read as"), h("strong", {}, pair.answer),
          h("span", { class: "value quiet" }, `${pair.count} × · ${tenths(pair.share)}`))))
          : h("p", { class: "quiet" }, "None.")))));
  }

  draw();
  return { name: "results", title: "Results", icon: "chart", node, camera: null };
}
