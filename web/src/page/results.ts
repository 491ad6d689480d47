import type { Screen } from "./app";
import { h } from "./dom";
export function results(): Screen {
  return { name: "results", title: "Results", icon: "chart", node: h("div", {}), camera: null };
}
