# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    make build VERSION="$VERSION"
# The files of the image beside the binary. The database and the key live in
# /data; SQLite's temporary files in /tmp.
RUN mkdir -p /image/etc/ssl/certs /image/data /image/tmp && \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ && \
    echo 'proxbox:x:65532:65532::/data:/sbin/nologin' > /image/etc/passwd && \
    echo 'proxbox:x:65532:' > /image/etc/group && \
    cp bin/proxbox-api /image/proxbox-api && \
    chmod 700 /image/data && chmod 1777 /image/tmp && \
    chown 65532:65532 /image/data

FROM scratch
ARG VERSION=unknown
LABEL org.opencontainers.image.title="proxbox-api" \
      org.opencontainers.image.description="Keeps NetBox true to Proxmox VE" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /image/ /
ENV PROXBOX_DATA_DIR=/data \
    PORT=8000
USER 65532:65532
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/proxbox-api", "healthcheck"]
ENTRYPOINT ["/proxbox-api"]
CMD ["serve"]
