/** Pages of others: what a browser sends for them is not what its user wants. */
import type { FastifyRequest } from 'fastify';
import { Refusal } from '../answers/refusal';
import { isLoopback, type Settled } from '../options';

/**
 * Throws 403 for a host name that is none of the server's where it listens for this machine alone (a page elsewhere whose name leads
 * here is of that name), and for requests that a browser sends on behalf of a page of another origin.
 */
export function refuseStrangers({ headers, method }: FastifyRequest, { host, allowedHosts, cors }: Settled): void {
  const name = (headers.host ?? '').replace(/:\d+$/, '');
  if (isLoopback(host) && !isLoopback(name) && !allowedHosts.includes(name)) {
    throw new Refusal(403, 'ERR_FORBIDDEN', `This server is not ${name.slice(0, 100) || 'without a name'}.`, {
      hint: 'Behind a proxy, name the host in --allowed-hosts.',
    });
  }
  const { origin } = headers;
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
  if (origin === undefined) {
    if (headers['sec-fetch-site'] !== 'cross-site') return;
  } else if (
    cors.includes('*') ||
    cors.includes(origin) ||
    hostOf(origin) === headers.host ||
    allowedHosts.includes(hostOf(origin).replace(/:\d+$/, ''))
  )
    return;
  throw new Refusal(403, 'ERR_FORBIDDEN', 'Pages of other origins may not use this server.', { hint: 'Name their origin in --cors.' });
}

function hostOf(origin: string): string {
  try {
    return new URL(origin).host;
  } catch {
    return '';
  }
}
