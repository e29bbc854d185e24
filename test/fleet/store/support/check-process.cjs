// A process that checks a store, and prints how that failed: node check-process.cjs LOCATION. Within jest the SDK loses what the system says.
require('../../../support/uncompiled.cjs');
const { inspect } = require('node:util');
const { openStore } = require('../../../../lib/fleet/store/index.ts');

openStore(process.argv[2])
  .then((store) => store.check())
  .catch((error) => {
    const { code, message, hint } = error;
    console.log(JSON.stringify({ code, message, hint, shown: inspect(error, { depth: 9, showHidden: true }) }));
  });
