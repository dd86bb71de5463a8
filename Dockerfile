# The engine's own image. Stages: native (shim), build (bundles), test (everything, needs --privileged to run), runtime.
#   docker build --target runtime -t tare .
#   docker run --privileged -v /var/lib/tare -v /run/tare:/run/tare tare

FROM debian:12-slim AS native
RUN apt-get update && apt-get install -y --no-install-recommends gcc make musl-tools libc6-dev linux-libc-dev \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY native/ native/
RUN make -C native

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci
COPY .tools/ .tools/
COPY native/ native/
COPY images/ images/
COPY engine/ engine/
COPY api/ api/
COPY --from=native /src/native/build/ctr-shim /src/native/build/hello native/build/
RUN node_modules/.bin/node .tools/build.ts && npm prune --omit=dev

# Runs the whole suite: docker build --target test -t tare-test . && docker run --rm --privileged tare-test
FROM build AS test
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static gcc make musl-tools libc6-dev linux-libc-dev \
  && rm -rf /var/lib/apt/lists/*
RUN npm ci
COPY biome.json vitest.config.ts .oxlintrc.json .editorconfig .gitignore Dockerfile README.md ./
COPY .ci/ .ci/
COPY test/ test/
CMD [".ci/run"]

FROM debian:12-slim AS runtime
WORKDIR /opt/tare
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules/ node_modules/
COPY --from=build /src/dist/ dist/
RUN ln -s /opt/tare/dist/ctr /opt/tare/dist/ctrd /usr/bin/
VOLUME /var/lib/tare
EXPOSE 2375
ENTRYPOINT ["ctrd"]
