/** Every number of the storage room: unit, what it guards, why this value. Must hold no behaviour. */

/** Bytes a read returns at most: big enough that a thread hop costs little, small enough to hold several. */
export const READ_CHUNK = 262_144

/** Bytes collected before they are written: below this OPFS and small disks spend their time on calls. */
export const WRITE_BLOCK = 262_144

/** Bytes on their way to the storage worker per sink; what a lost worker costs and what a fast sender may hold. */
export const PORT_CREDIT = 1_048_576

/** ms a call to the storage worker may take; a write of 256 KiB to a slow flash takes up to 1 s. */
export const PORT_CALL_MS = 15_000

/** ms for calls that read a whole file again (resume hashes what is there: 100 GB at 190 MB/s are 9 min). */
export const PORT_LONG_CALL_MS = 600_000

/** ms to wait for a storage worker before the first call fails with WORKER_GONE; a page needs well under 1 s to bring one. */
export const PORT_ATTACH_MS = 5_000

/** ms to wait for a storage worker before files are kept without one; a page that can bring one has done so by then. */
export const PORT_FALLBACK_MS = 1_500

/** Sinks and readers that one port may hold open: far above what 8 transfers need, bounds leaked handles. */
export const PORT_HANDLES = 64

/** Operations waiting on one sink. */
export const SINK_QUEUE = 64

/** Rows a `list` returns when the caller names no limit. */
export const LIST_LIMIT = 1000

/** ms to wait for another tab to let go of an older database. */
export const DATABASE_OPEN_MS = 10_000
