import type { FastifyInstance } from 'fastify';
import type { Knex } from 'knex';

export function healthRoutes(db: Knex) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/health', async () => ({ status: 'alive' }));

    app.get('/health/ready', async (_request, reply) => {
      try {
        await db.raw('select 1');
        return { status: 'ready' };
      } catch {
        return reply.status(503).send({ status: 'not ready' });
      }
    });
  };
}
