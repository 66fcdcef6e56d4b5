import fastify, { type FastifyInstance } from 'fastify';
import type { Knex } from 'knex';
import { healthRoutes } from './routes/health';
import { venueRoutes } from './routes/venues';

export async function buildApp(db: Knex): Promise<FastifyInstance> {
  const app = fastify({ logger: true });
  await app.register(healthRoutes(db));
  await app.register(venueRoutes(db), { prefix: '/api/v1/venues' });
  return app;
}
