"""The clients of `live_fanout`, in a process of their own: raw sockets that count frames.

    python -m benchmarks.live_fanout_clients PORT CLIENTS AT_ONCE EXPECTED AFTER

Prints ``connected`` when every client has its handshake and AT_ONCE frames, then ``done``
when each has EXPECTED further frames; ends with 1 when a number is missing, doubled or out of
order.
"""

from __future__ import annotations

import asyncio
import re
import resource
import sys

SEQ = re.compile(rb'^\{"seq":(\d+|null),"type":"([a-z]+)"')
HANDSHAKE = (
    "GET /ws/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: parley.v1, bearer.{token}\r\n\r\n"
)


PING, PONG = 0x89, 0x8A


class Client:
    """One connection, which reads frames without unpacking what it need not."""

    def __init__(self, port: int, number: int, after: str) -> None:
        self.port = port
        self.number = number
        self.path = "" if after == "-" else f"?after={after}"
        self.numbers: list[int] = []

    async def connect(self) -> None:
        """Do the handshake."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        request = HANDSHAKE.format(path=self.path, token=f"client{self.number}")
        self.writer.write(request.encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise SystemExit(f"refused: {head[:60]!r}")

    async def read(self, frames: int) -> None:
        """Read that many frames and note their numbers."""
        for _ in range(frames):
            head = await self.reader.readexactly(2)
            while head[0] == PING:
                # A slow machine takes longer than the server waits for a sign of life. Clients
                # mask what they send; a mask of zeros leaves it as it is.
                sent = await self.reader.readexactly(head[1])
                self.writer.write(bytes((PONG, 0x80 | len(sent), 0, 0, 0, 0)) + sent)
                head = await self.reader.readexactly(2)
            if head[0] != 0x81:
                raise SystemExit(f"not a whole text frame: {head!r}")
            length = head[1]
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2), "big")
            text = await self.reader.readexactly(length)
            found = SEQ.match(text)
            if found and found[2] != b"snapshot" and found[1] != b"null":
                self.numbers.append(int(found[1]))

    def is_in_order(self) -> bool:
        """Tell whether every number is one above the one before."""
        return all(
            after == before + 1
            for before, after in zip(self.numbers, self.numbers[1:], strict=False)
        )


async def run(port: int, count: int, at_once: int, expected: int, after: str) -> bool:
    """Connect all clients, read everything, and tell whether the order was right."""
    clients = [Client(port, number, after) for number in range(count)]
    for start in range(0, count, 50):
        await asyncio.gather(*[client.connect() for client in clients[start : start + 50]])
    await asyncio.gather(*[client.read(at_once) for client in clients])
    print("connected", flush=True)
    await asyncio.gather(*[client.read(expected) for client in clients])
    print("done", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    for client in clients:
        client.writer.close()
    return all(client.is_in_order() for client in clients)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    port, count, at_once, expected = (int(argument) for argument in sys.argv[1:5])
    sys.exit(0 if asyncio.run(run(port, count, at_once, expected, sys.argv[5])) else 1)
