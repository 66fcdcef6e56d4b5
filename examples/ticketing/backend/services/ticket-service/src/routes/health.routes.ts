import type { FastifyInstance } from 'fastify';
import { Database } from '../services/database';

export default async function healthRoutes(app: FastifyInstance): Promise<void> {
  app.get('/health', async () => ({ status: 'ok', service: 'ticket-service' }));

  app.get('/health/ready', async (_request, reply) => {
    try {
      await Database.get().raw('select 1');
      return { status: 'ready' };
    } catch {
      return reply.status(503).send({ status: 'not ready' });
    }
  });
}
