/** Caps and waits of the relay-server's root: unit, what each guards, why this number. The front, the admin listener and the local API have their own. */

/** Bytes of a configuration or access file: a real one is below 10 kB; keeps a wrong path from being read whole. */
export const MAX_CONFIG_FILE = 1024 * 1024

/** ms that running work gets after SIGTERM before everything is cut; with CLOSE_MS below the 10 s that Docker waits. */
export const DRAIN_MS = 5_000

/** ms for all parts together to close after draining. */
export const CLOSE_MS = 4_000

/** ms between two looks at the network interfaces and the public name. */
export const ADDRESS_TTL = 60_000

/** Addresses listed in dmesh.json: a browser tries them in order, more only slows it down. */
export const MAX_ADDRESSES = 16

/** ms that the hop server waits again for its circuits while libp2p stops; DRAIN_MS is over by then. */
export const AFTER_DRAIN = 1

/** ms from a shown certificate or a removal to going through all places: thousands come back at once after a restart, and 50 ms more of a place matter to nobody. */
export const RECHECK_AFTER = 50

/** Peers connected at once: one costs 30 to 37 KiB (tests/mesh/load.ts measures it), so all of them fit 320 MB; twice as many as there are places in transports/relay/limits.ts. */
export const MAX_PEERS = 8192

/** Relays that --kad may name: each is asked in every lookup and holds all entries of this lobby. */
export const MAX_KAD_ORIGINS = 8

/** ms for dmesh.json of a relay that --kad names. */
export const SITE_MS = 10_000
