import fastify, { FastifyInstance } from 'fastify';
import healthRoutes from './routes/health.routes';
import paymentRoutes from './routes/payment.routes';

export async function buildApp(): Promise<FastifyInstance> {
  const app = fastify();
  await app.register(healthRoutes);
  await app.register(paymentRoutes, { prefix: '/api/v1/payments' });
  return app;
}
