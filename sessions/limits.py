"""Numbers that bound a conversation and are nobody's to configure. Knows nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

CLIENT_ID_LENGTH: Final = 64
LANGUAGE_LENGTH: Final = 8
SYSTEM_PROMPT_LENGTH: Final = 4_000

CHAT_MAX_SECONDS: Final = 30 * 60
"""Active time of a plain chat."""
CHATS_PER_VISITOR_HOUR: Final = 20
"""Plain chats one address may open in an hour when visitors may chat at all."""
CHATS_PER_PERSON_HOUR: Final = 60
MODEL_REPLIES_PER_HOUR: Final = 200
"""Replies a language model writes for one person or address in plain chats."""

CONTROLS_PER_MINUTE: Final = 30
"""Pauses and resumes of one conversation."""

LATE_TURNS_KEPT: Final = 20
"""Turns stored after the end; later ones are refused and not stored."""

ABSENCE_AFTER: Final = timedelta(seconds=45)
"""Without a sign of life for this long the clock stops, from the last one on."""
SIGN_OF_LIFE_SECONDS: Final = 15
"""How often an open socket or poll is worth a write."""

TIME_LIMIT_GRACE: Final = timedelta(seconds=10)
"""A sentence begun in time may still be sent for this long after the limit."""

REPLY_TAKEOVER: Final = timedelta(seconds=4)
"""Past the reply's own deadline: when the sweep takes over from a request that died."""
REPLY_ATTEMPTS: Final = 3
"""Take-overs before the agent says that it lost its thread and asks to go on."""

ROOM_CLAIM_LIFETIME: Final = timedelta(minutes=30)
ROOM_CLAIMS_HELD: Final = 20
"""Unused room names one person may hold at a time."""

REPLAY_LIMIT: Final = 500
"""Events one call of the replay route answers with."""
POLL_SECONDS_MAX: Final = 20

HIDDEN_CHARACTERS_BY_ACCIDENT: Final = 2
"""Invisible characters that come along with pasted text; more were put there."""

THINKING_CHARGED: Final = timedelta(minutes=3)
"""A turn that comes after a silence with no sign of life was being written meanwhile: up to this
much of the silence counts as active, or every slow typist without a socket would look too fast."""

AGENT_LEASE: Final = timedelta(seconds=15)
"""Without a renewal for this long the process that ran a live agent counts as dead."""
AGENT_LOOK_SECONDS: Final = 0.5
"""How often a process that runs agents looks whether somebody wants them to stop."""
VOICE_RETRY_SECONDS: Final = 5.0
"""After a voice could not be had, a socket's sound is ignored for so long."""
EARLY_AUDIO_BYTES: Final = 28_800
"""Sound kept while the agent of a socket is still starting: less than the second by which sound
may run ahead of the clock."""
ALREADY_READ_AFTER: Final = timedelta(seconds=4)
"""Words of the agent that stood on the page for longer were read, whatever was heard of them."""
