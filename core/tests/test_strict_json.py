from __future__ import annotations

import time

import pytest

from core.strict_json import MAX_INTEGER, JSONRefusedError, decode_json


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        ('"é"', "é"),
        (b"9223372036854775807", MAX_INTEGER),
        (b"-9223372036854775807", -MAX_INTEGER),
        (b'"\\ud83d\\ude00"', "😀"),
        (b" [] ", []),
    ],
)
def test_json_is_decoded(raw, value):
    assert decode_json(raw) == value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "json_invalid"),
        (b"{", "json_invalid"),
        (b"{'a': 1}", "json_invalid"),
        (b"[1] 2", "json_invalid"),
        (b"NaN", "json_invalid"),
        (b"[Infinity]", "json_invalid"),
        (b"[-Infinity]", "json_invalid"),
        (b'{"a": 1, "a": 2}', "json_duplicate_key"),
        (b'[{"x": {"b": 1, "b": 1}}]', "json_duplicate_key"),
        (b'"\\u0000"', "json_unstorable_text"),
        (b'{"a\\u0000": 1}', "json_unstorable_text"),
        (b'"\\ud83d"', "json_unstorable_text"),
        (b'{"\\ude00": 1}', "json_unstorable_text"),
        (b"9223372036854775808", "json_number_out_of_range"),
        (b"1" * 5000, "json_number_out_of_range"),
        (b"1e999", "json_number_out_of_range"),
        (b"\xff\xfe", "json_not_utf8"),
        (b'"\xed\xa0\x80"', "json_not_utf8"),
        (b"\xef\xbb\xbf{}", "json_invalid"),
        (b"[" * 100_000 + b"]" * 100_000, "json_too_deep"),
        (b"[" * 100_000, "json_too_deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "json_too_deep"),
        (b"[" * 33 + b"]" * 33, "json_too_deep"),
    ],
)
def test_what_could_be_understood_in_two_ways_or_not_stored_is_refused(raw, code):
    with pytest.raises(JSONRefusedError) as refused:
        decode_json(raw)

    assert refused.value.code == code


def test_the_deepest_allowed_nesting_passes():
    assert decode_json(b"[" * 32 + b"]" * 32) is not None


def test_a_refusal_repeats_nothing_of_the_text():
    with pytest.raises(JSONRefusedError) as refused:
        decode_json(b'{"secret-canary": ')

    assert "canary" not in str(refused.value)
    assert "line 1" in refused.value.detail


def test_three_megabytes_are_decoded_in_a_second():
    raw = b"[" + b'"abcdefgh",' * 270_000 + b'""]'
    started = time.process_time()

    decode_json(raw)

    assert time.process_time() - started < 2
