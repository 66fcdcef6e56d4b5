import knex, { type Knex } from 'knex';
import type { FastifyInstance } from 'fastify';
import { buildApp } from './app';
import config from './knexfile';

const PORT = Number(process.env.PORT || 3002);
let db: Knex | undefined;
let app: FastifyInstance | undefined;
let stopping = false;

async function shutdown(): Promise<void> {
  if (stopping) {
    return;
  }
  stopping = true;
  // Less than the 15 seconds that the platform gives.
  const forced = setTimeout(() => process.exit(1), 10_000);
  await app?.close();
  await db?.destroy();
  clearTimeout(forced);
  process.exit(0);
}

// Before anything is opened: a stop during the start is a stop too.
process.once('SIGTERM', () => void shutdown());
process.once('SIGINT', () => void shutdown());

async function start(): Promise<void> {
  db = knex(config);
  await db.raw('select 1');
  app = await buildApp(db);
  await app.listen({ port: PORT, host: '0.0.0.0' });
}

start().catch((error) => {
  console.error('venue-service did not start', error);
  process.exit(1);
});
