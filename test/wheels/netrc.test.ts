/** Files of names and passwords, read as Python's netrc reads them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pythonCommand } from '../../lib/setup/libtorch/locate';
import { netrcCredentials, parseNetrc } from '../../lib/wheels/netrc';

const FILES = [
  'machine a login b password c',
  'machine a\n\tlogin b\n\tpassword c\n\nmachine d login e password f\ndefault login g password h\n',
  '# a comment machine x login y password z\nmachine a login "b c" password "d\\"e"\n',
  'machine a login b # of a team\npassword c\n',
  'macdef init\ncd /pub\nmachine x login y password z\n\nmachine a login b password c\n',
  'machine a login b account c password #d\\\\e\n',
  'machine a user b password p@ss:w%rd\nmachine a login second password c',
];

test.each(FILES)('%j', (text) => {
  const code = `
import json, netrc, sys, tempfile
with tempfile.NamedTemporaryFile("w", suffix="netrc") as file:
    file.write(sys.stdin.read())
    file.flush()
    hosts = netrc.netrc(file.name).hosts
print(json.dumps({"" if host == "default" else host: {"username": login, "password": password} for host, (login, _, password) in hosts.items()}))`;
  const answer = execFileSync(pythonCommand(), ['-c', code], { input: text, encoding: 'utf8' });
  expect(Object.fromEntries(parseNetrc(text))).toEqual(JSON.parse(answer));
});

test('a file that breaks off gives what it has', () => {
  for (const text of ['machine', 'machine a login', 'machine a login "b', '"', 'macdef x', 'login b password c', '\\']) {
    expect(() => parseNetrc(text)).not.toThrow();
  }
});

test('NETRC names the file; one that is not there says nothing', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'netrc-'));
  const file = path.join(folder, 'netrc');
  expect(netrcCredentials('a', { NETRC: file })).toBeUndefined();
  writeFileSync(file, 'machine a login b password c\n');
  expect(netrcCredentials('a', { NETRC: file })).toEqual({ username: 'b', password: 'c' });
  expect(netrcCredentials('other', { NETRC: file })).toBeUndefined();
  rmSync(folder, { recursive: true });
});
