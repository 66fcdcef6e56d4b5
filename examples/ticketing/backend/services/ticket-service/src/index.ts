import type { FastifyInstance } from 'fastify';
import { createLogger } from '@boxoffice/shared';
import { buildApp } from './app';
import { Cache } from './services/cache';
import { Database } from './services/database';
import { Queue } from './services/queue';
import { ReservationCleanup } from './workers/reservation-cleanup';

const log = createLogger('ticket-service');
const PORT = 3004;
const cleanup = new ReservationCleanup();
let app: FastifyInstance | undefined;

async function start(): Promise<void> {
  await Database.open();
  await Cache.open();
  await Queue.open();
  cleanup.start(60_000);
  app = await buildApp();
  await app.listen({ port: PORT, host: '0.0.0.0' });
}

async function shutdown(signal: string): Promise<void> {
  log.info({ signal }, 'stopping');
  try {
    await Promise.race([
      app?.close(),
      new Promise((_, reject) => setTimeout(() => reject(new Error('the server did not close')), 10_000)),
    ]);
    cleanup.stop();
    await Database.close();
    await Cache.close();
    await Queue.close();
    process.exit(0);
  } catch (error) {
    log.error({ error }, 'did not stop cleanly');
    process.exit(1);
  }
}

process.on('SIGTERM', () => void shutdown('SIGTERM'));
process.on('SIGINT', () => void shutdown('SIGINT'));

start().catch((error) => {
  log.error({ error }, 'did not start');
  process.exit(1);
});
