import fastify, { FastifyInstance } from 'fastify';
import healthRoutes from './routes/health.routes';
import ticketRoutes from './routes/ticket.routes';

export async function buildApp(): Promise<FastifyInstance> {
  const app = fastify();
  await app.register(healthRoutes);
  await app.register(ticketRoutes, { prefix: '/api/v1/tickets' });
  return app;
}
