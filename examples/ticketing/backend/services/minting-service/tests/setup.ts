process.env.SERVICE_NAME = 'minting-service';
