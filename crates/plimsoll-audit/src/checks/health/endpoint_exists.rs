//! # What the health checks ask is answered
//!
//! Every probe (HEALTHCHECK, compose, Kubernetes; if there is none, `/health`) asks a route that
//! the program registers, at the port that it listens on.
//!
//! A probe for a route that does not exist gets 404: the service is unhealthy from the first
//! minute, or, with a client that ignores the status, healthy for ever.
//!
//! Register the route in the program, and ask it at the port that the program listens on.
//!
//! The program is read from the module that the image starts through its imports: a route that
//! nothing reaches answers nobody. PARTIAL: the route is there and its port is another, it turns a
//! probe away, never answers, speaks TLS only to a probe by http, or is out of Kubernetes' reach. Of a program in Go, what `main` surely leads to is taken, by its literals; of one of
//! Spring Boot, what annotations and settings say, where no package or filter that is not known may
//! stand before it; programs in languages that are not read are UNKNOWN; of a site that nginx serves
//! as its image is configured, a route is a file of the image.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! COPY site /usr/share/nginx/html
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1/health # <- no file answers /health
//! ```
//! `site/about.html`:
//! ```html
//! <p>About</p>
//! ```
//!
//! A route for all the rest that only throws:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health # <- no route answers /health
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! const { NotFoundError, errorHandler } = require("@orders/common");
//! app.get("/api/orders", (req, res) => res.json([]));
//! app.all("*", async () => {
//!   throw new NotFoundError();
//! });
//! app.use(errorHandler);
//! app.listen(3000);
//! ```
//!
//! No module that the start reaches registers it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health # <- no route answers /health
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/orders", (request, reply) => reply.json([]));
//! app.post("/health", (request, reply) => reply.end());
//! app.listen(3000); // <- has no such route
//! ```
//! `health.js`:
//! ```js
//! module.exports = (app) => app.get("/health", (request, reply) => reply.end());
//! ```
//!
//! All the rest is only told that it is nothing:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health # <- no route answers /health
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/orders", (request, reply) => reply.json([]));
//! app.all("*", async () => {
//!   throw new Error("not found");
//! });
//! app.listen(3000);
//! ```
//!
//! A descriptor sets the prefix to another than the program's own:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const express = require("express");
//! const app = express();
//! const router = express.Router();
//! router.get("/health", (request, reply) => reply.json({ up: true }));
//! app.use(process.env.BASE_PATH || "/api", router);
//! app.listen(3000);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       BASE_PATH: /v2
//!     healthcheck:
//!       test: ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:3000/api/health"] # <- no route answers /api/health
//! ```
//!
//! A file of variables does:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const express = require("express");
//! const app = express();
//! const router = express.Router();
//! router.get("/health", (request, reply) => reply.json({ up: true }));
//! app.use(process.env.BASE_PATH || "/api", router);
//! app.listen(3000);
//! ```
//! `api.env`:
//! ```sh
//! BASE_PATH=/v2
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     env_file: api.env
//!     healthcheck:
//!       test: ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:3000/api/health"] # <- no route answers /api/health
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! COPY site /usr/share/nginx/html # <- answers /about.html
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1/about.html
//! ```
//!
//! ## Passes
//!
//! A route with its prefix, at the port that the descriptor sets:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! ENV PORT=8080
//! EXPOSE 8080
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:8080/api/health # <- asks 8080/api/health
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.use("/api", require("./health"));
//! app.listen(process.env.PORT || 3000);
//! ```
//! `health.js`:
//! ```js
//! const router = require("express").Router();
//! router.get("/health", (request, reply) => reply.json({ up: true })); // <- answers /api/health
//! module.exports = router;
//! ```
//!
//! The image's own page:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1/ # <- asks 80/
//! ```
//!
//! An address that is put together:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! EXPOSE 3000
//! HEALTHCHECK CMD node -e "fetch('http://localhost:' + (process.env.PORT || 3000) + '/health').then(r => process.exit(r.ok ? 0 : 1))" # <- asks 3000/health
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.end()); // <- answers /health
//! app.listen(process.env.PORT || 3000);
//! ```
//!
//! By a script of its own:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! EXPOSE 3000
//! HEALTHCHECK CMD node healthcheck.js # <- asks 3000/health
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.end()); // <- answers /health
//! app.listen(process.env.PORT || 3000);
//! ```
//! `healthcheck.js`:
//! ```js
//! const port = process.env.PORT || 3000;
//! const request = require("http").get(`http://127.0.0.1:${port}/health`, (reply) => {
//!   process.exit(reply.statusCode === 200 ? 0 : 1);
//! });
//! request.on("error", () => process.exit(1));
//! ```
//!
//! A `/` at the end makes no other path for Express:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! EXPOSE 3000
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health/ # <- asks 3000/health/
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.end()); // <- answers /health
//! app.listen(process.env.PORT || 3000);
//! ```
//!
//! A program in Go, whose `main` says what it answers:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS build
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders ./cmd/orders
//!
//! FROM gcr.io/distroless/static
//! COPY --from=build /orders /orders
//! EXPOSE 8080
//! ENTRYPOINT ["/orders"]
//! ```
//! `go.mod`:
//! ```text
//! module example.org/orders
//!
//! go 1.26
//! ```
//! `cmd/orders/main.go`:
//! ```go
//! package main
//!
//! import (
//!     "log"
//!     "net/http"
//!     "os"
//! )
//!
//! func main() {
//!     port := os.Getenv("PORT")
//!     if port == "" {
//!         port = "8080"
//!     }
//!     mux := http.NewServeMux()
//!     mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) { // <- answers /health
//!         w.Write([]byte("ok"))
//!     })
//!     log.Fatal(http.ListenAndServe(":"+port, mux)) // <- listens on 8080
//! }
//! ```
//! `api.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: orders
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: orders
//!           image: registry.example/orders:1
//!           livenessProbe:
//!             httpGet: {path: /health, port: 8080} # <- asks 8080/health
//! ```
//! `skaffold.yaml`:
//! ```yaml
//! apiVersion: skaffold/v4beta6
//! kind: Config
//! build:
//!   artifacts:
//!     - image: registry.example/orders
//!       context: .
//! ```
//!
//! A ConfigMap gives port and prefix:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const express = require("express");
//! const app = express();
//! const router = express.Router();
//! router.get("/health", (request, reply) => reply.json({ up: true })); // <- answers /v2/health
//! app.use(process.env.BASE_PATH || "/api", router);
//! app.listen(process.env.PORT || 3000);
//! ```
//! `k8s/config.yaml`:
//! ```yaml
//! apiVersion: v1
//! kind: ConfigMap
//! metadata:
//!   name: api
//! data:
//!   PORT: "8080"
//!   prefix: /v2
//! ```
//! `k8s/api.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: api
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: api
//!           image: registry.example/api:1
//!           envFrom:
//!             - configMapRef: {name: api} # <- listens on 8080
//!           env:
//!             - name: BASE_PATH
//!               valueFrom: {configMapKeyRef: {name: api, key: prefix}}
//!           livenessProbe:
//!             httpGet: {path: /v2/health, port: 8080} # <- asks 8080/v2/health
//! ```
//! `skaffold.yaml`:
//! ```yaml
//! apiVersion: skaffold/v4beta6
//! kind: Config
//! build:
//!   artifacts:
//!     - image: registry.example/api
//!       context: .
//! ```
//!
//! A program of Spring Boot, by its annotations and its settings:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM maven:3.9-eclipse-temurin-21 AS build
//! WORKDIR /src
//! COPY . .
//! RUN mvn -q package
//!
//! FROM eclipse-temurin:21-jre
//! COPY --from=build /src/target/orders-1.0.jar /orders.jar
//! EXPOSE 8080
//! CMD ["java", "-jar", "/orders.jar"]
//! ```
//! `pom.xml`:
//! ```xml
//! <project>
//!   <parent>
//!     <groupId>org.springframework.boot</groupId>
//!     <artifactId>spring-boot-starter-parent</artifactId>
//!     <version>3.4.1</version>
//!   </parent>
//!   <artifactId>orders</artifactId>
//!   <dependencies>
//!     <dependency>
//!       <groupId>org.springframework.boot</groupId>
//!       <artifactId>spring-boot-starter-web</artifactId>
//!     </dependency>
//!   </dependencies>
//! </project>
//! ```
//! `src/main/resources/application.yml`:
//! ```yaml
//! server:
//!   port: ${PORT:8080} # <- listens on 8080
//! ```
//! `src/main/java/org/example/Orders.java`:
//! ```java
//! package org.example;
//!
//! import org.springframework.boot.SpringApplication;
//! import org.springframework.boot.autoconfigure.SpringBootApplication;
//!
//! @SpringBootApplication
//! public class Orders {
//!     public static void main(String[] args) {
//!         SpringApplication.run(Orders.class, args);
//!     }
//! }
//! ```
//! `src/main/java/org/example/Health.java`:
//! ```java
//! package org.example;
//!
//! import org.springframework.web.bind.annotation.GetMapping;
//! import org.springframework.web.bind.annotation.RestController;
//!
//! @RestController
//! class Health {
//!     @GetMapping("/health") // <- answers /health
//!     String health() {
//!         return "ok";
//!     }
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     healthcheck:
//!       test: ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:8080/health"] # <- asks 8080/health
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:8080/ # <- nginx listens on 80
//! ```
//!
//! The program's port is another:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! EXPOSE 8080
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:8080/health # <- the probe says 8080
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.end());
//! app.listen(process.env.PORT || 3000); // <- listens on 3000
//! ```
//!
//! A file of variables sets another port:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.send("well"));
//! app.listen(process.env.PORT || 3000);
//! ```
//! `api.env`:
//! ```sh
//! PORT=8080
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     env_file: api.env # <- listens on 8080
//!     healthcheck:
//!       test: ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:3000/health"] # <- the probe says 3000
//! ```
//!
//! The port of the check is one that only the descriptor sets:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:8080/health # <- asks 8080
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.send("well"));
//! app.listen(process.env.PORT || 3000); // <- the default is 3000
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       PORT: "8080"
//! ```
//!
//! Nobody without credentials is answered:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.use((request, reply, next) => {
//!   if (!request.headers.authorization) return reply.status(401).end(); // <- turns probes away
//!   next();
//! });
//! app.get("/health", (request, reply) => reply.end());
//! app.listen(3000);
//! ```
//!
//! What is registered first answers everything:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health # <- asks 3000/health
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("*", (request, reply) => reply.send("<html></html>")); // <- answers /health, too
//! app.get("/health", (request, reply) => reply.end());
//! app.listen(3000);
//! ```
//!
//! It succeeds whatever is answered:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health || exit 0 # <- succeeds whatever
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.end());
//! app.listen(3000);
//! ```
//!
//! A program that asks, and looks at no status:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD node -e "require('http').get('http://127.0.0.1:3000/health', r => process.exit(0))" # <- succeeds whatever
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.end());
//! app.listen(3000);
//! ```
//!
//! What stands around the program turns it away:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const http = require("http");
//! const app = require("express")();
//! const protect = (inner) => (request, reply) => {
//!   if (!request.headers.authorization) { reply.writeHead(401); return reply.end(); } // <- turns probes away
//!   inner(request, reply);
//! };
//! app.get("/health", (request, reply) => reply.end()); // <- answers /health
//! http.createServer(protect(app)).listen(3000);
//! ```
//!
//! FastAPI answers 422 to whoever does not send what the route requires:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD curl -f http://127.0.0.1:8000/health # <- asks 8000/health
//! CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
//! ```
//! `main.py`:
//! ```python
//! from fastapi import FastAPI
//!
//! app = FastAPI()
//!
//! @app.get("/health")
//! def health(deep: bool): # <- answers 422
//!     return {"deep": deep}
//! ```
//!
//! Only TLS is spoken there:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health # <- asks by http
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const https = require("https");
//! const fs = require("fs");
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.end());
//! https.createServer({ key: fs.readFileSync("key.pem"), cert: fs.readFileSync("cert.pem") }, app).listen(3000); // <- speaks TLS only
//! ```
//!
//! Fastify listens on the loopback address where none is named: Kubernetes asks from outside:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("fastify")();
//! app.get("/health", async () => "well");
//! app.listen({ port: 3000 }); // <- the loopback address only
//! ```
//! `api.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: api
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: api
//!           image: registry.example/api:1
//!           livenessProbe:
//!             httpGet: {path: /health, port: 3000} # <- asks 3000 from outside
//! ```
//! `skaffold.yaml`:
//! ```yaml
//! apiVersion: skaffold/v4beta6
//! kind: Config
//! build:
//!   artifacts:
//!     - image: registry.example/api
//!       context: .
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 # <- (Go) is not read
//! EXPOSE 3000
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health # <- asks 3000/health
//! CMD ["/orders"]
//! ```
//!
//! Which routers there are is computed:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/orders", (request, reply) => reply.json([]));
//! for (const name of require("fs").readdirSync("routes")) require("./routes/" + name)(app);
//! app.listen(3000);
//! ```
//!
//! The file that may set the port is not in the tree:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.send("well"));
//! app.listen(process.env.PORT || 3000);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     env_file: .env # <- Audit the directory that holds it
//!     healthcheck:
//!       test: ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:3000/health"] # <- asks 3000/health
//! ```
//!
//! A Secret may set the prefix:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const express = require("express");
//! const app = express();
//! const router = express.Router();
//! router.get("/health", (request, reply) => reply.json({ up: true })); // <- Audit the directory that holds it
//! app.use(process.env.BASE_PATH || "/api", router);
//! app.listen(3000);
//! ```
//! `api.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: api
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: api
//!           image: registry.example/api:1
//!           envFrom:
//!             - secretRef: {name: api}
//!           livenessProbe:
//!             httpGet: {path: /api/health, port: 3000} # <- asks 3000/api/health
//! ```
//! `skaffold.yaml`:
//! ```yaml
//! apiVersion: skaffold/v4beta6
//! kind: Config
//! build:
//!   artifacts:
//!     - image: registry.example/api
//!       context: .
//! ```
//!
//! A call of gRPC's health service, which is no route:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.send("well"));
//! app.listen(3000);
//! ```
//! `api.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: api
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: api
//!           image: registry.example/api:1
//!           readinessProbe:
//!             grpc: {port: 3000} # <- asks gRPC's health service
//! ```
//! `skaffold.yaml`:
//! ```yaml
//! apiVersion: skaffold/v4beta6
//! kind: Config
//! build:
//!   artifacts:
//!     - image: registry.example/api
//!       context: .
//! ```
//!
//! ## See also
//!
//! - `health/check-defined`: the probe itself, its program and its port.

