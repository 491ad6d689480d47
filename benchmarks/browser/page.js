// Answers /job.json: each model on Python's tensors, and one model on what a page makes of pictures.

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import { fit } from "../../web/src/engine/fit";

async function probabilities(model, pixels, [h, w]) {
  const input = new Tensor(pixels, [1, h, w, 3]);
  const outputs = await model.run(input);
  input.delete();
  const answer = Array.from(outputs[0].toTypedArray());
  outputs.forEach((output) => output.delete());
  return [outputs.length, answer];
}

function pixelsOf(context, width, height) {
  return context.getImageData(0, 0, width, height).data;
}

function own(bitmap, size) {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return fit(pixelsOf(context, bitmap.width, bitmap.height), bitmap.width, bitmap.height, size);
}

// What most pages do: the canvas has the network's size, and drawImage scales.
const byCanvas = (quality) => (bitmap, [h, w]) => {
  const context = new OffscreenCanvas(w, h).getContext("2d");
  context.fillRect(0, 0, w, h);
  context.imageSmoothingQuality = quality;
  const scale = Math.min(w / bitmap.width, h / bitmap.height);
  const [wide, tall] = [bitmap.width * scale, bitmap.height * scale];
  context.drawImage(bitmap, (w - wide) / 2, (h - tall) / 2, wide, tall);
  const rgba = pixelsOf(context, w, h);
  return Float32Array.from({ length: h * w * 3 }, (_, i) => rgba[Math.floor(i / 3) * 4 + (i % 3)] / 255);
};

const WAYS = { own, canvas_low: byCanvas("low"), canvas_high: byCanvas("high") };

async function work() {
  const job = await (await fetch("/job.json")).json();
  await loadLiteRt("/@litertjs/core/wasm/");
  const result = { agent: navigator.userAgent, outputs: {}, answers: {}, pixels: {}, scaled: {} };
  for (const [name, { file, tensors, size_px: [h, w] }] of Object.entries(job.models)) {
    const model = await loadAndCompile(`/${file}`, { accelerator: "wasm" });
    const input = new Float32Array(await (await fetch(`/${tensors}`)).arrayBuffer());
    result.answers[name] = [];
    for (let i = 0; i < input.length; i += h * w * 3) {
      const [count, answer] = await probabilities(model, input.slice(i, i + h * w * 3), [h, w]);
      result.outputs[name] = count;
      result.answers[name].push(answer);
    }
    if (name !== job.scale) continue;
    for (const [way, scale] of Object.entries(WAYS)) {
      result.pixels[way] = [];
      result.scaled[way] = [];
      for (const [i, picture] of job.pictures.entries()) {
        const blob = await (await fetch(`/${picture}`)).blob();
        const pixels = scale(await createImageBitmap(blob, { colorSpaceConversion: "none" }), [h, w]);
        let off = 0;
        pixels.forEach((x, k) => (off = Math.max(off, Math.abs(x - input[i * h * w * 3 + k]))));
        result.pixels[way].push(off);
        result.scaled[way].push((await probabilities(model, pixels, [h, w]))[1]);
      }
    }
  }
  return result;
}

work()
  .catch((error) => ({ error: `${error?.stack ?? error}` }))
  .then((result) => fetch("/result", { method: "POST", body: JSON.stringify(result) }));
