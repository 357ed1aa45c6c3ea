"""People in front of a stack: visitors of a survey, writers on WhatsApp, readers of pages.

Each is a thread that does what a browser or Meta would do, measures how long every kind of request
takes, and remembers what it was promised, so that the database can be held against it.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import random
import re
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.services.rows import NUMBER_ID
from tests.services.stack import APP_SECRET

CALL_SECONDS = 30.0
ANSWERS = (
    "On Monday morning I had to turn forty interview notes into a summary for my manager before "
    "the ten o'clock meeting, number {n}, because it decides which supplier we keep.",
    "The export to PDF took {n} minutes and lost all the tags, so I copied the headings by hand "
    "and came late to the meeting on Tuesday.",
    "Nothing else comes to my mind, only that number {n} of the list was hard to find.",
)
SAYINGS = (
    "¿A qué hora abren mañana?",
    "Hola, ¿qué cafés tienen?",
    "How much is shipping to the centre?",
    "¿Dónde están?",
    "I would like to see the menu, please",
)


@dataclass
class Ledger:
    """What all people of a run have seen. Its methods are called by their threads."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    completed: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)
    to_review: deque[str] = field(default_factory=deque)
    approved: set[str] = field(default_factory=set)
    wamids: set[str] = field(default_factory=set)
    socket_faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, kind: str, seconds: float) -> None:
        """Remember how long one thing took."""
        with self.lock:
            self.latencies[kind].append(seconds)

    def failed(self, what: str) -> None:
        """Remember what went wrong."""
        with self.lock:
            self.errors[what] += 1


class Person:
    """Somebody with one connection.

    Args:
        urls: of the web servers; a person uses one, and another when it is gone.
        patience_seconds: for how long a refused or lost call is repeated, as clients do. With 0
            the first failure counts as an error.
    """

    def __init__(self, urls: list[str], seen: Ledger, *, patience_seconds: float = 0.0) -> None:
        self.urls = itertools.cycle(urls)
        self.url = next(self.urls)
        self.seen = seen
        self.patience_seconds = patience_seconds
        self.client = httpx2.Client(timeout=CALL_SECONDS)
        self.csrf = ""

    def call(
        self,
        kind: str,
        method: str,
        path: str,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        accepted: tuple[int, ...] = (),
        **fields: Any,
    ) -> httpx2.Response | None:
        """Call until it succeeds or patience ends; None then, and an error is remembered.

        Args:
            accepted: statuses that say an earlier try, whose answer was lost, has succeeded.
        """
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        ends_at = time.monotonic() + self.patience_seconds
        while True:
            began = time.perf_counter()
            try:
                answer = self.client.request(method, self.url + path, headers=sent, **fields)
            except httpx2.TransportError as error:
                problem = type(error).__name__
            else:
                if answer.status_code < 400 or answer.status_code in accepted:
                    self.seen.took(kind, time.perf_counter() - began)
                    return answer
                problem = str(answer.status_code)
                # What a client must not repeat is an error at once.
                if answer.status_code not in (409, 429) and answer.status_code < 500:
                    ends_at = 0.0
            if time.monotonic() >= ends_at:
                self.seen.failed(f"{kind}: {problem}")
                return None
            self.url = next(self.urls)
            time.sleep(0.3)

    def close(self) -> None:
        """Hang up."""
        self.client.close()


