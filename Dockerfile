# One image for all processes; the entry is the argument: /app/<name>/main.js.
FROM docker.io/library/node:24-trixie-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm install --no-save --no-audit --no-fund
COPY . .
RUN npm run bundle && mkdir -p /app && cp scripts/image/package.json /app/ \
  && for name in webhook dispatcher collector executor operator; do cp -r "dist/$name" "/app/$name"; done

FROM gcr.io/distroless/nodejs24-debian13:nonroot
COPY --from=build /app /app
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "--enable-source-maps"]
CMD ["/app/webhook/main.js"]
