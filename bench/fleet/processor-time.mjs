/** Who takes the machine's cores: seconds of processes, and of everything. Linux. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Seconds of processor that a process took so far, with its threads; 0 of one that has ended. */
export function secondsOfProcess(pid) {
  try {
    // The second field may have blanks and brackets of its own.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return 0;
  }
}

/** Seconds that all cores were busy since the machine's start, and those that its host kept from it. */
export function secondsOfMachine() {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1')
    .split('\n', 1)[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { busy: (user + nice + system + irq + softirq) / TICKS, stolen: steal / TICKS };
}

/**
 * Watches named groups of processes, `{redis: [pid], …}`: the function that it returns tells the cores that each one took on average since
 * then, and what others on the machine took, which disturbs.
 */
export function watchCores(groups) {
  const began = performance.now();
  const machine = secondsOfMachine();
  const before = Object.entries(groups).map(([name, pids]) => [name, pids, pids.map(secondsOfProcess)]);
  return () => {
    const seconds = (performance.now() - began) / 1000;
    const now = secondsOfMachine();
    const cores = {};
    for (const [name, pids, starts] of before) {
      cores[name] = pids.reduce((sum, pid, i) => sum + Math.max(0, secondsOfProcess(pid) - starts[i]), 0) / seconds;
    }
    const known = Object.values(cores).reduce((sum, each) => sum + each, 0);
    return { ...cores, others: Math.max(0, (now.busy - machine.busy) / seconds - known), stolen: (now.stolen - machine.stolen) / seconds };
  };
}
