/** Memory of a browser's processes as Linux counts it: PSS, so that shared pages count once. */
import { readdirSync, readFileSync } from 'node:fs'

/** MiB of proportional set size of the browser's renderers and its network process together. `root` = pid of the browser. */
export function browserMemory(root: number): number {
  let kib = 0
  for (const pid of familyOf(root)) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (!command.includes('--type=renderer') && !command.includes('network.mojom.NetworkService')) continue
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      // The process ended meanwhile.
    }
  }
  return kib / 1024
}

function familyOf(root: number): readonly number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      parents.set(Number(name), Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]))
    } catch {
      // The process ended meanwhile.
    }
  }
  const isOurs = (pid: number): boolean => pid === root || (parents.has(pid) && isOurs(parents.get(pid) as number))
  return [...parents.keys()].filter(isOurs)
}
