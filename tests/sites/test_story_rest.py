"""Stories over REST, on SQLite and PostgreSQL: the status codes, and that nothing is lost or written twice."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from stories_server import OPENING, StoriesServer


def opened(server: StoriesServer, **changes: Any) -> dict[str, Any]:
    answer = server.http.post("/api/stories", json={**OPENING, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def write(
    server: StoriesServer,
    story: str,
    text: str,
    parent: int,
    version: int,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> httpx.Response:
    body = {"text": text, "author": "푸른 연필", "parent": parent, "version": version, **more}
    return server.http.post(f"/api/stories/{story}/parts", json=body, headers=headers or {})


def read(server: StoriesServer, story: str) -> dict[str, Any]:
    answer = server.http.get(f"/api/stories/{story}")
    assert answer.status_code == 200
    return answer.json()


def fault(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text[:500]
    assert answer.json()["error"]["code"] == code
    assert "Traceback" not in answer.text
    return answer.json()


@pytest.fixture
def story(stories: StoriesServer) -> dict[str, Any]:
    return opened(stories)


def test_a_story_is_opened_continued_and_read(stories: StoriesServer, story: dict[str, Any]) -> None:
    (opening,) = story["parts"]
    added = write(stories, story["id"], "윤서는 우산을 집어 들었다.\n노란 실이 풀렸다.", opening["id"], 1)
    assert added.status_code == 201
    assert added.json()["version"] == 2
    found = read(stories, story["id"])
    assert {key: found[key] for key in ("title", "genre", "version")} == {
        "title": "막차의 우산",
        "genre": "로맨스",
        "version": 2,
    }
    assert [(p["parent"], p["text"], p["by"]) for p in found["parts"]] == [
        (None, OPENING["opening"], "person"),
        (opening["id"], "윤서는 우산을 집어 들었다.\n노란 실이 풀렸다.", "person"),
    ]


def test_an_etag_spares_the_reader_what_is_known(stories: StoriesServer, story: dict[str, Any]) -> None:
    first = stories.http.get(f"/api/stories/{story['id']}")
    again = stories.http.get(f"/api/stories/{story['id']}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    write(stories, story["id"], "다음.", story["parts"][0]["id"], 1)
    assert (
        stories.http.get(f"/api/stories/{story['id']}", headers={"If-None-Match": first.headers["etag"]}).status_code
        == 200
    )


def test_the_library_finds_public_stories_by_title_author_and_genre(stories: StoriesServer) -> None:
    mark = f"q{time.time_ns()}"
    for i in range(23):
        opened(stories, title=f"{mark} {i}%", genre="추리")
    opened(stories, title=f"{mark} 몰래", public=False)
    found = stories.http.get("/api/stories", params={"q": mark.upper()}).json()
    assert (found["total"], found["pages"], len(found["stories"])) == (23, 2, 20)
    assert len(stories.http.get("/api/stories", params={"q": mark, "page": 2}).json()["stories"]) == 3
    assert stories.http.get("/api/stories", params={"q": mark, "genre": "로맨스"}).json()["total"] == 0
    assert stories.http.get("/api/stories", params={"q": f"{mark} 22%"}).json()["total"] == 1
    assert stories.http.get("/api/stories", params={"q": f"{mark}_"}).json()["total"] == 0  # _ and % mean themselves
    fault(stories.http.get("/api/stories?page=0"), 422, "invalid_input")
    fault(stories.http.get("/api/stories?size=3"), 422, "invalid_input")


def test_the_slower_one_hears_what_changed_and_keeps_the_text(stories: StoriesServer, story: dict[str, Any]) -> None:
    parent = story["parts"][0]["id"]
    faster = write(stories, story["id"], "빠른 이.", parent, 1).json()
    refused = write(stories, story["id"], "느린 이.", parent, 1)
    body = fault(refused, 409, "conflict")
    assert (body["text"], body["changed"]["version"], body["changed"]["parts"]) == ("느린 이.", 2, [faster["part"]])
    draft = f"/api/stories/{story['id']}/drafts/{body['draft']['id']}"
    kept = stories.http.get(draft, headers={"X-Secret": body["draft"]["secret"]})
    assert (kept.status_code, kept.json()["text"], kept.json()["parent"]) == (200, "느린 이.", parent)
    fault(stories.http.get(draft), 403, "forbidden")
    assert len(read(stories, story["id"])["parts"]) == 2


def test_who_knows_of_the_other_part_begins_a_branch(stories: StoriesServer, story: dict[str, Any]) -> None:
    parent = story["parts"][0]["id"]
    write(stories, story["id"], "첫째.", parent, 1)
    second = write(stories, story["id"], "둘째.", parent, 2).json()["part"]
    assert (second["parent"], second["branch"]) == (parent, 1)


def test_a_stale_version_is_no_fault_where_nobody_has_written(stories: StoriesServer, story: dict[str, Any]) -> None:
    parent = story["parts"][0]["id"]
    first = write(stories, story["id"], "첫째.", parent, 1).json()["part"]
    branch = stories.http.post(f"/api/stories/{story['id']}/branch", json={"parent": parent}).json()
    other = write(stories, story["id"], "다른 갈래.", parent, 1, branch=branch["branch"])
    assert (other.status_code, other.json()["part"]["branch"]) == (201, branch["branch"])
    assert write(stories, story["id"], "이어서.", first["id"], 2).status_code == 201
    fault(write(stories, story["id"], "엉뚱한 갈래.", first["id"], 4, branch=branch["branch"]), 422, "invalid_input")
    fault(write(stories, story["id"], "없는 갈래.", first["id"], 4, branch=99), 422, "invalid_input")


def test_the_same_key_adds_one_part(stories: StoriesServer, story: dict[str, Any]) -> None:
    parent = story["parts"][0]["id"]
    ask = lambda text="한 번.": write(stories, story["id"], text, parent, 1, {"Idempotency-Key": "열쇠".encode().hex()})  # noqa: E731
    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(read(stories, story["id"])["parts"]) == 2
    fault(ask("다른 글."), 422, "invalid_input")
    fault(write(stories, story["id"], "글", parent, 1, {"Idempotency-Key": "x" * 201}), 422, "invalid_input")


def test_the_same_key_opens_one_story(stories: StoriesServer) -> None:
    key = {"Idempotency-Key": f"k{time.time_ns()}"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: stories.http.post("/api/stories", json=OPENING, headers=key), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_one_takes_back_ones_own_last_part_alone(stories: StoriesServer, story: dict[str, Any]) -> None:
    parts = f"/api/stories/{story['id']}/parts"
    first = write(stories, story["id"], "첫째.", story["parts"][0]["id"], 1).json()
    second = write(stories, story["id"], "둘째.", first["part"]["id"], 2).json()
    fault(stories.http.delete(f"{parts}/{second['part']['id']}"), 403, "forbidden")
    fault(
        stories.http.delete(f"{parts}/{second['part']['id']}", headers={"X-Secret": first["secret"]}), 403, "forbidden"
    )
    fault(stories.http.delete(f"{parts}/{first['part']['id']}", headers={"X-Secret": first["secret"]}), 409, "conflict")
    fault(
        stories.http.delete(f"{parts}/{story['parts'][0]['id']}", headers={"X-Secret": story["secret"]}),
        409,
        "conflict",
    )
    gone = stories.http.delete(f"{parts}/{second['part']['id']}", headers={"X-Secret": second["secret"]})
    assert (gone.status_code, gone.json()) == (200, {"version": 4})
    fault(
        stories.http.delete(f"{parts}/{second['part']['id']}", headers={"X-Secret": second["secret"]}), 404, "not_found"
    )
    again = write(stories, story["id"], "셋째.", first["part"]["id"], 4).json()["part"]
    assert again["id"] > second["part"]["id"]  # an id is never given twice
    late = fault(write(stories, story["id"], "늦었다.", second["part"]["id"], 3), 409, "conflict")
    assert late["text"] == "늦었다."


def test_a_turn_keeps_others_out_until_it_ends(stories: StoriesServer, story: dict[str, Any]) -> None:
    parent, turns = story["parts"][0]["id"], f"/api/stories/{story['id']}/turn"
    mine = stories.http.post(turns, json={"parent": parent, "author": "나"})
    assert mine.status_code == 201
    body = fault(stories.http.post(turns, json={"parent": parent, "author": "너"}), 409, "conflict")
    assert body["turn"]["author"] == "나"
    assert "‘나’" in body["error"]["message"]
    refused = fault(write(stories, story["id"], "끼어들기.", parent, 1), 409, "conflict")
    assert refused["draft"]["secret"]
    renewed = stories.http.post(turns, json={"parent": parent, "author": "나", "turn": mine.json()["turn"]})
    assert renewed.json()["turn"] == mine.json()["turn"]
    assert write(stories, story["id"], "내 차례.", parent, 1, turn=mine.json()["turn"]).status_code == 201
    fault(stories.http.post(turns, json={"parent": parent, "author": "너"}), 409, "conflict")


def test_a_turn_given_back_is_anybodys(stories: StoriesServer, story: dict[str, Any]) -> None:
    parent, turns = story["parts"][0]["id"], f"/api/stories/{story['id']}/turn"
    mine = stories.http.post(turns, json={"parent": parent, "author": "나"}).json()["turn"]
    assert stories.http.delete(turns, headers={"X-Secret": "another"}).status_code == 204
    fault(write(stories, story["id"], "아직.", parent, 1), 409, "conflict")
    assert stories.http.delete(turns, headers={"X-Secret": mine}).status_code == 204
    assert write(stories, story["id"], "이제.", parent, 1).status_code == 201


def test_a_story_taken_back_is_gone(stories: StoriesServer, story: dict[str, Any]) -> None:
    address, parent = f"/api/stories/{story['id']}", story["parts"][0]["id"]
    fault(stories.http.delete(address, headers={"X-Secret": "guess"}), 403, "forbidden")
    assert stories.http.delete(address, headers={"X-Secret": story["secret"]}).status_code == 204
    for answer in (
        stories.http.get(address),
        write(stories, story["id"], "글", parent, 1),
        stories.http.get(f"{address}/export"),
        stories.http.get(f"{address}/events"),
        stories.http.delete(address),
        stories.http.post(f"{address}/suggest", json={"parent": parent}),
    ):
        fault(answer, 410, "gone")
    assert stories.http.get(f"/stories/{story['id']}").status_code == 410


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "가" * 10_000}, "title"),
        ({"title": " \u200b\n"}, "title"),
        ({"opening": "가" * 2001}, "opening"),
        ({"author": ""}, "author"),
        ({"genre": "없는 장르"}, "genre"),
        ({"public": "yes"}, "public"),
        ({"titel": "x"}, "titel"),
        ({"notes": 3}, "notes"),
    ],
)
def test_a_bad_story_is_told_by_its_field(stories: StoriesServer, change: dict[str, Any], field: str) -> None:
    body = fault(stories.http.post("/api/stories", json={**OPENING, **change}), 422, "invalid_input")
    assert field in [problem["field"] for problem in body["error"]["problems"]]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"parent": 10**9}, 404),
        ({"parent": 10**30}, 422),
        ({"parent": 0}, 422),
        ({"parent": "1"}, 422),
        ({"version": 99}, 422),
        ({"text": "\u0000\ud800"}, 422),
        ({"by": "god"}, 422),
        ({"text": "가" * 2001}, 422),
    ],
)
def test_a_bad_part_is_refused(
    stories: StoriesServer, story: dict[str, Any], change: dict[str, Any], status: int
) -> None:
    body = json.dumps({"text": "글", "author": "나", "parent": story["parts"][0]["id"], "version": 1, **change})
    answer = stories.http.post(f"/api/stories/{story['id']}/parts", content=body)
    assert (answer.status_code, "error" in answer.json()) == (status, True)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"title": NaN}', b"\xff", b"[" * 100_000, b'{"title": 1, "title": 2}']
)
def test_broken_json_is_told(stories: StoriesServer, story: dict[str, Any], body: bytes) -> None:
    for path in (
        "",
        f"/{story['id']}/parts",
        f"/{story['id']}/turn",
        f"/{story['id']}/branch",
        f"/{story['id']}/suggest",
    ):
        answer = stories.http.post(f"/api/stories{path}", content=body)
        assert answer.status_code in (400, 422), (path, answer.text)
        assert answer.json()["error"]["message"]


def test_a_huge_body_is_refused(stories: StoriesServer) -> None:
    for root in ("/api", "/stories/api"):
        fault(stories.http.post(f"{root}/stories", content=b'{"title": "' + b"a" * 3_000_000 + b'"}'), 413, "too_large")


@pytest.mark.parametrize("name", ["nothing-here", "가" * 30, "x" * 3000, "%00", "..%2f..", "' OR 1=1 --"])
def test_unknown_ids_are_not_found(stories: StoriesServer, name: str) -> None:
    for path in ("", "/export", "/events", "/drafts/x", "/drafts/%00"):
        assert stories.http.get(f"/api/stories/{name}{path}").status_code == 404
    assert stories.http.delete(f"/api/stories/{name}/parts/1").status_code == 404
    assert stories.http.get(f"/stories/{name}").status_code == 404


@pytest.mark.parametrize("part", ["0", "-1", "x", "9" * 40, "²"])
def test_unknown_parts_are_not_found(stories: StoriesServer, story: dict[str, Any], part: str) -> None:
    fault(stories.http.delete(f"/api/stories/{story['id']}/parts/{part}", headers={"X-Secret": "x"}), 404, "not_found")
    fault(stories.http.get(f"/api/stories/{story['id']}/export", params={"part": part}), 404, "not_found")
    assert stories.http.get(f"/stories/{story['id']}", params={"part": part}).status_code == 404


def test_other_methods_are_told(stories: StoriesServer, story: dict[str, Any]) -> None:
    fault(stories.http.put(f"/api/stories/{story['id']}", json={}), 405, "method_not_allowed")
    fault(stories.http.get(f"/api/stories/{story['id']}/export?format=pdf"), 422, "invalid_input")


def test_readers_hear_of_parts_and_writers_at_once(stories: StoriesServer, story: dict[str, Any]) -> None:
    parent, heard = story["parts"][0]["id"], []
    with stories.http.stream("GET", f"/api/stories/{story['id']}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        for line in events.iter_lines():
            if line.startswith("data: "):
                heard.append(json.loads(line.removeprefix("data: ")))
                if len(heard) == 1:
                    turn = stories.http.post(
                        f"/api/stories/{story['id']}/turn", json={"parent": parent, "author": "나"}
                    ).json()["turn"]
                elif len(heard) == 2:
                    write(stories, story["id"], "다음.", parent, 1, turn=turn)
                elif len(heard) == 3:
                    stories.http.delete(f"/api/stories/{story['id']}", headers={"X-Secret": story["secret"]})
                else:
                    break
    assert [state.get("version") for state in heard] == [1, 1, 2, None]
    assert [turn["author"] for turn in heard[1]["turns"]] == ["나"]
    assert heard[2]["turns"] == []


def test_the_machine_offers_what_comes_next(stories: StoriesServer, story: dict[str, Any]) -> None:
    answer = stories.http.post(
        f"/api/stories/{story['id']}/suggest", json={"parent": story["parts"][0]["id"], "num_candidates": 2}
    )
    assert answer.status_code == 200
    assert 1 <= len(answer.json()["candidates"]) <= 2
    fault(stories.http.post(f"/api/stories/{story['id']}/suggest", json={"parent": 10**9}), 404, "not_found")
    fault(
        stories.http.post(f"/api/stories/{story['id']}/suggest", json={"parent": 1, "num_candidates": 6}),
        422,
        "invalid_input",
    )


def test_all_is_in_the_openapi_document(stories: StoriesServer) -> None:
    document = stories.http.get("/api/openapi.json").json()
    paths = {path: sorted(methods) for path, methods in document["paths"].items() if path.startswith("/stories")}
    assert paths["/stories"] == ["get", "post"]
    assert paths["/stories/{story}"] == ["delete", "get"]
    assert {path.rsplit("/", 1)[1] for path in paths} == {
        "stories",
        "{story}",
        "parts",
        "{part}",
        "branch",
        "turn",
        "{draft}",
        "suggest",
        "export",
        "events",
    }
    create = document["paths"]["/stories"]["post"]
    (name,) = create["requestBody"]["content"]["application/json"]["schema"].values()
    form = document["components"]["schemas"][name.rsplit("/", 1)[1]]
    assert form["properties"]["title"]["maxLength"] == 100
    assert {"201", "422", "507"} <= set(create["responses"])
