/** The proxy that the environment asks for: HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, in small letters too, and NO_PROXY. */
import { BlockList, isIP } from 'node:net';

/** A proxy's URL, undefined where the address is to be asked directly. */
export function proxyFor({ protocol, hostname, port }: URL): string | undefined {
  if (isExempt(hostname, port || (protocol === 'https:' ? '443' : '80'))) return undefined;
  const proxy = variable(protocol === 'https:' ? 'https_proxy' : 'http_proxy') || variable('all_proxy') || variable('http_proxy');
  if (!proxy) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/**
 * NO_PROXY: names and addresses by commas or blanks, a domain's name for all below it, a range of addresses (`10.0.0.0/8`), `*` for all; each
 * but a range with a port or without.
 */
function isExempt(hostname: string, port: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return variable('no_proxy')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*' || isInRange(host, entry)) return true;
      // An IPv6 address without brackets has no port behind it.
      const hasPort = entry.startsWith('[') || entry.split(':').length === 2;
      const [, name = entry, only] = (hasPort && /^\[?(.*?)\]?:(\d+)$/.exec(entry)) || [];
      const domain = name.replace(/^\*?\.|^\[|\]$/g, '');
      return (only === undefined || only === port) && (host === domain || host.endsWith(`.${domain}`));
    });
}

function isInRange(address: string, range: string): boolean {
  const [, network = '', bits] = /^\[?([\da-f.:]+)\]?\/(\d{1,3})$/.exec(range) ?? [];
  const family = isIP(network);
  if (family === 0 || isIP(address) !== family || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(bits), type);
  return list.check(address, type);
}

function variable(name: string): string {
  return process.env[name] || process.env[name.toUpperCase()] || '';
}
