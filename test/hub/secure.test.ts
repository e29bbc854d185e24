/** The user's token, certificates and proxies, over real TLS. Certificates are settings that a process has from its start. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import path from 'node:path';
import { fetchFiles } from '../../lib/hub';
import { StandInHub } from '../support/hub';
import { fetchInProcess, makePlace, type Place } from './place';

const TOKEN = 'hf_sesameOpenNow';
const REPOSITORY = 'maker/model';
const FILES = ['config.json', 'weights.bin'];

let place: Place;
beforeEach(async () => {
  place = await makePlace({ token: TOKEN });
  place.write(REPOSITORY, 'config.json', Buffer.from('{}'));
  place.write(REPOSITORY, 'weights.bin', 300_000);
});
afterEach(() => place.leave());

describe('the token', () => {
  test.each<[string, () => void]>([
    ['HF_TOKEN', () => Object.assign(process.env, { HF_TOKEN: TOKEN })],
    ['HUGGING_FACE_HUB_TOKEN', () => Object.assign(process.env, { HUGGING_FACE_HUB_TOKEN: TOKEN })],
    [
      "the file that Python's login writes",
      () => {
        process.env.HF_TOKEN_PATH = path.join(place.folder, 'token');
        writeFileSync(process.env.HF_TOKEN_PATH, `${TOKEN}\n`);
      },
    ],
  ])('of %s is shown to the hub alone', async (_, set) => {
    set();
    place.hub.faults.push({ at: 'store', cutAfter: 100_000 });
    await fetchFiles(REPOSITORY, FILES);
    const shown = (at: string): unknown[] => [
      ...new Set(place.hub.requests.filter((each) => each.at === at).map((each) => each.authorization)),
    ];
    expect(shown('hub')).toEqual([`Bearer ${TOKEN}`]);
    expect(shown('store')).toEqual([undefined]);
  });

  test('is not shown where there is none, nor where it is kept', async () => {
    await fetchFiles(REPOSITORY, ['config.json']);
    Object.assign(process.env, { HF_TOKEN: TOKEN, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' });
    await fetchFiles(REPOSITORY, ['weights.bin']);
    expect(place.hub.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });
});

describe('over TLS', () => {
  let hub: StandInHub;
  let authority: string;
  beforeEach(async () => {
    const at = (name: string): string => path.join(place.folder, name);
    const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: place.folder, stdio: 'ignore' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=authority of a test');
    openssl('req', ...key, '-keyout', 'hub.key', '-out', 'hub.csr', '-subj', '/CN=hub');
    writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1');
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
    openssl('x509', '-req', '-in', 'hub.csr', '-out', 'hub.pem', ...signing);
    authority = at('ca.pem');
    const tls = { key: readFileSync(at('hub.key'), 'utf8'), cert: readFileSync(at('hub.pem'), 'utf8') };
    hub = await StandInHub.start(path.join(place.folder, 'repositories'), { largeFrom: 100_000, token: TOKEN, tls });
    process.env.HF_ENDPOINT = hub.endpoint;
  });
  afterEach(() => hub.stop());

  test('a certificate of an authority that nobody knows is refused at once, and NODE_EXTRA_CA_CERTS named', async () => {
    const { report } = await fetchInProcess([REPOSITORY, ...FILES]).end;
    expect(report.error).toMatchObject({ code: 'ERR_NETWORK', hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
    expect(report.error?.message).toMatch(/certificate/);
    expect(hub.requests).toEqual([]);
  });

  test('one that NODE_EXTRA_CA_CERTS names is trusted', async () => {
    const { report } = await fetchInProcess([REPOSITORY, ...FILES], { NODE_EXTRA_CA_CERTS: authority }).end;
    expect(report.paths).toHaveLength(2);
  });

  test('through the proxy of HTTPS_PROXY, which sees neither token nor content', async () => {
    const seen: { to: string; headers: IncomingHttpHeaders }[] = [];
    const sockets = new Set<Socket>();
    const proxy = createServer().on('connect', ({ url = '', headers }, socket: Socket, head: Buffer) => {
      seen.push({ to: url, headers });
      const [host, port] = url.split(':');
      const upstream = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      for (const each of [socket, upstream]) sockets.add(each.on('error', () => {}));
    });
    await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
    const HTTPS_PROXY = `http://name:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const env = { NODE_EXTRA_CA_CERTS: authority, HTTPS_PROXY, HF_TOKEN: TOKEN };
    try {
      const { report } = await fetchInProcess([REPOSITORY, ...FILES], { ...env, NO_PROXY: '' }).end;
      expect(report.paths).toHaveLength(2);
      const asked = new Set(seen.map(({ to }) => to));
      expect(asked).toContain(new URL(hub.endpoint).host);
      // The store is another origin.
      expect(asked.size).toBe(2);
      expect(JSON.stringify(seen)).not.toContain(TOKEN);
      expect(seen[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('name:secret').toString('base64')}`);

      const { length } = seen;
      const exempt = await fetchInProcess([REPOSITORY, ...FILES], { ...env, HF_HOME: path.join(place.folder, 'b'), NO_PROXY: '127.0.0.1' })
        .end;
      expect(exempt.report.paths).toHaveLength(2);
      expect(seen.length).toBe(length);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });
});
