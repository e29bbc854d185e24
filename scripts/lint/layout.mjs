/** The arrows between the rooms of lib/ (docs/architecture.md): what each may import, and no circles anywhere, of types neither. */
import { cruise } from 'dependency-cruiser';

/** A room and what it may import besides itself; rooms stand above those that they may import. A file of lib/ itself is a room too. */
export const ARROWS = {
  web: ['server'],
  cli: ['index', 'server', 'fleet', 'setup', 'setup/libtorch', 'terminal'],
  server: ['index', 'fleet', 'files', 'arguments', 'abort'],
  fleet: ['index', 'run', 'arguments', 'admission', 'abort', 'errors', 'files'],
  index: ['api', 'run'],
  run: ['api', 'files', 'arguments', 'admission', 'abort', 'errors'],
  api: ['interrogator', 'models', 'labels', 'engine', 'bundles', 'image', 'net', 'files', 'config', 'errors'],
  models: ['bundles', 'native', 'config', 'files', 'tokenizer', 'arguments', 'abort', 'errors'],
  interrogator: ['labels', 'engine', 'hub', 'image', 'native', 'config', 'arguments', 'abort', 'errors'],
  setup: ['models', 'labels', 'native', 'setup/libtorch', 'bundles', 'files', 'terminal', 'errors'],
  labels: ['engine', 'bundles', 'hub', 'wheels', 'net', 'files', 'tokenizer', 'native', 'arguments', 'errors'],
  engine: ['bundles', 'image', 'tokenizer', 'native', 'config', 'arguments', 'admission', 'abort', 'errors'],
  bundles: ['hub', 'files', 'arguments', 'errors'],
  image: ['net', 'arguments', 'admission', 'abort', 'errors'],
  config: ['arguments', 'errors'],
  native: ['setup/libtorch', 'errors'],
  tokenizer: ['abort', 'errors'],
  'setup/libtorch': ['wheels', 'net', 'files', 'terminal', 'errors'],
  wheels: ['net', 'files', 'errors'],
  hub: ['net', 'files', 'errors'],
  net: ['abort', 'errors'],
  files: ['abort', 'errors'],
  terminal: ['net'],
  arguments: ['errors'],
  admission: ['abort', 'errors'],
  abort: ['errors'],
  errors: [],
};

/** What lib/ below `root` has against the layout, a line each. */
export async function layoutFaults(root) {
  const { output } = await cruise(['lib'], {
    baseDir: root,
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    validate: true,
    ruleSet: { forbidden: [...OTHER_RULES, ...arrowRules()] },
  });
  const rooms = Object.keys(ARROWS).map((room) => new RegExp(`^${pathOf(room)}`));
  const strangers = output.modules.filter(({ source }) => source.startsWith('lib/') && !rooms.some((room) => room.test(source)));
  const violations = output.summary.violations.map(
    ({ rule, from, to, cycle }) => `${rule.name}: ${from} → ${cycle?.map(({ name }) => name).join(' → ') ?? to}`,
  );
  return [...violations, ...strangers.map(({ source }) => `no room that the table knows: ${source}`)];
}

const OTHER_RULES = [
  { name: 'circle', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'lib stands for itself',
    severity: 'error',
    from: { path: '^lib/' },
    to: { path: '^(bench|build|dist|models|native|scripts|test)/' },
  },
  {
    name: 'the page takes types of it alone',
    severity: 'error',
    from: { path: '^lib/web/' },
    to: { path: '^lib/server/', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'of the commands only these may know it',
    severity: 'error',
    from: { path: '^lib/cli/', pathNot: '^lib/cli/commands/(doctor|setup)\\.ts$' },
    to: { path: '^lib/setup/' },
  },
];

function arrowRules() {
  return Object.entries(ARROWS).map(([room, allowed]) => ({
    name: `${room} may not know it`,
    severity: 'error',
    from: { path: `^${pathOf(room)}`, ...(room === 'setup' && { pathNot: `^${pathOf('setup/libtorch')}` }) },
    to: { path: '^lib/', pathNot: [room, ...allowed].map((each) => `^${pathOf(each)}`) },
  }));
}

/** A room's folder, or its file. */
function pathOf(room) {
  return `lib/${room}(/|\\.ts$)`;
}