use plimsoll_model::Why;
use plimsoll_model::code::{Answers, Guard, Listen};
use plimsoll_model::image::{HealthTest, Healthcheck};
use plimsoll_source::Span;

use crate::conditions::RUNS_AS_A_SERVICE;
use crate::evidence::clip;
use crate::health::{Deployment, each_asked};
use crate::served::{self, Found};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Outcome, Part, Run, Section, ServiceSubject, Severity,
    Status, Verdict, program, static_site,
};

pub(super) static CHECK: Check = Check {
    id: "health/endpoint-exists",
    section: Section::HealthChecks,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &["health/check-defined"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&RUNS_AS_A_SERVICE],
    source: include_str!("endpoint_exists.rs"),
    run: Run::Service(|cx, service| each_asked(cx, service, |d| judge(cx, service, d))),
    fix: None,
};

fn judge(cx: &Cx<'_>, service: ServiceSubject<'_>, d: Deployment<'_>) -> Verdict {
    let mut asked: Vec<Healthcheck> = d.healthcheck(cx).into_iter().collect();
    if let Some(container) = d.container.filter(|_| d.is_kubernetes()) {
        asked.extend(container.healthcheck.iter().chain(&container.readiness).cloned());
    }
    let mut judged = Vec::new();
    for health in &asked {
        let probe = cx.delivery.probe(&health.test, d.image).unwrap_or_default();
        let port = probe.port.as_deref();
        let number = port.and_then(|port| d.port_number(port));
        let path = match (probe.path.as_deref(), probe.scheme.as_deref()) {
            (Some(""), _) | (None, Some("http" | "https")) => "/",
            (Some(path), _) => path,
            // A connection asks for no route.
            (None, Some("tcp")) => continue,
            (None, Some("grpc")) => {
                let message = "whether the program answers gRPC's health service cannot be told";
                let evidence = Evidence::context(health.span, "asks gRPC's health service");
                judged.push(Verdict::unknown(Why::Unsupported, message, evidence));
                continue;
            }
            _ => {
                let message = "what the health check asks stands in a program of its own";
                let evidence = Evidence::context(health.span, "is not read");
                judged.push(Verdict::unknown(Why::Unsupported, message, evidence));
                continue;
            }
        };
        // A port by name is one of Kubernetes' own.
        if port.is_some_and(|port| port.contains(['$', '?'])) && number.is_none()
            || path.contains('$')
        {
            let evidence = Evidence::context(health.span, "asks what a variable says");
            let message = "what the health check asks depends on a variable";
            judged.push(Verdict::unknown(Why::Dynamic, message, evidence));
            continue;
        }
        let verdict = route(cx, service, d, path, number, health.span);
        if let Some(well) = probe.always.filter(|_| verdict.outcome == Outcome::Pass) {
            let says = if well { "succeeds" } else { "fails" };
            let message =
                format!("the probe {says} whatever `{}` answers: let that decide", clip(path));
            let says = format!("{says} whatever is answered");
            let evidence = Evidence::contradicts(health.span, says);
            judged.push(Verdict::partial(message, evidence).and_all(verdict.evidence));
            continue;
        }
        let is_plain = probe.scheme.as_deref() != Some("https");
        let unheard = number.and_then(|port| unheard(cx, service, d, health, port, is_plain));
        let literal = number.filter(|_| port.is_some_and(|port| port.parse::<u16>().is_ok()));
        let alone = || literal.and_then(|port| alone(cx, service, d, health.span, port));
        judged.push(match unheard.or_else(alone).filter(|_| verdict.outcome == Outcome::Pass) {
            Some(partial) => partial.and_all(verdict.evidence),
            None => verdict,
        });
    }
    if judged.is_empty() {
        let at = d.places().first().copied().unwrap_or(service.place);
        judged.push(route(cx, service, d, "/health", None, at));
    }
    judged.sort_by_key(|verdict| std::cmp::Reverse(verdict.outcome.rank()));
    let mut judged = judged.into_iter();
    let Some(worst) = judged.next() else {
        let evidence = Evidence::context(service.place, "no probe");
        return Verdict::unknown(Why::Internal, "no probe was judged", evidence);
    };
    worst.and_all(judged.flat_map(|verdict| verdict.evidence))
}

