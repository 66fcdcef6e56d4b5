import 'dotenv/config';
import fastify from 'fastify';
import { db, pool } from './config/database';
import { closeDocuments, openDocuments } from './config/documents';
import { closeRedis, redis } from './config/redis';
import eventRoutes from './routes/events';
import { ReservationCleanup } from './services/reservation-cleanup';

const app = fastify({ logger: true });
const PORT = parseInt(process.env.PORT || '3003', 10);
const cleanup = new ReservationCleanup(db);

async function start(): Promise<void> {
  await pool.query('select 1');
  await redis().ping();
  await openDocuments();

  app.get('/health', async (_request, reply) => {
    try {
      await db.raw('select 1');
      await redis().ping();
      return { status: 'healthy' };
    } catch {
      return reply.status(503).send({ status: 'degraded' });
    }
  });
  await app.register(eventRoutes, { prefix: '/api/v1' });
  await app.listen({ port: PORT, host: '0.0.0.0' });
  cleanup.start();
}

async function shutdown(): Promise<void> {
  try {
    await app.close();
    cleanup.stop();
    await pool.end();
    await db.destroy();
    await closeDocuments();
    await closeRedis();
    process.exit(0);
  } catch (error) {
    app.log.error(error);
    process.exit(1);
  }
}

process.on('SIGTERM', () => void shutdown());
process.on('SIGINT', () => void shutdown());

start().catch((error) => {
  app.log.error(error);
  process.exit(1);
});
