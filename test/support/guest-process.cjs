// Requires a module of lib/ and prints as JSON what that changed in the process: node guest-process.cjs MODULE
require('./uncompiled.cjs');
// Node itself wraps process.chdir when it loads this.
require('node:worker_threads');

const EVENTS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGALRM', 'exit', 'beforeExit', 'uncaughtException', 'warning'];
// What other libraries have been seen to replace.
const OBJECTS = { process, fs: require('node:fs'), console, globalThis, http: require('node:http'), https: require('node:https') };

const functionsOf = (object) =>
  new Map(Object.getOwnPropertyNames(object).map((name) => [name, Object.getOwnPropertyDescriptor(object, name).value]));
const symbolsOf = (object) => Object.getOwnPropertySymbols(object).map(String);

const before = {
  functions: Object.entries(OBJECTS).map(([name, object]) => [name, functionsOf(object), symbolsOf(object)]),
  listeners: EVENTS.map((event) => process.listenerCount(event)),
  modules: new Set(Object.keys(require.cache)),
  environment: JSON.stringify(process.env),
};
require(process.argv[2]);

const replaced = before.functions.flatMap(([name, functions, symbols]) => {
  const now = functionsOf(OBJECTS[name]);
  // A global that was a getter until it was first used is no change.
  const isChanged = ([key, value]) => !functions.has(key) || (functions.get(key) !== undefined && !Object.is(functions.get(key), value));
  const changed = [...now].filter(isChanged).map(([key]) => key);
  return [...changed, ...symbolsOf(OBJECTS[name]).filter((symbol) => !symbols.includes(symbol))].map((key) => `${name}.${key}`);
});
const listeners = EVENTS.filter((event, i) => process.listenerCount(event) !== before.listeners[i]);
const packages = Object.keys(require.cache)
  .filter((file) => !before.modules.has(file))
  .flatMap((file) => /node_modules\/((@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
const modules = Object.keys(require.cache).filter((file) => !before.modules.has(file)).length;
const environment = JSON.stringify(process.env) === before.environment ? [] : Object.keys(process.env);
process.stdout.write(JSON.stringify({ replaced, listeners, packages: [...new Set(packages)], modules, environment }));
