/** Which addresses a server may be sent to by its clients: those of the public internet. */
import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Refusal } from '../answers/refusal';

/** Neither of this machine, nor of its network, nor anything that is reserved. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // An IPv4 address within an IPv6 one is judged as what it is.
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed.kind() === 'ipv4') return true;
  // Addresses that a gateway translates to any IPv4 address, private ones too.
  return !NOT_GLOBAL.some((block) => parsed.match(ipaddr.parseCIDR(block)));
}

/** NAT64 (local use, RFC 8215), 6to4, Teredo, and what is not global unicast. */
const NOT_GLOBAL = ['64:ff9b::/96', '64:ff9b:1::/48', '2002::/16', '2001::/32', 'fec0::/10', 'fc00::/7', '100::/64'];

export function refuseAddress(host: string): Refusal {
  return new Refusal(403, 'ERR_IMAGE_URL', `${host.slice(0, 200)} is not an address of the public internet.`, {
    hint: 'Download the picture yourself, and send its bytes.',
  });
}

/**
 * A lookup of names for connections: what is connected to is what was checked, also where a name has another address the next time. One
 * address that is not public is reason enough to refuse: it is no name that pictures are served under.
 */
export function lookupOf(isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 4);
      const addresses = found as LookupAddress[];
      const [first] = addresses;
      if (!first || !addresses.every(({ address }) => isAllowed(address))) return callback(refuseAddress(hostname), '', 4);
      if (options.all) (callback as unknown as (error: null, all: LookupAddress[]) => void)(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
