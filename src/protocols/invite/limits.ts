/** Caps of the invite protocol: unit, what each guards, why this number. Everything a relay keeps for strangers is counted here. */

/** Characters of the sealed document of a mesh, and of its signed list: as in access/limits.ts, where they are made. */
export const MAX_DOCUMENT = 393_216
export const MAX_REMOVED_LIST = 65_536

/** Bytes of one frame: both of them and some words. */
export const MAX_FRAME = 480 * 1024

/** Bytes of the first frame of a stream: a claim, or eight certificates. */
export const MAX_FIRST = 8 * 1024

/** Characters of a token, and certificates of a chain with their characters: as in access/limits.ts. */
export const MAX_TOKEN = 2400
export const MAX_CHAIN = 8
export const MAX_CERTIFICATE = 800

/** Characters of a signed leave, and members of one mesh that may wait to be taken out: as many as there are. */
export const MAX_LEAVE = 600
export const MAX_LEAVING = 200

/** Meshes of one user key that a relay tells of: as many as a peer may have. Sent one after another, so that the queue holds them. */
export const MAX_MINE = 32

/** Meshes a relay keeps documents of, in all and made from one address prefix (/24, /64). Guards its disk: 256 × 450 kB at the very most. */
export const MAX_MESHES = 256
export const MAX_MESHES_PER_PREFIX = 32

/** ms after which the document of a mesh that nobody came for may make room for a new one. */
export const MESH_IDLE = 90 * 86_400_000

/** Owners of one mesh whose invites a relay counts. */
export const MAX_OWNERS = 32

/** Invites a relay counts, in all and of one mesh. One record has up to 100 claims of about 300 bytes. */
export const MAX_INVITES = 4096
export const MAX_INVITES_PER_MESH = 256

/** Claims one invite counts; the token says how many of them. */
export const MAX_USES = 100

/** Memberships that were shown and are remembered without a stream; about 200 bytes each. */
export const MAX_SHOWN = 8192

/** Streams of one mesh at once: 200 members with two devices' paths each. Above it the relay says LIMIT_REACHED. */
export const MAX_STREAMS_PER_MESH = 512

/** Streams of one peer for one mesh: paths of one instance, plus one that is just going. */
export const MAX_STREAMS_PER_PEER = 4

/** ms until a stream must have said what it wants, and until a call is answered. */
export const FIRST_TIMEOUT = 10_000
export const CALL_TIMEOUT = 15_000

/** Frames of one peer a minute: an owner that admits a hundred at once sends two hundred. */
export const MAX_FRAMES_PER_MINUTE = 600

/** Calls that wait for an answer on one stream. */
export const MAX_CALLS = 256

/** Bytes queued for a reader that does not read before it is cut: four documents. */
export const MAX_QUEUE = 2 * 1024 * 1024

/** ms that the last frame gets to leave. */
export const GOODBYE_TIME = 250
