/** The proxy that the environment asks for, as curl and others read it. */

/** A proxy's URL, undefined where the address is to be asked directly. */
export function proxyFor({ protocol, hostname, port }: URL): string | undefined {
  if (isExempt(hostname, port || (protocol === 'https:' ? '443' : '80'))) return undefined;
  const [http, https] = [variable('http_proxy'), variable('https_proxy')];
  const proxy = protocol === 'https:' ? https || http : http;
  if (!proxy) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** NO_PROXY: names and addresses by commas or blanks, a domain's name for all below it, `*` for all, each with a port or without. */
function isExempt(hostname: string, port: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return variable('no_proxy')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      // An IPv6 address without brackets has no port behind it.
      const hasPort = entry.startsWith('[') || entry.split(':').length === 2;
      const [, name = entry, only] = (hasPort && /^\[?(.*?)\]?:(\d+)$/.exec(entry)) || [];
      const domain = name.replace(/^\*?\.|^\[|\]$/g, '');
      return (only === undefined || only === port) && (host === domain || host.endsWith(`.${domain}`));
    });
}

function variable(name: string): string {
  return process.env[name] || process.env[name.toUpperCase()] || '';
}
