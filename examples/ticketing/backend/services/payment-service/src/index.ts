import type { FastifyInstance } from 'fastify';
import { createLogger } from '@boxoffice/shared';
import { buildApp } from './app';
import { Cache } from './services/cache';
import { Database } from './services/database';
import { startWebhookConsumer } from './workers/webhook-consumer';
import { webhookProcessor } from './workers/webhook-processor';

const log = createLogger('payment-service');
const PORT = Number(process.env.PORT || 3006);
let app: FastifyInstance | undefined;

async function start(): Promise<void> {
  await Database.open();
  await Cache.open();
  webhookProcessor.start();
  await startWebhookConsumer();
  app = await buildApp();
  await app.listen({ port: PORT, host: '0.0.0.0' });
}

async function shutdown(signal: string): Promise<void> {
  log.info({ signal }, 'stopping');
  const forced = setTimeout(() => process.exit(1), 30_000);
  await app?.close();
  await Database.close();
  await Cache.close();
  clearTimeout(forced);
  process.exit(0);
}

process.on('SIGTERM', () => void shutdown('SIGTERM'));
process.on('SIGINT', () => void shutdown('SIGINT'));

start().catch((error) => {
  log.error({ error }, 'did not start');
  process.exit(1);
});
