// Commitments to blobs. The library takes ten seconds to load, and hardly any block asks it anything:
// blob transactions carry hashes only, so nothing but a call of the precompiled contract at 0x0a
// does. So blocks are run without it, and run again with it where it was asked.

let loaded = null

/** The library, if it is loaded; else something in its place that notes that it was asked. */
export function kzgWhenNeeded() {
  if (loaded !== null) {
    return loaded
  }
  const kzg = { wasAsked: false }
  const ask = () => {
    kzg.wasAsked = true
    throw new Error('kzg-wasm is not loaded yet')
  }
  for (const name of ['verifyProof', 'verifyBlobProofBatch', 'verifyCellKzgProofBatch']) {
    kzg[name] = ask
  }
  return kzg
}

/** Whether a run under these rules asked what only the library can answer. */
export function askedForKzg(common) {
  return common.customCrypto.kzg.wasAsked === true
}

/** Load the library, for every run from now on. */
export async function loadKzg() {
  const { loadKZG } = await import('kzg-wasm')
  loaded = await loadKZG()
}
