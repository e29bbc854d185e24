/** npm run build: TypeScript, core and addon, from what `npm run setup` found or fetched. */

import { setUp } from './setup.mjs';
import { main } from './step.mjs';

await main(async () => {
  await setUp();
});
