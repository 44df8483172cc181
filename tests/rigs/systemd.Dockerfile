# A Debian machine that boots systemd, with the servers that provisiond speaks to: tests/rigs/machine.py.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
# the group `machine` of .ci/packages
ARG PACKAGES
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${PACKAGES} \
 && echo 'APT::Get::Assume-Yes "true"; Dpkg::Options:: "--force-confold";' >/etc/apt/apt.conf.d/90unattended
STOPSIGNAL SIGRTMIN+3
# Shared, as on a machine: credentials are mounted in another namespace and must be seen in the service's.
CMD ["sh", "-c", "mount --make-rshared / && exec /lib/systemd/systemd"]
