/** The model on LiteRT's WebAssembly runtime, one thread: in the worker. */

import { type CompiledModel, getGlobalLiteRt, loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import { type Contract, EngineError, type Head, type Square } from "./api";
import { fetched } from "./files";
import { headOf } from "./head";

/** What one run of the model says. */
export interface Output {
  readonly probabilities: Float32Array;
  readonly hand: Square | null;
  readonly features: Float32Array | null;
}

export class Network {
  private constructor(
    private readonly model: CompiledModel,
    private readonly contract: Contract,
  ) {}

  static async open(base: URL, contract: Contract, onShare: (share: number) => void): Promise<Network> {
    const content = fetched("studio.tflite", base, onShare);
    content.catch(() => null); // Awaited below; the runtime may fail first.
    // The processor is what this runtime is for: LiteRT would otherwise ask for a GPU at its start.
    const gpu = { requestAdapter: async () => null };
    Object.defineProperty(self.navigator, "gpu", { value: gpu, configurable: true });
    const script = new URL("litert.js", base).href;
    const wasm = new URL("litert.wasm", base).href;
    // What the runtime says of accelerators that are not there is no error.
    const printErr = (line: string) => (/^(INFO|WARNING)/.test(line) ? console.debug : console.error)(line);
    Object.assign(self, { Module: { locateFile: () => wasm, mainScriptUrlOrBlob: script, printErr } });
    try {
      await loadLiteRt(script);
      const model = await loadAndCompile(new Uint8Array(await content), { accelerator: "wasm" });
      return new Network(model, contract);
    } catch (error) {
      if (error instanceof EngineError) throw error;
      throw new EngineError(
        `a model that does not start in this browser (${error instanceof Error ? error.message : error})`,
        "WebAssembly with SIMD: Chrome 91, Firefox 89, Safari 16.4 or newer",
        "update the browser, or let the server compute",
      );
    }
  }

  get heapBytes(): number {
    return getGlobalLiteRt().liteRtWasm.HEAPU8.byteLength;
  }

  async run(input: Float32Array): Promise<Output> {
    const [h, w] = this.contract.size_px;
    const tensor = new Tensor(input, [1, h, w, 3]);
    let tensors: Tensor[] = [];
    try {
      tensors = await this.model.run(tensor);
      const named = new Map(
        tensors.map((one, i) => [this.contract.outputs[i], (one.toTypedArray() as Float32Array).slice()]),
      );
      const [x, y, side] = ["x", "y", "side"].map((name) => named.get(name)?.[0]);
      return {
        probabilities: named.get("probabilities")!,
        hand: x === undefined || y === undefined || side === undefined ? null : [x, y, side],
        features: named.get("features") ?? null,
      };
    } finally {
      for (const one of [tensor, ...tensors]) one.delete(); // Their memory is not the browser's.
    }
  }
}

/** The bundle's own last layer. */
export async function fetchHead(base: URL, labels: number): Promise<Head> {
  return headOf(await fetched("studio_head.bin", base), labels);
}
