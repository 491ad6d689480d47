/** A helper for elements: attributes, `on…` listeners and children in one call. */

export type Child = Node | string | null | undefined | false;
type Props = Record<string, unknown>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value as EventListener);
    else if (typeof value === "boolean") node.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  return fill(node, ...children);
}

/** Puts other children into a node and returns it. */
export function fill<N extends Element>(node: N, ...children: Child[]): N {
  node.replaceChildren(...children.filter((x): x is Node | string => !!x || x === ""));
  return node;
}

/** Sets a text only where it changed, so that nothing is laid out in vain at each frame. */
export function say(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** A value that tells whoever asked when it changes. */
export class Signal<T> {
  private readonly hearers = new Set<(value: T) => void>();
  constructor(private now: T) {}
  get value(): T {
    return this.now;
  }
  set(value: T): void {
    this.now = value;
    for (const hear of [...this.hearers]) hear(value);
  }
  /** Calls `hear` now and at each change; the answer ends it. */
  on(hear: (value: T) => void): () => void {
    this.hearers.add(hear);
    hear(this.now);
    return () => this.hearers.delete(hear);
  }
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Hands a file to the person as a download. */
export function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** How a label is written on the page. */
export const glyph = (label: string): string =>
  ({ space: "␣", del: "⌫", nothing: "–" })[label] ?? label;
export const spoken = (label: string): string =>
  ({ space: "space", del: "delete", nothing: "no sign" })[label] ?? label;
