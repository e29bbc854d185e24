/** npm run build: TypeScript, core and addon, from what `npm run setup` found or fetched. */
import { main } from './step.mjs';
import { setUp } from './setup.mjs';

await main(async () => {
  await setUp();
});
