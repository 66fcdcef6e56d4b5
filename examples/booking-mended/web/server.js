const http = require('node:http');

const server = http.createServer((request, response) => {
  if (request.url === '/healthz') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"status":"ok"}');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end('<h1>Cabins</h1>');
});

process.on('SIGTERM', () => server.close(() => process.exit(0)));

server.listen(3000, '0.0.0.0');
