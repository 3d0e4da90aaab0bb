// Entries in IndexedDB, for all tabs and workers of an origin. client.js loads it where it is needed.

const NAME = "auth-user-tokens"; // of the database and of its one object store

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = request.oncomplete = () => resolve(request.result);
    request.onerror = request.onblocked = request.onabort = () => reject(request.error);
  });

async function begun(mode) {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(NAME);
  const transaction = (await done(opening)).transaction(NAME, mode);
  opening.result.close(); // when the transaction is over
  return transaction;
}

const entryIn = async (transaction, key) => (await done(transaction.objectStore(NAME).get(key))) ?? null;

/** The value, null where there is none. */
export const get = async (key) => entryIn(await begun("readonly"), key);

/** Writes `next` only if there is `seen`, in one transaction, and says whether it did. */
export async function swap(key, seen, next) {
  const transaction = await begun("readwrite");
  const isSame = (await entryIn(transaction, key)) === seen;
  if (isSame) transaction.objectStore(NAME).put(next, key);
  await done(transaction);
  return isSame;
}
