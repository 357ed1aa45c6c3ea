from __future__ import annotations

import hashlib
import re

from core.tokens import digest, matches, mint


def test_a_token_has_256_bits_of_base64url_and_its_prefix():
    token = mint("sk_")

    assert re.fullmatch(r"sk_[A-Za-z0-9_-]{43}", token.plain)
    assert token.digest == hashlib.sha256(token.plain.encode()).hexdigest()


def test_tokens_differ():
    assert len({mint().plain for _ in range(1000)}) == 1000


def test_only_the_very_token_matches():
    token = mint()
    flipped = token.plain[:-1] + ("A" if token.plain[-1] != "A" else "B")

    assert matches(token.plain, token.digest)
    assert not matches(flipped, token.digest)
    assert not matches(token.plain + " ", token.digest)
    assert not matches("", token.digest)
    assert not matches(token.digest, token.digest)


def test_a_token_of_strange_characters_is_only_wrong():
    assert not matches("\ud800é", mint().digest)
    assert len(digest("\ud800")) == 64


def test_a_token_does_not_show_itself():
    token = mint("sk_")

    assert token.plain not in repr(token)
    assert token.plain not in f"{token}"
