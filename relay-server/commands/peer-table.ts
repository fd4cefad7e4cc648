/** Every command that needs a peer, as data: usage, options, help. What it does is loaded when it is run. */
import type { PeerCommand } from './peer-command.ts'

const MESH = { value: 'MESH', doc: 'Name or id of a private mesh; not needed while there is one.' }
const WAIT = (what: string, otherwise: string) => ({ value: 'TIME', doc: `How long to wait for ${what}, e.g. 30s, 5m, 1h. Default ${otherwise}.` })

export const PEER_COMMANDS: Readonly<Record<string, PeerCommand>> = {
  up: {
    usage: 'up [--tcp HOST:PORT|off] [--webrtc on|off] [--mdns] [--log LEVEL]',
    doc: 'Run the terminal peer in the foreground until Ctrl-C, e.g. under systemd. The other commands find it.',
    options: {
      tcp: {
        value: 'HOST:PORT|off',
        doc: 'Where other terminals reach this one directly. Default every network and any free port; a fixed port, e.g. 0.0.0.0:4001, can be let through a firewall. Also DMESH_TCP, for every command that runs the peer itself.',
      },
      webrtc: {
        value: 'on|off',
        doc: 'Direct paths to browsers, and through routers. Default on. Also DMESH_WEBRTC.',
      },
      mdns: { doc: 'Announce this peer on the networks of this computer, and find members there without any relay (mDNS). Default off.' },
      log: { value: 'LEVEL', doc: 'debug, info, warn, error or off, as JSON lines on standard error. Default warn.' },
    },
    takes: [0, 0],
    endless: true,
    load: async () => (await import('./up.ts')).up,
  },
  join: {
    usage: 'join LINK [--wait TIME]',
    doc: 'Join by an invite link, or the lobby of a relay by the address of its page. - reads the link from standard input.',
    options: { wait: WAIT("the relay and the owner's devices", '60s') },
    takes: [1, 1],
    load: async () => (await import('./join.ts')).join,
  },
  invite: {
    usage: 'invite [--mesh MESH] [--uses N] [--expiry TIME] [--role ROLE] [--qr] [--wait TIME]',
    doc: 'Make an invite to a private mesh and print its link. Whoever has the link can join.',
    options: {
      mesh: MESH,
      uses: { value: 'N', doc: 'How many may join by it. Default 1.' },
      expiry: { value: 'TIME', doc: 'When it runs out. Default 7d.' },
      role: { value: 'ROLE', doc: 'owner, member or guest. Default member.' },
      label: { value: 'TEXT', doc: 'A note for yourself.' },
      qr: { doc: 'Print a code to scan, too.' },
      wait: WAIT('somebody to join, letting them in meanwhile', '0, not at all'),
    },
    takes: [0, 0],
    load: async () => (await import('./invite.ts')).invite,
  },
  meshes: {
    usage: 'meshes [create NAME]',
    doc: 'The private meshes of this peer and who is in them, or a new one.',
    takes: [0, 2],
    load: async () => (await import('./meshes.ts')).meshes,
  },
  leave: { usage: 'leave MESH', doc: 'Leave a private mesh.', takes: [1, 1], load: async () => (await import('./meshes.ts')).leave },
  send: {
    usage: 'send PEER FILE… | send PEER --text TEXT',
    doc: 'Send files and folders, or a message. - sends standard input. A send that breaks off goes on when the peer is back; after a restart the same command goes on with it.',
    options: {
      text: { value: 'TEXT', doc: 'A message instead of files.' },
      name: { value: 'NAME', doc: 'What to call standard input, or the one file. Default: its own name.' },
      wait: WAIT('the peer, and after a break for it to come back', '5m'),
    },
    takes: [1, 1_000],
    load: async () => (await import('./send.ts')).send,
  },
  receive: {
    usage: 'receive [--accept all|ask|PEER,…] [--dir DIR] [--once]',
    doc: 'Take files that are offered and put them into a directory, until Ctrl-C. Never overwrites anything.',
    options: {
      accept: {
        value: 'WHOM',
        doc: 'all, ask (default where there is a terminal), or peers whose files are taken unasked; offers of others are declined.',
      },
      dir: { value: 'DIR', doc: 'Where to. Default the current directory.' },
      once: { doc: 'End after one file.' },
    },
    takes: [0, 0],
    endless: true,
    load: async () => (await import('./receive.ts')).receive,
  },
  chat: {
    usage: 'chat PEER [--wait TIME]',
    doc: 'Talk, a line at a time; shows what was delivered and read. Ends with Ctrl-D.',
    options: { wait: WAIT('the last lines to be delivered at the end', '10s') },
    takes: [1, 1],
    endless: true,
    load: async () => (await import('./chat.ts')).chat,
  },
  peers: { usage: 'peers', doc: 'Who is here.', takes: [0, 0], alsoRelay: true, load: async () => (await import('./peers.ts')).peers },
  map: {
    usage: 'map',
    doc: 'Who is reached how: directly, or through which relay.',
    takes: [0, 0],
    alsoRelay: true,
    load: async () => (await import('./peers.ts')).map,
  },
  ping: {
    usage: 'ping PEER [--why] [--until-direct] [--count N]',
    doc: 'Measure the way to a peer; --why says which ways were tried and what stood in the way.',
    options: {
      why: { doc: 'Show every way to the peer, and what blocked it.' },
      'until-direct': { doc: 'Go on until the way is direct; exit code 5 when it never is.' },
      count: { value: 'N', doc: 'How many times. Default 4.' },
      wait: WAIT('the peer to be here', '30s'),
    },
    takes: [1, 1],
    alsoRelay: true,
    load: async () => (await import('./ping.ts')).ping,
  },
  find: {
    usage: 'find PEERID [--connect]',
    doc: 'Ask the relays where a peer is that is at none of mine; --connect also reaches it, so that the other commands do.',
    options: {
      connect: { doc: 'Reach it over the first relay that answers; exit code 5 when none does.' },
      wait: WAIT('a place at a relay', '30s'),
    },
    takes: [1, 1],
    alsoRelay: true,
    load: async () => (await import('./find.ts')).find,
  },
  name: {
    usage: 'name [NAME] | name PEER NAME',
    doc: 'What this peer calls itself, or your own name for another one.',
    takes: [0, 2],
    load: async () => (await import('./rename.ts')).rename,
  },
  relays: {
    usage: 'relays [add|remove ORIGIN]',
    doc: 'The relays this peer holds places at.',
    takes: [0, 2],
    load: async () => (await import('./relays.ts')).relays,
  },
  top: {
    usage: 'top [--interval TIME] [--count N]',
    doc: 'Peers, transfers and counters, live. Plain lines where there is no terminal.',
    options: {
      interval: { value: 'TIME', doc: 'Between two looks. Default 1s.' },
      count: { value: 'N', doc: 'Looks before it ends. Default: until Ctrl-C.' },
    },
    takes: [0, 0],
    alsoRelay: true,
    endless: true,
    load: async () => (await import('./top.ts')).top,
  },
  publish: {
    usage: 'publish TOPIC [TEXT] [--mesh MESH]',
    doc: 'Send to everybody who listens to a topic now; without TEXT each line of standard input.',
    options: { mesh: { value: 'MESH', doc: 'A private mesh instead of the lobby.' } },
    takes: [1, 2],
    alsoRelay: true,
    load: async () => (await import('./topics.ts')).publish,
  },
  subscribe: {
    usage: 'subscribe TOPIC [--mesh MESH] [--count N]',
    doc: 'Print what is published in a topic, until Ctrl-C.',
    options: { mesh: { value: 'MESH', doc: 'A private mesh instead of the lobby.' }, count: { value: 'N', doc: 'End after N messages.' } },
    takes: [1, 1],
    alsoRelay: true,
    endless: true,
    load: async () => (await import('./topics.ts')).subscribe,
  },
}
