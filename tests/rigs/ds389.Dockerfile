# 389 Directory Server as Debian ships it, empty: `directory init` fills it. The second directory of `make test`.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
# the group `directory-389` of .ci/packages
ARG PACKAGES
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${PACKAGES} \
 && rm -rf /var/lib/apt/lists/*
COPY ds389.sh /ds389.sh
EXPOSE 1389
STOPSIGNAL SIGTERM
ENTRYPOINT ["sh", "/ds389.sh"]
