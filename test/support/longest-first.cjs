/** The order of the test files: those that take longest first. A fresh clone has no times of earlier runs to go by. */
const { default: Sequencer } = require('@jest/test-sequencer');

const LONGEST = ['parity/full-size', 'lifecycle/lifecycle', 'memory/memory', 'bench/bench', 'parity/tiny', 'native/calls', 'fuzz/'];

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const place = ({ path }) => LONGEST.findIndex((name) => path.includes(name)) + 1 || LONGEST.length + 1;
    return [...super.sort(tests)].sort((a, b) => place(a) - place(b));
  }
};
