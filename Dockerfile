# Production packages, with the native broker client built against Debian's libraries.
FROM node:20.20.2-bookworm AS packages
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    libcurl4-openssl-dev libsasl2-dev libssl-dev libzstd-dev zlib1g-dev \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts
# The client's own download brings another build; node's headers are in the image.
RUN CKJS_LINKING=dynamic npm_config_nodedir=/usr/local \
  npm rebuild @confluentinc/kafka-javascript --build-from-source --foreground-scripts \
  && node -e "require('@confluentinc/kafka-javascript')"

FROM node:20.20.2-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/runNode.mjs scripts/
COPY src src
RUN npm run --silent build

FROM node:20.20.2-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends libcurl4 libsasl2-2 libssl3 libzstd1 zlib1g \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /var/lib/tidemark
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY schemas schemas
COPY examples examples
COPY page page
ENV NODE_ENV=production TIDEMARK_DATA_DIRECTORY=/var/lib/tidemark
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/tidemark.js"]
CMD ["run"]
