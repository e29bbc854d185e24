/** A worker of a fleet with the sample pair: REDIS is its Redis. SIGTERM drains it. */
const { Fleet } = require('../../../../dist/fleet/redis/connect');
const { answerRequests } = require('../../../../dist/server/fleet/responder');

async function main() {
  const fleet = await Fleet.connect({ url: process.env.REDIS });
  const responder = await answerRequests(fleet, {
    clip: ['sample'],
    caption: ['sample'],
    device: ['cpu'],
    config: { cachePath: null, threads: 1 },
    onError: (error) => console.error(error),
  });
  process.on('SIGTERM', async () => {
    await responder.drain();
    await responder.close();
    fleet.close();
    process.exit(0);
  });
  console.log('ready');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
