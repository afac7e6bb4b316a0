# A stand-in for apache/kafka: the published jars on Debian's Java, told by the same variables.
ARG DEBIAN_IMAGE=tandem-stand-in/debian-java
# hadolint ignore=DL3006
FROM ${DEBIAN_IMAGE}
COPY jars/ /opt/kafka/libs/
COPY kafka.sh /opt/kafka/run.sh
RUN groupadd --gid 1000 appuser && useradd --uid 1000 --gid 1000 --no-create-home appuser \
    && install -d -o appuser -g appuser /var/lib/kafka/data /opt/kafka/config
USER 1000:1000
VOLUME ["/var/lib/kafka/data"]
EXPOSE 9092
CMD ["/opt/kafka/run.sh"]
