/** A ZIP file that only stores (PKWARE APPNOTE 6.3, no compression): JPEG gains nothing by it. */

const UTF8_NAMES = 0x0800;
const STORED = 0;
const VERSION = 20;

let table: Uint32Array | null = null;

/** The checksum of ZIP: polynomial 0xEDB88320, reflected. */
export function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    return c;
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255];
  return (crc ^ 0xffffffff) >>> 0;
}

/** Little-endian numbers of 2 or 4 bytes. */
function numbers(...pairs: (readonly [size: 2 | 4, value: number])[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(pairs.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of pairs) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

/** Returns the archive of named files; the day is the same for all. */
export async function zip(files: readonly { name: string; content: Blob }[], day = new Date()): Promise<Blob> {
  const date = ((day.getFullYear() - 1980) << 9) | ((day.getMonth() + 1) << 5) | day.getDate();
  const parts: BlobPart[] = [];
  const index: BlobPart[] = [];
  let [offset, indexSize] = [0, 0];
  for (const file of files) {
    const name = new TextEncoder().encode(file.name);
    const bytes = new Uint8Array(await file.content.arrayBuffer());
    const about = [
      [2, VERSION], [2, UTF8_NAMES], [2, STORED], [2, 0], [2, date], [4, crc32(bytes)],
      [4, bytes.length], [4, bytes.length], [2, name.length], [2, 0],
    ] as const;
    const local = numbers([4, 0x04034b50], ...about);
    parts.push(local, name, bytes);
    const entry = numbers([4, 0x02014b50], [2, VERSION], ...about, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]);
    index.push(entry, name);
    offset += local.length + name.length + bytes.length;
    indexSize += entry.length + name.length;
  }
  const end = numbers([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length],
    [4, indexSize], [4, offset], [2, 0]);
  return new Blob([...parts, ...index, end], { type: "application/zip" });
}
