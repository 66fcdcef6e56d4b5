process.env.SERVICE_NAME = 'payment-service';
