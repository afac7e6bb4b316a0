"""Outcomes from the outside: HR facts in, a comparison with its uncertainty out."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from feedback_world import World

from tandem_events.contracts import EnrollmentApproved, OutcomeRecorded, PersonState
from tandem_events.testing import eventually, tap
from tandem_feedback.domain.outcomes import Months

QUARTER = "2024-Q1"
EMPLOYEES = "employee_number,email,department,hired_on,left_on"
TITLES = "employee_number,job_title,from_date,to_date"
DEPARTMENTS = "employee_number,department,from_date,to_date"
SALARIES = "employee_number,annual_salary,from_date,to_date"


def sheet(heading: str, rows: list[str]) -> bytes:
    return "\n".join([heading, *rows]).encode()


async def upload(
    world: World, what: str, content: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> None:
    hr = headers or world.tokens.service(["outcomes"])
    answer = await world.client.put(f"/hr/{what}", content=content, headers={**hr, "Content-Type": "text/csv"})
    assert answer.status_code == status, answer.text


async def test_participants_are_compared_with_people_like_them(world: World) -> None:
    program_id = await world.program()
    employees, titles, salaries = [], [], []
    people: dict[int, UUID] = {}
    for number in range(60):
        takes_part = number < 20
        # Half of the participants are promoted, and a quarter of the others; participants stay.
        promoted = number % 2 == 0 if takes_part else number % 4 == 0
        left = "" if takes_part or number % 5 else "2024-06-30"
        employees.append(f"{number},e{number}@example.com,Sales,2018-05-01,{left}")
        titles.append(f"{number},Staff,2018-05-01,{'2024-05-01' if promoted else ''}")
        salaries.append(f"{number},50000,2018-05-01,2024-05-01")
        salaries.append(f"{number},{60000 if promoted else 51000},2024-05-01,")
        if promoted:
            titles.append(f"{number},Senior Staff,2024-05-01,")
        people[number] = uuid4()
        email = f"E{number}@example.com"
        await world.hear(
            PersonState(person_id=people[number], given_name="A", family_name="B", email=email, occurred_at=world.now())
        )
        if takes_part:
            await world.hear(
                EnrollmentApproved(
                    enrollment_id=uuid4(),
                    program_id=program_id,
                    person_id=people[number],
                    roles=("mentee",),
                    occurred_at=datetime(2024, 1, 20, tzinfo=UTC),
                ),
            )
    manager = world.tokens.manager(program_id)
    other_program = await world.program()

    async def everybody_is_known() -> bool:
        """Being invited is not taking part."""
        path, invited = f"/programs/{other_program}/invited", {"person_ids": [str(one) for one in people.values()]}
        answer = await world.client.post(path, json=invited, headers=world.tokens.manager(other_program))
        return answer.status_code == 204

    await eventually(everybody_is_known)

    async def enrolled() -> bool:
        report = await world.get(f"/programs/{program_id}/report", manager)
        return (report["total"] or {}).get("people") == 20

    await eventually(enrolled)
    titles_sheet = sheet(TITLES, titles)
    for _ in range(2):
        await upload(world, "employees", sheet(EMPLOYEES, employees))
        await upload(world, "job-titles", titles_sheet)
        await upload(world, "salaries", sheet(SALARIES, salaries))
    seen = await world.get(f"/reports/outcomes?program_id={program_id}&quarter={QUARTER}", manager)
    promotion = seen["outcomes"]["promotion"]
    assert (promotion["participants"], promotion["others"]) == (20, 40)
    assert (promotion["participants_mean"], promotion["others_mean"]) == (0.5, 0.25)
    assert promotion["low"] < 0.25 < promotion["high"]
    assert seen["outcomes"]["retention"]["participants_mean"] == 1.0
    assert seen["outcomes"]["salary_growth_percent"]["participants_mean"] == 11.0
    assert "no proof" in seen["caution"]
    assert "same unit" in seen["method"]
    over_all = await world.get(f"/reports/outcomes?quarter={QUARTER}", world.tokens.admin())
    assert over_all["participants"] == 20
    moved = [f"{number},Sales,2018-05-01,2024-06-01\n{number},Legal,2024-06-01," for number in range(0, 60, 3)]
    stayed = [f"{number},Sales,2018-05-01," for number in range(60) if number % 3]
    departments = sheet(DEPARTMENTS, [*moved, *stayed])
    assert seen["outcomes"]["move"] is None, "nobody's department was known"
    for _ in range(2):
        await upload(world, "departments", departments)
    seen = await world.get(f"/reports/outcomes?program_id={program_id}&quarter={QUARTER}", manager)
    assert (seen["outcomes"]["move"]["participants_mean"], seen["outcomes"]["move"]["participants"]) == (0.35, 20)
    async with tap(world.settings) as topics:
        said = await topics.all_of(OutcomeRecorded, at_least=17)
        assert len(said) == 17, "once each, although the sheets came twice, and of nobody who takes no part"
        by_kind = {kind: {event.person_id for event in said if event.kind == kind} for kind in ("promotion", "move")}
        assert by_kind["promotion"] == {people[number] for number in range(0, 20, 2)}
        assert by_kind["move"] == {people[number] for number in range(0, 20, 3)}
        assert set(said[0].model_dump()) == {"outcome_id", "person_id", "kind", "occurred_at"}
        assert all(event.occurred_at > datetime(2024, 6, 1, tzinfo=UTC) for event in said), "not when it became true"


async def test_only_hr_brings_facts_and_only_those_who_run_programs_see_comparisons(world: World) -> None:
    program_id = await world.program()
    empty = sheet(EMPLOYEES, [])
    await upload(world, "employees", empty, 403, world.tokens.person(uuid4()))
    await upload(world, "employees", empty, 403, world.tokens.service(["other"]))
    await upload(world, "employees", b"nonsense", 422)
    path = f"/reports/outcomes?quarter={QUARTER}"
    await world.get(path, world.tokens.manager(program_id), 403)
    await world.get(f"{path}&program_id={program_id}", world.tokens.manager(uuid4()), 403)
    await world.get(f"{path}&program_id={uuid4()}", world.tokens.admin(), 404)
    for other in ("2024-Q5", "2024-01-15", "2024"):
        await world.get(f"/reports/outcomes?quarter={other}", world.tokens.admin(), 422)
    await world.get(f"{path}&months=13", world.tokens.admin(), 422)


async def test_of_a_program_with_few_participants_nothing_is_told(world: World) -> None:
    program_id = await world.program()
    manager = world.tokens.manager(program_id)
    seen = {"participants": 0}

    async def known() -> bool:
        answer = await world.client.get(f"/reports/outcomes?quarter={QUARTER}&program_id={program_id}", headers=manager)
        seen.update(answer.json())
        return answer.status_code == 200

    await eventually(known)
    assert seen["participants"] is None


async def hear_of_person(world: World, person_id: UUID, email: str) -> None:
    await world.hear(
        PersonState(person_id=person_id, given_name="A", family_name="B", email=email, occurred_at=world.now())
    )


async def hear_of_enrollment(world: World, program_id: UUID, person_id: UUID, at: datetime) -> None:
    enrollment = {"enrollment_id": uuid4(), "program_id": program_id, "person_id": person_id, "roles": ("mentee",)}
    await world.hear(EnrollmentApproved(**enrollment, occurred_at=at))


async def rows(world: World, statement: str, **values: object) -> list[tuple[object, ...]]:
    async with world.app.state.database.transaction() as session:
        return [tuple(row) for row in await session.execute(sa.text(statement), values)]


ADDED = """
    WITH person AS (
        INSERT INTO people (person_id, given_name, family_name, email_digest)
        VALUES (gen_random_uuid(), 'G', 'F', sha256(convert_to(CAST(:number AS text), 'UTF8'))) RETURNING *
    ), enrolled AS (
        INSERT INTO participations (program_id, person_id, enrolled_at)
        SELECT program_id, person_id, CAST(:at AS timestamptz)
        FROM person, unnest(CAST(:programs AS uuid[])) AS program_id
    ), employee AS (
        INSERT INTO employees (employee_number, email_digest, unit, hired_on)
        SELECT :number, email_digest, :unit, '2018-05-01' FROM person
    ), title AS (
        INSERT INTO title_history (employee_number, from_date, job_title) VALUES (:number, '2018-05-01', 'Staff')
    )
    INSERT INTO salary_history (employee_number, from_date, annual_salary)
    VALUES (:number, '2018-05-01', 100000), (:number, '2024-04-02', :salary)
