import amqp from 'amqplib';
import { createLogger } from '@boxoffice/shared';

const log = createLogger('payment-service');

export async function startWebhookConsumer(): Promise<void> {
  const connection = await amqp.connect(process.env.RABBITMQ_URL ?? 'amqp://localhost');
  const channel = await connection.createChannel();
  await channel.assertQueue('webhooks');
  await channel.consume('webhooks', (message) => {
    if (message) {
      log.info({ bytes: message.content.length }, 'webhook');
      channel.ack(message);
    }
  });
}
