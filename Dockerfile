# Plimsoll as an image that holds one file.
# Rust on Alpine links with musl, so that the program needs no library and no loader of a system.
ARG RUST=rust:1.95.0-alpine3.23@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2
FROM ${RUST} AS build
WORKDIR /src
# What comes in is named in .dockerignore. rust-toolchain.toml stays outside: it asks for clippy and
# rustfmt, which nothing here needs.
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo install --locked --path crates/plimsoll --root /built

FROM scratch
LABEL org.opencontainers.image.title="Plimsoll" \
      org.opencontainers.image.description="Audits how services are built, shipped and run: every question answered, with proof" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /built/bin/plimsoll /plimsoll
# No image but scratch has users to name: numbers need no passwd file.
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/plimsoll"]
CMD ["audit", "."]
