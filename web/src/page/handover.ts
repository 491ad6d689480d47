/** Hands recorded pictures to a server that was started to keep them. */

import { EngineError, keyOf } from "../engine/api";
import type { Recorded } from "./examples";

/**
 * Sends one picture; `token` is that of the server's start. Returns the command that adapts to what
 * the server has. Rejects with `EngineError`. The same picture again changes nothing there.
 */
export async function handOver(one: Recorded, base: URL, token: string): Promise<string> {
  const url = new URL("v1/collected", base);
  url.searchParams.set("label", one.label);
  const headers: Record<string, string> = { "X-Collect-Token": token };
  if (keyOf(base)) headers.Authorization = `Bearer ${keyOf(base)}`;
  const answer = await fetch(url, { method: "POST", body: one.picture, headers }).catch(() => null);
  const said = await answer?.json().catch(() => null);
  if (said?.command) return said.command;
  if (said?.fix) throw new EngineError(said.found, said.expected, said.fix);
  const found = answer ? `a server that answers ${answer.status}` : "a server that does not answer";
  throw new EngineError(found, "the server that sent this page", "check that it runs, then try again");
}
