import amqp, { ChannelModel } from 'amqplib';

let connection: ChannelModel | undefined;

export const Queue = {
  async open(): Promise<void> {
    connection = await amqp.connect(process.env.RABBITMQ_URL ?? 'amqp://localhost');
  },
  async close(): Promise<void> {
    await connection?.close();
  },
};
