/** A small internet of namespaces: one public network (documentation addresses, RFC 5737 and 3849) with a server on it, and homes behind routers that do NAT in the ways real ones do. Must never have a route out. */
import { createNetwork, type Network, type Space } from './netns.ts'

/** Of the server. */
export const SERVER_V4 = '203.0.113.1'
export const SERVER_V6 = '2001:db8::1'

/**
 * How a router maps and filters (RFC 4787). `easy`: same port outside for every destination, answers only from where something was sent (most homes).
 * `open`: the same, and anybody may send to a mapped port ("full cone"). `symmetric`: another random port for each destination (many companies, mobile).
 * `no-udp`: easy, but no UDP passes at all. `none`: no router, the client's own address is public; it stays so.
 */
export type Nat = 'easy' | 'open' | 'symmetric' | 'no-udp' | 'none'

export interface Home {
  /** Where people's programs run; its only address is private, but without NAT. */
  readonly client: Space
  /** With `none` the client itself. */
  readonly router: Space
  /** Private address of the client; '' without IPv4. */
  readonly address: string
  /** Address that others see. */
  readonly outside: string
  /** With `v6`, the client's own public one. */
  readonly address6: string | undefined
  /** Change the router's ways while it runs. Mappings that exist stay, but `no-udp` stops their packets too. */
  setNat(nat: Nat): Promise<void>
}

export interface HomeOptions {
  readonly nat: Nat
  /** Also give public IPv6 addresses, behind a firewall but without NAT. Default false. */
  readonly v6?: boolean
  /** False: the client has IPv6 alone. Default true. */
  readonly v4?: boolean
}

export interface Internet {
  /** The public network; the server's addresses are its own. */
  readonly server: Space
  readonly network: Network
  home(options: HomeOptions): Promise<Home>
  close(): Promise<void>
}

export async function createInternet(): Promise<Internet> {
  const network = await createNetwork()
  try {
    const server = await network.space('net')
    await forward(server)
    await server.ip('link add net0 type bridge forward_delay 0')
    await server.ip('link set net0 up')
    await server.ip(`addr add ${SERVER_V4}/24 dev net0`)
    await server.ip(`addr add ${SERVER_V6}/64 dev net0 nodad`)
    let homes = 0
    return {
      server,
      network,
      home: (options) => (options.nat === 'none' ? openPublic : openHome)(network, server, ++homes, options),
      close: network.close,
    }
  } catch (error) {
    await network.close()
    throw error
  }
}

/** A client on the public network itself. */
async function openPublic(network: Network, server: Space, number: number): Promise<Home> {
  const address = `203.0.113.${10 + number}`
  const client = await network.space('public', SERVER_V4)
  await network.cable(server, `home${number}`, client, 'eth0')
  await server.ip(`link set home${number} master net0`)
  await client.ip(`addr add ${address}/24 dev eth0`)
  await client.ip(`route add default via ${SERVER_V4}`)
  return { client, router: client, address, outside: address, address6: undefined, setNat: async () => undefined }
}

async function openHome(network: Network, server: Space, number: number, { nat, v6 = false, v4 = true }: HomeOptions): Promise<Home> {
  const lan = `192.168.${number}.`
  const outside = `203.0.113.${10 + number}`
  const outside6 = `2001:db8::${10 + number}`
  const lan6 = `2001:db8:${number}::`
  const address = `${lan}2`
  const router = await network.space('router')
  const client = await network.space('home', `${lan}1`)
  await network.cable(server, `home${number}`, router, 'wan')
  await server.ip(`link set home${number} master net0`)
  await network.cable(router, 'lan', client, 'eth0')
  await forward(router)
  await router.ip(`addr add ${outside}/24 dev wan`)
  await router.ip(`addr add ${lan}1/24 dev lan`)
  await router.ip(`route add default via ${SERVER_V4}`)
  if (v4) {
    await client.ip(`addr add ${address}/24 dev eth0`)
    await client.ip(`route add default via ${lan}1`)
  }
  if (v6) {
    await router.ip(`addr add ${outside6}/64 dev wan nodad`)
    await router.ip(`addr add ${lan6}1/64 dev lan nodad`)
    await router.ip(`-6 route add default via ${SERVER_V6}`)
    await server.ip(`-6 route add ${lan6}/64 via ${outside6}`)
    await client.ip(`addr add ${lan6}2/64 dev eth0 nodad`)
    await client.ip(`-6 route add default via ${lan6}1`)
  }
  const setNat = async (kind: Nat) => {
    await router.nft(`flush ruleset\n${rules(kind, address)}`)
  }
  await setNat(nat)
  return { client, router, address: v4 ? address : '', outside, address6: v6 ? `${lan6}2` : undefined, setNat }
}

/**
 * The wan side drops what nobody asked for without a word, as routers do: an answer, or even an entry in the connection table, for a packet that
 * came too early would give the other end's hole punching another port.
 */
function rules(nat: Nat, client: string): string {
  const open = nat === 'open' ? `iifname "wan" udp dport 1024-65535 dnat ip to ${client}` : ''
  const lines = [
    'table inet home {',
    '  chain in { type filter hook input priority 0; policy accept; iifname "wan" ct state new,invalid meta l4proto { tcp, udp } drop; }',
    '  chain through {',
    '    type filter hook forward priority 0; policy drop;',
    nat === 'no-udp' ? '    meta l4proto udp drop' : '',
    '    ct state established,related accept',
    '    iifname "lan" accept',
    nat === 'open' ? '    ct status dnat accept' : '',
    // Neighbour discovery and "packet too big": IPv6 does not work without.
    '    meta l4proto ipv6-icmp accept',
    '  }',
    `  chain arriving { type nat hook prerouting priority dstnat; ${open}; }`,
    `  chain leaving { type nat hook postrouting priority srcnat; oifname "wan" meta nfproto ipv4 masquerade ${nat === 'symmetric' ? 'fully-random' : ''}; }`,
    '}',
  ]
  return `${lines.filter(Boolean).join('\n')}\n`
}

async function forward(space: Space): Promise<void> {
  await space.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding')
}
