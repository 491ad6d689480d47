/** Recorded pictures of one's own hand, in this browser's database; without one, in memory. */

import type { Head } from "../engine/api";

export interface Recorded {
  readonly id: string;
  readonly label: string;
  readonly picture: Blob;
  /** Null where the server read the picture. */
  readonly features: Float32Array | null;
  /** The recogniser whose features these are. */
  readonly of: string;
}

export interface Own {
  readonly id: "head";
  readonly head: Head;
  readonly of: string;
  readonly labels: readonly string[];
}

const NAME = "fingerspell";
const STORES = ["examples", "own"] as const;
type Store = (typeof STORES)[number];

let database: Promise<IDBDatabase | null> | null = null;

function open(): Promise<IDBDatabase | null> {
  database ??= new Promise((done) => {
    try {
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () =>
        STORES.forEach((store) => asked.result.createObjectStore(store, { keyPath: "id" }));
      asked.onsuccess = () => done(asked.result);
      asked.onerror = asked.onblocked = () => done(null);
    } catch {
      done(null);
    }
  });
  return database;
}

/** Runs one request; `false` where nothing can be kept here. */
async function run<T>(store: Store, mode: IDBTransactionMode, ask: (at: IDBObjectStore) => IDBRequest<T>): Promise<T | false> {
  const db = await open();
  if (!db) return false;
  return new Promise((done) => {
    try {
      const act = db.transaction(store, mode);
      const request = ask(act.objectStore(store));
      act.oncomplete = () => done(request.result);
      act.onerror = act.onabort = () => done(false);
    } catch {
      done(false);
    }
  });
}

export const examples = async (): Promise<Recorded[]> =>
  ((await run("examples", "readonly", (at) => at.getAll())) || []) as Recorded[];
/** False: it is in memory only, until the page is left. */
export const remember = async (one: Recorded): Promise<boolean> =>
  (await run("examples", "readwrite", (at) => at.put(one))) !== false;
export const drop = (id: string): Promise<unknown> => run("examples", "readwrite", (at) => at.delete(id));
export const ownHead = async (): Promise<Own | undefined> =>
  ((await run("own", "readonly", (at) => at.get("head"))) || undefined) as Own | undefined;
export const rememberHead = (own: Own): Promise<unknown> => run("own", "readwrite", (at) => at.put(own));
export const dropHead = (): Promise<unknown> => run("own", "readwrite", (at) => at.delete("head"));
