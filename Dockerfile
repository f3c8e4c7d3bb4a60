# One image for all processes; the entry is the argument: /app/<name>/main.js.
FROM docker.io/library/node:24-trixie-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm install --no-save --no-audit --no-fund
COPY . .
RUN npm run bundle && rm -rf dist/cli && find dist -name "*.map" -delete && cp scripts/image/package.json dist/

FROM gcr.io/distroless/nodejs24-debian13:nonroot
COPY --from=build /src/dist /app
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node"]
CMD ["/app/webhook/main.js"]
