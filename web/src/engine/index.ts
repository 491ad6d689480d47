/** The engine's doors. */

import type { Contract, Engine, Example, Speller, Trained, Words } from "./api";
import { EngineError } from "./api";
import { bundleOf } from "./bundle";
import { fetched } from "./files";
import { LiveSpeller } from "./live/session";
import { startWorker } from "./messages";
import { OnDevice } from "./recogniser";
import { OnServer } from "./server";

export * from "./api";

let opened: URL | null = null;

async function contract(base: URL): Promise<Contract> {
  const content = await fetched("studio.json", base);
  return JSON.parse(new TextDecoder().decode(content)) as Contract;
}

async function openOnDevice(
  base: URL,
  contract: Contract,
  onShare?: (share: number) => void,
): Promise<OnDevice> {
  const made = await OnDevice.open(base, contract, onShare);
  opened = base;
  return made;
}

async function train(examples: readonly Example[], labels: readonly string[]): Promise<Trained> {
  if (!opened) {
    const found = "examples without a recogniser on this device";
    throw new EngineError(found, "the recogniser whose last layer learns", "let this device compute");
  }
  const worker = startWorker(opened); // Its own: camera frames go on meanwhile.
  try {
    return await worker.ask("train", [opened.href, examples, labels]);
  } finally {
    worker.end();
  }
}

async function words(base: URL, contract: Contract): Promise<Words> {
  const worker = startWorker(base);
  try {
    await worker.ask("words", [base.href, contract]);
  } catch (error) {
    worker.end();
    throw error;
  }
  const of = (speller: Speller) =>
    worker.ask("decode", [speller instanceof LiveSpeller ? speller.signs : []]);
  return { of, close: () => worker.end() };
}

export const engine: Engine = {
  contract,
  openOnDevice,
  openOnServer: (base, contract, onState) => OnServer.open(base, contract, onState),
  train,
  bundle: bundleOf,
  words,
  speller: (contract: Contract): Speller => new LiveSpeller(contract.rules),
};
