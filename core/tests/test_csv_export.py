from __future__ import annotations

import asyncio
import csv
import io
import json

from django.test import AsyncRequestFactory, RequestFactory

from core.csv_export import CHUNK_ROWS, iter_csv, iter_jsonl, stream_download


def test_cells_are_quoted_and_neutralised():
    text = "".join(iter_csv(["name", "=note"], [["Ana, Ruiz", '=1+"1"'], [None, -3]]))

    assert list(csv.reader(io.StringIO(text))) == [
        ["name", "'=note"],
        ["Ana, Ruiz", '\'=1+"1"'],
        ["", "-3"],
    ]


def test_a_byte_order_mark_comes_first_when_asked_for():
    assert "".join(iter_csv(["a"], [], bom=True)) == "\ufeffa\r\n"
    assert "".join(iter_csv(["a"], [])) == "a\r\n"


def test_rows_are_taken_as_chunks_are_asked_for():
    taken = []

    def rows():
        for number in range(CHUNK_ROWS * 3):
            taken.append(number)
            yield [number]

    chunks = iter_csv(["n"], rows())
    next(chunks)

    assert len(taken) == CHUNK_ROWS


def test_json_lines_hold_one_object_each():
    rows = [{"n": n, "text": "línea\nnueva"} for n in range(CHUNK_ROWS + 1)]

    lines = "".join(iter_jsonl(rows)).splitlines()

    assert [json.loads(line) for line in lines] == rows


def test_a_download_streams_in_a_plain_server_and_in_an_asynchronous_one():
    for request in (RequestFactory().get("/"), AsyncRequestFactory().get("/")):
        response = stream_download(
            request, iter_csv(["é"], [["1"]]), filename="my export.csv", content_type="text/csv"
        )

        assert response["Content-Disposition"] == 'attachment; filename="myexport.csv"'
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Cache-Control"] == "no-store"
        if response.is_async:

            async def read(streamed=response):
                return b"".join([chunk async for chunk in streamed])

            assert asyncio.run(read()).decode() == "é\r\n1\r\n"
        else:
            assert b"".join(response).decode() == "é\r\n1\r\n"
