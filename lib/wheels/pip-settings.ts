/** What pip is told on this machine, by its own rules: environment variables over files, sections over [global]. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { InterrogatorError } from '../errors';
import type { Connection } from '../net/http';
import { parseConfigFile } from './config-file';

export interface PipSettings {
  /** URLs and folders of indexes in the order in which they are asked; none with `no-index`. */
  indexes: string[];
  /** Folders, files and URLs of pages with links; they come before the indexes. */
  findLinks: string[];
  connection: Connection;
  /** The longest silence of a server, in milliseconds. */
  idleMs: number;
  /** How often a page is asked for again. */
  retries: number;
}

const PYPI = 'https://pypi.org/simple';
/** Longer than pip's own 15: a mirror may fetch half a gigabyte itself before it answers. */
const PATIENCE_S = 30;

/** Reads them anew. Throws ERR_CONFIG, naming the file or the setting that pip would refuse. */
export function readPipSettings(env: NodeJS.ProcessEnv = process.env): PipSettings {
  const settings = settle(env);
  const words = (name: string): string[] => settings.get(name)?.split(/\s+/).filter(Boolean) ?? [];
  const index = settings.get('index-url') ?? PYPI;
  const trusted = words('trusted-host').map((host) => host.toLowerCase());
  return {
    indexes: flag(settings, 'no-index') ? [] : [index, ...words('extra-index-url')],
    findLinks: words('find-links'),
    connection: {
      certificates: certificates(settings.get('cert'), env),
      proxy: proxy(settings.get('proxy')),
      isTrusted: ({ hostname, host }) => trusted.includes(hostname) || trusted.includes(host),
    },
    idleMs: (number(settings, 'timeout', 0) || PATIENCE_S) * 1000,
    retries: number(settings, 'retries', 5),
  };
}

/** Other names of a setting. */
const ALIASES: Record<string, string> = { 'pypi-url': 'index-url', 'default-timeout': 'timeout' };

/** Each setting's value. One that is empty says nothing. */
function settle(env: NodeJS.ProcessEnv): Map<string, string> {
  const sections = new Map<string, Map<string, string>>();
  for (const file of configFiles(env)) {
    for (const [name, values] of readSections(file)) {
      const known = sections.get(name) ?? new Map<string, string>();
      for (const [key, value] of values) known.set(normalize(key), value);
      sections.set(name, known);
    }
  }
  const variables = Object.entries(env).filter(([name]) => name.startsWith('PIP_'));
  const inOrder = [
    ...(sections.get('global') ?? []),
    ...(sections.get('install') ?? []),
    ...variables.map(([name, value = '']) => [normalize(name.slice('PIP_'.length)), value] as const),
  ];
  return new Map(inOrder.filter(([, value]) => value !== '').map(([key, value]) => [ALIASES[key] ?? key, value]));
}

function normalize(key: string): string {
  return key.toLowerCase().replaceAll('_', '-').replace(/^--/, '');
}

/** Later ones win: of the system, of the user, of the environment that is active, and the one that PIP_CONFIG_FILE names. */
function configFiles(env: NodeJS.ProcessEnv): string[] {
  const named = env.PIP_CONFIG_FILE;
  if (named === os.devNull) return [];
  const home = os.homedir();
  const ofMac = (folder: string): string => path.join(folder, 'Library', 'Application Support', 'pip');
  const isMac = process.platform === 'darwin';
  const system = isMac ? [ofMac('/')] : [...(env.XDG_CONFIG_DIRS || '/etc/xdg').split(':').map((each) => path.join(each, 'pip')), '/etc'];
  const config = path.join((!isMac && env.XDG_CONFIG_HOME) || path.join(home, '.config'), 'pip');
  const user = [path.join(home, '.pip'), isMac && existsSync(ofMac(home)) ? ofMac(home) : config];
  // Python's own prefix outside of such an environment is not known here.
  const active = env.VIRTUAL_ENV || env.CONDA_PREFIX;
  const folders = [...system, ...(named && existsSync(named) ? [] : user), ...(active ? [active] : [])];
  return [...folders.map((folder) => path.join(folder, 'pip.conf')), ...(named ? [named] : [])];
}

function readSections(file: string): ReturnType<typeof parseConfigFile> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return new Map();
  }
  try {
    return parseConfigFile(text);
  } catch (cause) {
    throw new InterrogatorError('ERR_CONFIG', `pip's settings in ${file} cannot be read: ${(cause as Error).message}.`, {
      hint: 'Correct the file (pip config debug shows where its settings come from), or set PIP_CONFIG_FILE=/dev/null to use none.',
      cause,
    });
  }
}

function flag(settings: Map<string, string>, name: string): boolean {
  const value = settings.get(name)?.toLowerCase() ?? 'no';
  if (/^(y|yes|t|true|on|1)$/.test(value)) return true;
  if (/^(n|no|f|false|off|0)$/.test(value)) return false;
  throw wrong(name, 'expected yes or no');
}

function number(settings: Map<string, string>, name: string, initial: number): number {
  const value = Number(settings.get(name) ?? initial);
  if (value >= 0 && value < 1e6) return value;
  throw wrong(name, 'expected a number');
}

/** As requests, which pip is built on, looks for them; OpenSSL's variable last. Null for Node's own. */
function certificates(setting: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const file = setting?.replace(/^~(?=\/|$)/, os.homedir());
  const named = file || env.REQUESTS_CA_BUNDLE || env.CURL_CA_BUNDLE;
  if (named && !existsSync(named)) throw wrong('cert', `${named} does not exist`);
  const found = named || env.SSL_CERT_FILE;
  // Node reads no folders of certificates.
  return found && statSync(found, { throwIfNoEntry: false })?.isFile() ? path.resolve(found) : null;
}

function proxy(setting: string | undefined): string | undefined {
  if (setting === undefined) return undefined;
  const url = setting.includes('://') ? setting : `http://${setting}`;
  // Without its text, which may hold a password.
  if (!URL.canParse(url)) throw wrong('proxy', 'it is no URL');
  return url;
}

function wrong(name: string, what: string): InterrogatorError {
  return new InterrogatorError('ERR_CONFIG', `pip's setting ${name} cannot be used: ${what}.`, {
    hint: `pip config list shows it; the environment variable PIP_${name.toUpperCase().replaceAll('-', '_')} stands for it too.`,
  });
}
