// Builds the studio's two scripts and lays what they load beside them.
//
//   node build.mjs                 into src/fingerspell/serve/static
//   node build.mjs --out DIR       elsewhere (the test that compares)
//   node build.mjs --tests DIR     the engine's tests, for `node --test`
//   node build.mjs --engine FILE   the engine alone as the global `studio`, for tests in a browser
//   node build.mjs --sizes         says the scripts' bytes, own and of packages
//   node build.mjs --bundle FILE SCRIPT   another page's script, as that of benchmarks/browser

import { build } from "esbuild";
import { readdirSync, readFileSync, writeFileSync, mkdirSync, cpSync, existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const HERE = dirname(fileURLToPath(import.meta.url));
const STATIC = join(HERE, "../src/fingerspell/serve/static");
const WASM = join(HERE, "node_modules/@litertjs/core/wasm");
const RUNTIME = "litert_wasm_compat_internal";
const [option, folder, script] = process.argv.slice(2);
const out = option === "--out" ? folder : STATIC;

const common = { bundle: true, target: "es2022", legalComments: "none", logLevel: "warning" };
const inside = (name) => join(HERE, name);
const page = (name) => join(HERE, "src", name);

async function tests() {
  const names = readdirSync(inside("tests")).filter((name) => name.endsWith(".mjs"));
  const entryPoints = names.map((name) => inside(`tests/${name}`));
  await build({ ...common, entryPoints, outdir: folder, platform: "node", format: "esm", outExtension: { ".js": ".mjs" } });
}

function scripts() {
  const entryPoints = [{ in: page("engine/worker.ts"), out: "studio_worker" }];
  if (existsSync(page("page/main.ts"))) entryPoints.push({ in: page("page/main.ts"), out: "studio" });
  return { ...common, entryPoints, outdir: out, format: "iife", minify: true, charset: "utf8" };
}

// Says how many bytes of each script are its own, and how many are of packages.
async function sizes() {
  const { metafile } = await build({ ...scripts(), metafile: true, write: false });
  const told = Object.entries(metafile.outputs).map(([name, { bytes, inputs }]) => {
    const foreign = Object.entries(inputs).filter(([from]) => from.includes("node_modules"));
    const packages = foreign.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
    return [basename(name), { own: bytes - packages, packages }];
  });
  console.log(JSON.stringify(Object.fromEntries(told)));
}

async function studio() {
  mkdirSync(out, { recursive: true });
  await build(scripts());
  for (const kind of ["js", "wasm"]) {
    const packed = gzipSync(readFileSync(join(WASM, `${RUNTIME}.${kind}`)), { level: 9 });
    writeFileSync(join(out, `litert.${kind}.gz`), packed);
  }
  const notice = "litert.js, litert.wasm and parts of studio_worker.js: LiteRT.js (@litertjs/core 2.5.3)\nCopyright Google LLC, licensed as follows.\n\n";
  writeFileSync(join(out, "litert.LICENSE.txt"), notice + readFileSync(inside("../LICENSE"), "utf8"));
  if (existsSync(inside("static"))) cpSync(inside("static"), out, { recursive: true });
}

async function engine() {
  const entryPoints = [page("engine/index.ts")];
  await build({ ...common, entryPoints, outfile: folder, format: "iife", globalName: "studio" });
}

async function bundle() {
  const nodePaths = [inside("node_modules")]; // For a script outside this folder.
  await build({ ...common, entryPoints: [script], outfile: folder, format: "esm", nodePaths });
}

await ({ "--tests": tests, "--engine": engine, "--sizes": sizes, "--bundle": bundle }[option] ?? studio)();
