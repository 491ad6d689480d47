/** Files beside the page. */

import { EngineError } from "./api";

/** Returns a file beside the page; rejects with `EngineError` where it is not there. */
export async function fetched(name: string, base: URL): Promise<ArrayBuffer> {
  const answer = await fetch(new URL(name, base)).catch(() => null);
  if (!answer?.ok) {
    throw new EngineError(
      `no ${name} (${answer ? `status ${answer.status}` : "the server does not answer"})`,
      "the studio's files beside the page",
      "check that the server runs, then load the page again",
    );
  }
  return answer.arrayBuffer();
}