class LiveSocket(threading.Thread):
    """Watches a conversation and comes back after every loss, as the widget does."""

    def __init__(self, person: Person, session_id: str, token: str) -> None:
        super().__init__(daemon=True)
        self.person, self.session_id, self.token = person, session_id, token
        self.numbers: list[int] = []
        self.arrived: dict[str, float] = {}
        self.opened = threading.Event()
        self.changed = threading.Condition()
        self.stopping = False
        self.reconnects = -1

    def run(self) -> None:
        """Read until told to stop."""
        while not self.stopping:
            address = self.person.url.replace("http", "ws", 1)
            after = f"?after={self.numbers[-1]}" if self.numbers else ""
            try:
                with connect(
                    f"{address}/ws/transcript/{self.session_id}{after}",
                    subprotocols=[Subprotocol("parley.v1"), Subprotocol(f"bearer.{self.token}")],
                    open_timeout=15,
                    close_timeout=1,
                ) as socket:
                    self.reconnects += 1
                    self.opened.set()
                    while not self.stopping:
                        try:
                            self.take(json.loads(socket.recv(timeout=1)))
                        except TimeoutError:
                            continue
            except (WebSocketException, OSError, TimeoutError, EOFError):
                time.sleep(0.3)

    def take(self, event: dict[str, Any]) -> None:
        """Keep an event; its number must be the next one."""
        with self.changed:
            number = event.get("seq")
            if isinstance(number, int) and event.get("type") != "snapshot":
                if self.numbers and number != self.numbers[-1] + 1:
                    self.person.seen.socket_faults.append(
                        f"{self.session_id}: {number} after {self.numbers[-1]}"
                    )
                self.numbers.append(number)
            for text in re.findall(r"turn-[0-9a-f]{12}", json.dumps(event)):
                self.arrived.setdefault(text, time.perf_counter())
            self.changed.notify_all()

    def wait_for(self, client_id: str, seconds: float) -> float | None:
        """Return when the turn's own segment came, or None."""
        with self.changed:
            self.changed.wait_for(lambda: client_id in self.arrived, seconds)
            return self.arrived.get(client_id)

    def stop(self) -> None:
        """End the thread."""
        self.stopping = True
        self.join(5)


def take_survey(person: Person, world: Mapping[str, Any], draw: random.Random) -> None:
    """Answer a survey from start to pay, watching the conversation's socket."""
    started = person.call(
        "start",
        "POST",
        f"/survey/{world['survey_id']}/session/start",
        json={"publishable_key": world["publishable_key"], "consent": True, "language": "en"},
    )
    if started is None:
        return
    body = started.json()
    session_id, token = body["session_id"], body["session_token"]
    joined = person.call("join", "POST", f"/session/{session_id}/join", token=token)
    if joined is None:
        return
    live = LiveSocket(person, session_id, token)
    live.start()
    if not live.opened.wait(max(15.0, person.patience_seconds)):
        person.seen.failed("socket: not opened")
    try:
        for number in range(12):
            client_id = f"turn-{draw.randbytes(6).hex()}"
            text = ANSWERS[min(number, 2)].format(n=draw.randrange(10_000))
            began = time.perf_counter()
            turn = person.call(
                "turn",
                "POST",
                f"/session/{session_id}/turns",
                token=token,
                json={"client_id": client_id, "text": text, "typing_seconds": 30},
            )
            if turn is None:
                return
            person.seen.said[session_id] += 1
            arrived = live.wait_for(client_id, max(10.0, person.patience_seconds))
            if arrived is None:
                person.seen.failed("live event: never came")
            else:
                person.seen.took("live event", max(0.0, arrived - began))
            if turn.json()["progress"]["closed"]:
                break
        began = time.perf_counter()
        for _ in range(120):
            done = person.call("complete", "POST", f"/session/{session_id}/complete", token=token)
            if done is None:
                return
            if done.status_code != 202:
                person.seen.took("done to result", time.perf_counter() - began)
                result = person.seen.completed[session_id] = done.json()
                if result["payment_status"] == "held":
                    person.seen.to_review.append(session_id)
                return
            time.sleep(0.5)
        person.seen.failed("complete: no result")
    finally:
        live.stop()


def write_on_whatsapp(person: Person, world: Mapping[str, Any], draw: random.Random) -> None:
    """Write something; now and then Meta delivers it twice."""
    message = {"type": "text", "text": {"body": draw.choice(SAYINGS)}}
    deliver(person, world, draw, message, times=2 if draw.random() < 0.1 else 1)


