import type { Screen } from "./app";
import { h } from "./dom";
import type { Stage } from "./stage";
import type { Studio } from "./studio";
export function practise(_s: Studio, _t: Stage): Screen {
  const slot = h("div", { class: "slot" });
  return { name: "practise", title: "Practise", icon: "target", node: h("div", {}, slot), camera: slot };
}
