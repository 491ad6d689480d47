/** Icons of 24 × 24, drawn for this page, in one line width. */

const PATHS = {
  hand: "M8 12V6.5a1.5 1.5 0 0 1 3 0V11V4.5a1.5 1.5 0 0 1 3 0V11V6a1.5 1.5 0 0 1 3 0v8.5a6 6 0 0 1-6 6h-.6a6 6 0 0 1-4.7-2.3L3.6 14.6a1.5 1.5 0 0 1 2.3-1.9L8 14.5V12",
  target: "M12 3v3M12 18v3M3 12h3M18 12h3M12 7a5 5 0 1 0 0 10a5 5 0 0 0 0-10M12 11.9v.2",
  picture: "M4 5h16v14H4zM4 16l4.5-4.5l4 4l2.5-2.5l5 5M15.5 9.4v.2",
  collect: "M4 8h3l1.5-2.5h7L17 8h3v11H4zM12 10v6M9 13h6",
  chart: "M4 20h16M7 20v-7M12 20V5M17 20v-10",
  camera: "M4 8h3l1.5-2.5h7L17 8h3v11H4zM12 10a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7",
  off: "M3 3l18 18M9 5.5h6.5L17 8h3v9.5M17.5 19H4V8h3",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  shield: "M12 3l7 3v5c0 4.5-3 8-7 10c-4-2-7-5.5-7-10V6zM9 12l2.2 2.2L15.2 10",
  upload: "M12 16V4M7.5 8.5L12 4l4.5 4.5M4 16v4h16v-4",
  download: "M12 4v12M7.5 11.5L12 16l4.5-4.5M4 16v4h16v-4",
  space: "M4 10v5h16v-5",
  del: "M9 5h11v14H9l-6-7zM12 9.5l5 5M17 9.5l-5 5",
  clear: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  undo: "M4 9h10a5.5 5.5 0 0 1 0 11H9M8 5L4 9l4 4",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  speak: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  check: "M4.5 12.5l5 5L19.5 7",
  alert: "M12 4l9 16H3zM12 10v4.5M12 17.2v.1",
  sun: "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 2.5V4M12 20v1.5M2.5 12H4M20 12h1.5M5.3 5.3l1 1M17.7 17.7l1 1M5.3 18.7l1-1M17.7 6.3l1-1",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10",
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  sliders: "M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h7M15 17h5M13 15v4",
  next: "M5 12h14M13 6l6 6l-6 6",
  server: "M4 5h16v6H4zM4 13h16v6H4zM7.5 8v.1M7.5 16v.1",
  chip: "M7 7h10v10H7zM10 7V4M14 7V4M10 20v-3M14 20v-3M7 10H4M7 14H4M20 10h-3M20 14h-3",
  record: "M12 5a7 7 0 1 0 0 14a7 7 0 0 0 0-14M12 9.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5",
} as const;

export type Icon = keyof typeof PATHS;

export function icon(name: Icon): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