def deliver(
    person: Person,
    world: Mapping[str, Any],
    draw: random.Random,
    message: Mapping[str, Any],
    *,
    times: int = 1,
) -> None:
    """Deliver one signed body as Meta does: until it is taken."""
    phone = f"52155{draw.randrange(int(world['people'])):08}"
    wamid = f"wamid.LOAD{draw.randbytes(10).hex()}"
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "100", "phone_number_id": NUMBER_ID},
        "contacts": [{"profile": {"name": f"P{phone[-4:]}"}, "wa_id": phone}],
        "messages": [
            {
                "from": phone,
                "id": wamid,
                "timestamp": str(int(time.time())),
                **message,
            }
        ],
    }
    entry = {"id": "waba", "changes": [{"field": "messages", "value": value}]}
    raw = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    signature = hmac.new(APP_SECRET.encode(), raw, hashlib.sha256).hexdigest()
    for _ in range(times):
        taken = person.call(
            "webhook",
            "POST",
            "/webhooks/whatsapp",
            content=raw,
            headers={
                "Content-Type": "application/json",
                "X-Hub-Signature-256": f"sha256={signature}",
            },
        )
        if taken is None:
            return
    with person.seen.lock:
        person.seen.wamids.add(wamid)


def log_in(person: Person, world: Mapping[str, Any]) -> None:
    """Open a company session with the login form."""
    page = person.client.get(f"{person.url}/account/login/")
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    # Production's cookies are for HTTPS; this client speaks HTTP to the loopback, as a proxy does.
    cookies = "; ".join(one.split(";")[0] for one in page.headers.get_list("set-cookie"))
    answer = person.client.post(
        str(page.url),
        data={
            "csrfmiddlewaretoken": found[1] if found else "",
            "username": world["email"],
            "password": world["password"],
        },
        headers={"Cookie": cookies, "Referer": str(page.url)},
    )
    cookies = "; ".join(one.split(";")[0] for one in answer.headers.get_list("set-cookie"))
    if "sessionid" not in cookies:
        raise RuntimeError(f"the login failed: {answer.status_code}")
    person.client.headers["Cookie"] = cookies
    person.csrf = cookies.partition("csrftoken=")[2].partition(";")[0]


def review(person: Person, world: Mapping[str, Any], draw: random.Random) -> None:
    """Approve one payout that is held, in the console."""
    try:
        session_id = person.seen.to_review.popleft()
    except IndexError:
        return
    decided = person.call(
        "review",
        "POST",
        f"/console/review/{session_id}/",
        data={"csrfmiddlewaretoken": person.csrf, "decision": "approve", "reason": "Looks right"},
        accepted=(409,),
    )
    if decided is not None:
        person.seen.approved.add(session_id)


def read_pages(person: Person, world: Mapping[str, Any], draw: random.Random) -> None:
    """Look at a public page, a survey's own page, or the company's console."""
    path = draw.choice(
        ("/", f"/s/{world['survey_id']}", "/console/", "/console/sessions/", "/console/ledger/")
    )
    kind = "page of the console" if path.startswith("/console") else "public page"
    person.call(kind, "GET", path)


Act = Callable[[Person, Mapping[str, Any], random.Random], None]


def crowd(
    urls: list[str],
    world: Mapping[str, Any],
    *,
    acts: Mapping[Act, tuple[int, float]],
    seen: Ledger,
    until: Callable[[], bool],
    patience_seconds: float = 0.0,
    seed: int = 7,
) -> list[threading.Thread]:
    """Start people who act again and again until told to stop; return their threads.

    Args:
        acts: for each act how many people do it, and how long each pauses in between.
        until: asked before each act.
    """

    def live(act: Act, number: int, pause: float) -> None:
        draw = random.Random(f"{seed}.{act.__name__}.{number}")
        mine = urls[number % len(urls) :] + urls[: number % len(urls)]
        person = Person(mine, seen, patience_seconds=patience_seconds)
        try:
            if act in (read_pages, review):
                log_in(person, world)
            while not until():
                act(person, world, draw)
                time.sleep(pause * draw.uniform(0.5, 1.5))
        except Exception as error:  # noqa: BLE001 - a person who falls over is a finding
            seen.failed(f"{act.__name__}: {type(error).__name__}: {error}")
        finally:
            person.close()

    threads = [
        threading.Thread(target=live, args=(act, number, pause), daemon=True)
        for act, (people, pause) in acts.items()
        for number in range(people)
    ]
    for thread in threads:
        thread.start()
    return threads
