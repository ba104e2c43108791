# Millrace and one pipeline file, in an image of one binary.
#
#   docker build --build-arg PIPELINE=examples/finance/millrace.toml -t millrace .
#
# For another architecture: docker buildx build --platform linux/arm64 .
# The builder runs on the target's architecture, so that C dependencies need no
# cross compiler; a tag names a version, pass a digest for the same bytes again.
ARG BUILDER=rust:1.95-bookworm
ARG RUNTIME=gcr.io/distroless/cc-debian12:nonroot

# ------------------------------------------------------------------ manifests
# The workspace with empty crates in it. Its content, and with it the layer of
# the dependencies, changes only when a manifest does.
FROM ${BUILDER} AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock -delete \
    && find shared workers tests -name Cargo.toml -exec sh -c ' \
        for manifest; do \
            awk "/^\[/ { drop = /^\[\[(bench|test|example)/ } !drop" "$manifest" > /tmp/manifest \
            && cp /tmp/manifest "$manifest" \
            && mkdir -p "${manifest%Cargo.toml}src" \
            && touch "${manifest%Cargo.toml}src/lib.rs" || exit 1; \
        done' _ {} + \
    && rm workers/millrace/src/lib.rs && echo 'fn main() {}' > workers/millrace/src/main.rs \
    && find . -exec touch -d @0 {} +

# --------------------------------------------------------------- dependencies
FROM ${BUILDER} AS dependencies
WORKDIR /src
ENV CARGO_INCREMENTAL=0
COPY --from=manifests /src .
RUN cargo build --release --locked --package millrace

# ----------------------------------------------------------------- the binary
FROM dependencies AS build
COPY shared shared
COPY workers workers
COPY examples examples
# Newer than what the empty crates were built from. /rootfs is what the image
# adds: folders that any user may write to, for temporary files and for `dev`.
RUN find shared workers -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --package millrace \
    && install -D "${CARGO_TARGET_DIR:-target}/release/millrace" /rootfs/usr/local/bin/millrace \
    && mkdir -m 1777 /rootfs/tmp /rootfs/data

# ------------------------------------------------------------------- the image
# CA certificates, libc and libgcc; no shell, no package manager.
FROM ${RUNTIME} AS runtime
ARG PIPELINE=examples/finance/millrace.toml
ARG VERSION=0.1.0
ARG REVISION=unknown
# From the commit, not from the clock, so that a build can be repeated.
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="millrace" \
      org.opencontainers.image.description="Files from S3 into your database, exactly once, by queue workers" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /rootfs/ /
COPY ${PIPELINE} /etc/millrace/millrace.toml
# The allocator gives back what was freed after 10 ms in place of a second: a file with
# large row groups takes a quarter less memory so.
ENV MILLRACE_PIPELINE=/etc/millrace/millrace.toml \
    MILLRACE_LOG_FORMAT=json \
    MIMALLOC_PURGE_DELAY=10
# Declared, so that a volume over it keeps mode 1777 where the root is read-only.
VOLUME ["/tmp"]
USER 65532:65532
# A worker keeps this file fresh while it gets on; `healthcheck` reads it. ECS goes
# by the task definition's health check and not by this one; for commands other
# than `worker` run with --no-healthcheck.
ENV MILLRACE_HEARTBEAT=/tmp/millrace.heartbeat
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/millrace", "healthcheck"]
# Workers stop polling, hand back what they have not started and finish the rest.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/millrace"]
CMD ["--help"]