/// What asks a port in vain, although it is the right one: in plain text where only TLS is spoken,
/// or from outside the container what listens on its loopback address.
fn unheard(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    d: Deployment<'_>,
    health: &Healthcheck,
    port: u16,
    is_plain: bool,
) -> Option<Verdict> {
    let code = program::code_in(cx, service, d.container).ok()?;
    let there = |listen: &&Listen| served::port(d, listen).map_or(true, |(own, _)| own == port);
    let there: Vec<&Listen> = code.listens.iter().filter(there).collect();
    let first = there.first()?;
    if is_plain && there.iter().all(|listen| listen.tls) {
        let message = format!("only TLS is spoken on {port}, the probe asks by http: ask by https");
        let verdict = Verdict::partial(message, Evidence::contradicts(health.span, "asks by http"));
        return Some(verdict.and(Evidence::contradicts(first.at, "speaks TLS only")));
    }
    // Kubernetes itself asks these, at the address of the pod.
    let is_outside = matches!(health.test, HealthTest::Http { .. } | HealthTest::Port(_));
    let loopback: Option<Vec<Span>> =
        there.iter().map(|listen| served::loopback(d, listen)).collect();
    let at = *loopback.filter(|_| is_outside)?.first()?;
    let message = "the program listens on its loopback address only, where Kubernetes asks in vain: \
                   listen on 0.0.0.0";
    let verdict = Verdict::partial(message, Evidence::contradicts(at, "the loopback address only"));
    Some(verdict.and(Evidence::contradicts(health.span, format!("asks {port} from outside"))))
}