"""


async def test_nobodys_salary_is_found_by_taking_one_answer_from_another(world: World) -> None:
    """One person is alone in a program, one is in two, one was enrolled a day later, one has nobody alike but herself:
    in everything that can be asked about their time, none of them can be told from the others."""
    large, second = sorted([await world.program(), await world.program()])
    lonely = await world.program()
    first_day, later = datetime(2024, 1, 20, tzinfo=UTC), datetime(2024, 1, 21, tzinfo=UTC)
    people: list[tuple[list[UUID], datetime, str, int]] = [
        *(([large], first_day, "Sales", 110_000) for _ in range(11)),
        *(([second], first_day, "Sales", 120_000) for _ in range(6)),
        ([lonely], first_day, "Sales", 177_000),
        ([large, second], first_day, "Sales", 183_000),
        ([large], later, "Sales", 191_000),
        *(([second], first_day, "Legal", 130_000) for _ in range(5)),
        ([], first_day, "Legal", 199_000),
        *(([], first_day, "Sales", 105_000) for _ in range(40)),
    ]
    async with world.app.state.database.transaction() as session:
        # What another test has uploaded is not what this one counts.
        await session.execute(sa.text("TRUNCATE employees, title_history, salary_history, department_history"))
        for place, (programs, at, unit, salary) in enumerate(people):
            about = {"number": f"n{place}", "programs": programs, "at": at, "unit": unit, "salary": salary}
            await session.execute(sa.text(ADDED), about)
    told: dict[tuple[int, UUID | None], dict[str, float]] = {}
    for months in Months:
        for program_id in (None, large, second, lonely):
            of = f"&program_id={program_id}" if program_id else ""
            headers = world.tokens.manager(program_id) if program_id else world.tokens.admin()
            seen = await world.get(f"/reports/outcomes?quarter={QUARTER}&months={months}{of}", headers)
            if growth := seen["outcomes"]["salary_growth_percent"]:
                told[months, program_id] = growth
    assert {program_id for _, program_id in told} == {None, large, second}, "one person's program tells nothing"
    for months in Months:
        over_all, one, other = (told[months, program_id] for program_id in (None, large, second))
        # Both programs together are exactly what is told of all: thirteen people of the one, six of the other.
        assert one["participants_mean"] == round((11 * 10 + 83 + 91) / 13, 1)
        assert other["participants_mean"] == 20.0
        assert over_all["participants_mean"] == round((11 * 10 + 83 + 91 + 6 * 20) / 19, 1)
        assert (one["participants"], other["participants"], over_all["participants"]) == (10, 5, 15)
        assert {each["others_mean"] for each in (over_all, one, other)} == {5.0}
        assert {each["others"] for each in (over_all, one, other)} == {40}
    for asked in ("begins=2024-01-01&enrollment_days=20", "quarter=2024-Q1&months=11"):
        await world.get(f"/reports/outcomes?{asked}", world.tokens.admin(), 422)


async def test_a_title_is_said_only_if_it_is_another_one_and_came_with_mentoring(world: World) -> None:
    """Whichever is heard of first: the sheet, the person, or the enrollment."""
    program_id, before, after = await world.program(), uuid4(), uuid4()
    addresses = {person_id: f"{person_id}@example.com" for person_id in (before, after)}
    numbers = {person_id: str(person_id) for person_id in (before, after)}
    await hear_of_person(world, before, addresses[before])
    await hear_of_enrollment(world, program_id, before, datetime(2024, 3, 1, tzinfo=UTC))
    employees = [f"{numbers[one]},{addresses[one]},Sales,2018-05-01," for one in (before, after)]
    titles = [
        row
        for number in numbers.values()
        for row in (
            f"{number},Staff,2018-05-01,2023-01-01",
            f"{number},Engineer,2023-01-01,2024-03-15",
            f"{number},Engineer,2024-03-15,2024-06-01",
            f"{number},Senior Engineer,2024-06-01,",
        )
    ]
    await upload(world, "job-titles", sheet(TITLES, titles))
    await upload(world, "employees", sheet(EMPLOYEES, employees))
    async with tap(world.settings) as topics:

        def said() -> list[UUID]:
            events = [one.event for one in topics.seen if isinstance(one.event, OutcomeRecorded)]
            return [event.person_id for event in events if event.person_id in addresses]

        await topics.until(lambda _: said() == [before])
        await hear_of_enrollment(world, program_id, after, datetime(2024, 3, 1, tzinfo=UTC))
        await hear_of_person(world, after, addresses[after])
        await topics.until(lambda _: said() == [before, after])
    kept = await rows(world, "SELECT from_date FROM outcomes_said WHERE person_id = ANY(:ids)", ids=[before, after])
    assert {str(on) for (on,) in kept} == {"2024-06-01"}, "neither the title before mentoring nor the same one again"


async def test_an_erased_persons_hr_facts_are_gone_and_no_sheet_brings_them_back(world: World) -> None:
    program_id, person_id, number = await world.program(), uuid4(), f"number of {uuid4()}"
    await hear_of_person(world, person_id, "Gone@example.com")
    await hear_of_enrollment(world, program_id, person_id, datetime(2024, 2, 1, tzinfo=UTC))
    colleague = f"{number}2"
    sheets = {
        "employees": sheet(
            EMPLOYEES,
            [f"{number},gone@example.com,Sales,2018-05-01,", f"{colleague},colleague@example.com,Sales,2018-05-01,"],
        ),
        "job-titles": sheet(TITLES, [f"{one},Staff,2018-05-01," for one in (number, colleague)]),
        "departments": sheet(DEPARTMENTS, [f"{one},Sales,2018-05-01," for one in (number, colleague)]),
        "salaries": sheet(SALARIES, [f"{one},50000,2018-05-01," for one in (number, colleague)]),
    }
    tables = ("employees", "title_history", "department_history", "salary_history")

    async def kept() -> list[str]:
        counts = [
            await rows(world, f"SELECT employee_number FROM {table} WHERE employee_number LIKE :n", n=f"{number}%")
            for table in tables
        ]
        return sorted(str(one) for found in counts for (one,) in found)

    async def known() -> bool:
        found = await rows(world, "SELECT 1 FROM people WHERE person_id = :id", id=person_id)
        return bool(found)

    await eventually(known)
    for what, content in sheets.items():
        await upload(world, what, content)
    assert await kept() == sorted([number, colleague] * len(tables))
    await world.hear_gone(person_id)

    async def gone() -> bool:
        return await kept() == [colleague] * len(tables)

    await eventually(gone)
    for what, content in reversed(sheets.items()):
        await upload(world, what, content)
    assert await kept() == [colleague] * len(tables), "not even among those who are compared with"


async def test_who_was_erased_before_hr_told_of_them_stays_out_whatever_comes_first(world: World) -> None:
    person_id, number = uuid4(), str(uuid4())
    await hear_of_person(world, person_id, f"{person_id}@example.com")

    async def is_known(*, wanted: bool) -> bool:
        return bool(await rows(world, "SELECT 1 FROM people WHERE person_id = :id", id=person_id)) == wanted

    await eventually(lambda: is_known(wanted=True))
    await world.hear_gone(person_id)
    await eventually(lambda: is_known(wanted=False))
    await upload(world, "salaries", sheet(SALARIES, [f"{number},50000,2018-05-01,"]))
    await upload(world, "employees", sheet(EMPLOYEES, [f"{number},{person_id}@example.com,Sales,2018-05-01,"]))
    await upload(world, "salaries", sheet(SALARIES, [f"{number},60000,2024-05-01,"]))
    for table in ("employees", "salary_history"):
        assert not await rows(world, f"SELECT 1 FROM {table} WHERE employee_number = :number", number=number)


async def test_amounts_that_no_salary_reaches_are_refused(world: World) -> None:
    for amount in ("9999999999", "0000000000009999999999", "9" * 5000):
        await upload(world, "salaries", sheet(SALARIES, [f"1,{amount},2018-05-01,"]), 422)
