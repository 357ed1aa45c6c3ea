"""The code of docs/webhooks.md, run against what we really send."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from core import clock
from core.jobs.testing import drain
from webhooks.services import endpoints
from webhooks.tests.world import make_endpoint, publish

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.django_db


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)
    return found


def verify_in_python(cases):
    names: dict[str, object] = {}
    exec(example("python"), names)
    return [
        names["verify"](case["secret"], case["headers"], case["body"].encode()) for case in cases
    ]


def verify_in_node(cases):
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not on this machine: the example in JavaScript was not run")
    program = example("javascript") + (
        "const cases = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(cases.map("
        "(one) => verify(one.secret, one.headers, Buffer.from(one.body)))));"
    )
    ran = subprocess.run(
        [node, "-e", program], input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


@pytest.mark.parametrize("verify", [verify_in_python, verify_in_node])
def test_the_examples_take_ours_and_nothing_else(verify, acme, sender):
    created = make_endpoint(acme)
    rotated = endpoints.rotate_secret(endpoint=created.row, actor=None)
    publish(acme)
    drain()
    (message,) = sender.sent
    headers = {name.lower(): value for name, value in message.headers.items()}
    ours = {"secret": rotated.secret, "headers": headers, "body": message.body.decode()}
    old = str(int(clock.now().timestamp()) - 301)
    signatures = headers["webhook-signature"].split()

    assert (
        verify(
            [
                ours,
                {**ours, "secret": created.secret},
                {**ours, "headers": {**headers, "webhook-signature": signatures[0]}},
                {**ours, "secret": make_endpoint(acme).secret},
                {**ours, "body": ours["body"].replace("1", "2")},
                {**ours, "headers": {**headers, "webhook-id": "evt_other"}},
                {**ours, "headers": {**headers, "webhook-timestamp": old}},
                {**ours, "headers": {**headers, "webhook-timestamp": "soon"}},
                {**ours, "headers": {**headers, "webhook-signature": ""}},
                {**ours, "headers": {**headers, "webhook-signature": f"v0{signatures[0][2:]}"}},
                {**ours, "headers": {}},
            ]
        )
        == [True] * 3 + [False] * 8
    )


def test_every_event_type_is_on_the_page(acme, api_of):
    for one in api_of(acme).get("/api/webhook-event-types").json():
        assert f"| `{one['name']}` |" in PAGE
