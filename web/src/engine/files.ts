/** Files beside the page. */

import { EngineError, keyOf, LockedError } from "./api";

/**
 * Returns a file beside the page; tells `onShare` how much of it is there, 0 to 1. Rejects with
 * `EngineError` where it is not there, with `LockedError` where it takes another key.
 */
export async function fetched(name: string, base: URL, onShare?: (share: number) => void): Promise<ArrayBuffer> {
  const key = keyOf(base);
  const headers: HeadersInit = key ? { Authorization: `Bearer ${key}` } : {};
  const answer = await fetch(new URL(name, base), { headers }).catch(() => null);
  if (answer?.status === 401) throw new LockedError(key !== "");
  if (!answer?.ok) {
    throw new EngineError(
      `no ${name} (${answer ? `status ${answer.status}` : "the server does not answer"})`,
      "the studio's files beside the page",
      "check that the server runs, then load the page again",
    );
  }
  const bytes = Number(answer.headers.get("content-length"));
  if (!onShare || !answer.body || !bytes || answer.headers.has("content-encoding")) return answer.arrayBuffer();
  let seen = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, on) {
      onShare((seen += piece.length) / bytes);
      on.enqueue(piece);
    },
  });
  return new Response(answer.body.pipeThrough(counted)).arrayBuffer();
}