/// The image's own check asks the image's own port: one that only the descriptor sets is another
/// wherever the image runs without it.
fn alone(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    d: Deployment<'_>,
    at: Span,
    port: u16,
) -> Option<Verdict> {
    let image = d.image.filter(|image| d.container.is_some() && at.file == image.file)?;
    let code = program::code_in(cx, service, d.container).ok()?;
    let alone = Deployment { container: None, image: Some(image) };
    let listens: Option<Vec<(u16, Span)>> =
        code.listens.iter().map(|listen| served::port(alone, listen).ok()).collect();
    let listens = listens?;
    let &(own, place) = listens.first()?;
    if listens.iter().any(|(own, _)| *own == port) {
        return None;
    }
    let message =
        format!("by itself the image listens on {own}, its health check asks {port}: name one");
    let verdict = Verdict::partial(message, Evidence::contradicts(at, format!("asks {port}")));
    Some(verdict.and(Evidence::contradicts(place, format!("the default is {own}"))))
}

/// Whether a path is answered at a port (`None`: wherever it listens).
fn route(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    d: Deployment<'_>,
    path: &str,
    port: Option<u16>,
    at: Span,
) -> Verdict {
    let Some(site) = static_site::of(d) else {
        return by_program(cx, service, d, path, port, at);
    };
    let asks = asks(path, port);
    match site.serves(cx, path) {
        Err(why) => Verdict::unknown(
            why,
            format!("whether the site answers `{asks}` cannot be told"),
            Evidence::context(at, format!("asks {asks}")),
        ),
        Ok(None) => Verdict::fail(
            format!("nginx answers 404 to `{}`: add the file, or ask another path", clip(path)),
            Evidence::missing_in(at, format!("no file answers {path}")),
        ),
        Ok(Some(_)) if port.is_some_and(|port| port != site.port) => Verdict::partial(
            format!("the probe asks `{asks}`, nginx listens on {}: ask that port", site.port),
            Evidence::contradicts(at, format!("nginx listens on {}", site.port)),
        ),
        Ok(Some(via)) => Verdict::pass(
            "what the health checks ask is a file that nginx serves",
            Evidence::shows(via, format!("answers {path}")),
        )
        .and(Evidence::shows(at, format!("asks {asks}"))),
    }
}

