"""A local speech and chat server with OpenAI's wire format, for tests that use the real plugins.

It recognises with pocketsphinx and speaks with flite, espeak-ng where flite is missing: small old
engines, but real ones. It runs in a process of its own, because pocketsphinx keeps Python's lock
for as long as it decodes.

    with SpeechServer() as server:
        server.script("chat", {"reply": "Good morning."})
        server.script("transcriptions", status=429, times=2)
        ...                                   # OPENAI_BASE_URL=server.base_url
        server.requests("speech")             # what was asked of it

Starting one takes a second: tests of one process share `shared_speech_server()`.
"""

from tests.fakes.speech_server.client import SpeechServer, shared_speech_server

__all__ = ["SpeechServer", "shared_speech_server"]