fn asks(path: &str, port: Option<u16>) -> String {
    let path = clip(path);
    port.map_or(path.clone(), |port| format!("{port}{path}"))
}

/// Whether the program answers it: a route, what stands before it, and the port.
fn by_program(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    d: Deployment<'_>,
    path: &str,
    port: Option<u16>,
    at: Span,
) -> Verdict {
    let name = clip(path);
    let asks = Evidence::context(at, format!("asks {}", asks(path, port)));
    let unknown = |why: Why, place: Span| {
        let message = format!("whether the program answers `{name}` cannot be told");
        served::unread(cx, service, (why, place), message).and(asks.clone())
    };
    let code = match program::code_in(cx, service, d.container) {
        Ok(code) => code,
        Err((why, place)) => return unknown(why, place),
    };
    let route = match served::find(code, path) {
        Found::Route(route) => route,
        Found::Doubt(why, place) => return unknown(why, place),
        Found::Nothing => {
            let listens = code.listens.iter().map(|listen| listen.at);
            return Verdict::fail(
                format!("the program has no route `{name}`: register it, or ask another"),
                Evidence::missing_in(at, format!("no route answers {name}")),
            )
            .and_all(listens.map(|at| Evidence::context(at, "listens, and has no such route")));
        }
    };
    let answers = Evidence::shows(route.at, format!("answers {name}"));
    match route.guard {
        Guard::Open => {}
        Guard::Rejects(guard) => {
            return Verdict::partial(
                format!("`{name}` turns away who brings no credentials: let probes through"),
                Evidence::contradicts(guard, "turns probes away"),
            )
            .and(answers)
            .and(asks);
        }
        Guard::Shadows(other) => {
            return Verdict::partial(
                format!("what is registered before `{name}` answers in its place: move it below"),
                Evidence::contradicts(other, format!("answers {name}, too")),
            )
            .and(answers)
            .and(asks);
        }
        Guard::Unknown(why, guard) => return unknown(why, guard).and(answers),
    }
    match route.answers {
        Answers::Constant(_) | Answers::Depends(_) => {}
        Answers::Error(status, place) => {
            return Verdict::partial(
                format!("`{name}` always answers {status}: no probe can succeed"),
                Evidence::contradicts(place, format!("answers {status}")),
            )
            .and(answers)
            .and(asks);
        }
        Answers::Silent(place) => {
            return Verdict::partial(
                format!("`{name}` is never answered, every probe waits in vain: answer it"),
                Evidence::contradicts(place, "answers nothing"),
            )
            .and(asks);
        }
        Answers::Unknown(why) => return unknown(why, route.at),
    }
    let ports: Vec<_> = code.listens.iter().map(|listen| served::port(d, listen)).collect();
    let known: Vec<(u16, Span)> = ports.iter().filter_map(|port| port.ok()).collect();
    let doubt = ports.iter().find_map(|port| port.err()).or(program::gap(code));
    let listens = |port: u16| known.iter().any(|(own, _)| *own == port);
    let Some(&(own, place)) = known.first() else {
        let (why, place) = doubt.unwrap_or((Why::Unsupported, route.at));
        return unknown(why, place).and(answers);
    };
    let named = d.ports();
    let mut wrong = port.into_iter().map(|port| (port, at, "the probe")).collect::<Vec<_>>();
    for what in ["EXPOSE", "a published port"] {
        let all: Vec<_> = named.iter().filter(|(_, _, of)| *of == what).copied().collect();
        if !all.iter().any(|(port, ..)| listens(*port)) {
            wrong.extend(all.first());
        }
    }
    wrong.retain(|(port, ..)| !listens(*port));
    if let Some(&(other, at, what)) = wrong.first() {
        if let Some((why, place)) = doubt {
            return unknown(why, place).and(answers);
        }
        return Verdict::partial(
            format!("the program listens on {own}, {what} says {other}: name one port"),
            Evidence::contradicts(at, format!("{what} says {other}")),
        )
        .and(Evidence::contradicts(place, format!("listens on {own}")))
        .and(answers);
    }
    Verdict::pass("what the health checks ask is answered by a route of the program", answers)
        .and_all(known.iter().map(|(port, at)| Evidence::shows(*at, format!("listens on {port}"))))
        .and(asks)
}
